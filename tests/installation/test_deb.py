"""What the Debian package says and holds, as far as no build is needed to know it."""

import configparser
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from email.parser import Parser
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from bounced.cli.libraries import LOWEST
from bounced.config import examine
from deb import build
from deb.control import DEPENDS, Package, debian_version

PROJECT = Path(__file__).parents[2]
DEB = PROJECT / "deb"
PAGE = (PROJECT / "docs/debian.md").read_text("utf-8")
PACKAGE = Package(
    version="0.2.0~~dev5+g71a2b3c4d5-py311",
    summary="Inbound bounce processor: a summary.",
    architecture="amd64",
    interpreter="python3.11",
    maintainer="Ann Example <ann@example.org>",
    epoch=981173106,
)
RISING = (
    "0.9.0",
    "0.10.0.dev0+unknown",
    "0.10.0.dev20010203120000+gfff1234567",
    "0.10.0.dev20010203120000+gfff1234567.dirty",
    "0.10.0.dev20010203120001+g71a2b3c4d5",
    "0.10.0a1.dev20010203120002+gabc1234567",
    "0.10.0a1",
    "0.10.0rc1.dev20010203120003+gabc1234567",
    "0.10.0rc1",
    "0.10.0rc2",
    "0.10.0",
    "0.10.0.post1.dev20010203120005+gabc1234567",
    "0.10.0.post1",
    "0.10.1.dev20010203120006+gabc1234567",
    "1!0.1.0",
)

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is not here")


@needs_dpkg
@pytest.mark.parametrize(("older", "newer"), [*pairwise(RISING)])
def test_dpkg_has_the_order_of_pip(older: str, newer: str) -> None:
    """Else an upgrade would be a downgrade."""
    assert Version(older) < Version(newer)
    forms = [debian_version(each, "python3.11") for each in (older, newer)]
    done = subprocess.run(["dpkg", "--compare-versions", forms[0], "lt", forms[1]], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), forms


def test_the_version_says_for_which_interpreter() -> None:
    """One machine's package is not another's; the newer Debian's is the newer one."""
    assert debian_version("0.2.0", "python3.11") == "0.2.0-py311"
    assert debian_version("1!0.2.0rc1", "python3.13") == "1:0.2.0~rc1-py313"


def test_the_control_file_is_what_dpkg_reads() -> None:
    """Every field that is required, the exact interpreter, and a description that goes on with a space."""
    fields = Parser().parsestr(PACKAGE.control(size_kib=7, glibc_minor=34))
    assert fields["Package"] == "bounced"
    assert fields["Version"] == PACKAGE.version
    assert fields["Architecture"] == "amd64"
    assert fields["Installed-Size"] == "7"
    assert fields["Depends"].split(", ") == ["python3.11", "libc6 (>= 2.34)", *DEPENDS]
    assert fields["Description"].startswith("inbound bounce processor: a summary\n ")
    assert fields.get_payload() == ""


def test_an_epoch_is_not_in_the_name_of_the_file() -> None:
    """As dpkg-deb itself names packages."""
    assert PACKAGE.file_name == "bounced_0.2.0~~dev5+g71a2b3c4d5-py311_amd64.deb"
    assert replace(PACKAGE, version="1:0.2.0-py311").file_name == "bounced_0.2.0-py311_amd64.deb"


@needs_dpkg
def test_dpkg_reads_the_changelog() -> None:
    """It is the version's own, at the time of the build."""
    if not shutil.which("dpkg-parsechangelog"):
        pytest.skip("dpkg-parsechangelog is not here")
    parse = ["dpkg-parsechangelog", "--file", "-", "--show-field", "Version"]
    done = subprocess.run(parse, input=PACKAGE.changelog(), capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (PACKAGE.version, "")


def test_every_unit_is_in_the_wheel_and_has_a_place_in_the_package() -> None:
    """The builder moves what the wheel brings, and refuses what it does not know."""
    shared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "shared-data"
    ]
    assert {f"systemd/{unit.name}" for unit in (PROJECT / "systemd").iterdir()} <= set(shared)
    homeless = [place for place in shared.values() if not any(f"{place}/".startswith(f"{of}/") for of in build.MOVED)]
    assert homeless == ["share/bounced"]
    assert {f"share/bounced/{each.name}" for each in (PROJECT / "config").iterdir()} <= set(build.MOVED)


def test_what_looks_for_the_program_in_opt_looks_for_it_in_usr(tmp_path: Path) -> None:
    """Units and examples; and no other path of an installation by hand is left in them."""
    home = tmp_path / build.HOME
    shutil.copytree(PROJECT / "systemd", home / "lib/systemd/system", ignore=shutil.ignore_patterns("*users", "*files"))
    for kind in ("sysusers", "tmpfiles"):
        (home / f"lib/{kind}.d").mkdir(parents=True)
        shutil.copy(PROJECT / f"systemd/bounced.{kind}", home / f"lib/{kind}.d/bounced.conf")
    (home / "share/man/man1").mkdir(parents=True)
    shutil.copy(PROJECT / "docs/bounced.1", home / "share/man/man1")
    shutil.copytree(PROJECT / "config", home / "share/bounced")
    build._move(tmp_path)
    texts = {file: file.read_text() for file in (tmp_path / "usr").rglob("*") if file.is_file()}
    assert [file for file, text in texts.items() if build.BY_HAND in text] == []
    services = [file for file in texts if file.suffix == ".service"]
    assert len(services) == len(list((PROJECT / "systemd").glob("*.service")))
    for service in services:
        started = re.findall(r"^ExecStart(?:Pre)?=(\S+)", texts[service], re.MULTILINE)
        assert set(started) == {"/usr/bin/bounced"}, service


def test_what_has_no_place_in_the_package_ends_the_build(tmp_path: Path) -> None:
    """A file that is new in the wheel is not lost in silence."""
    for source in build.MOVED:
        (tmp_path / build.HOME / source).mkdir(parents=True)
    (tmp_path / build.HOME / "share/new").write_text("new")
    with pytest.raises(SystemExit, match="share/new"):
        build._move(tmp_path)


def test_the_configuration_file_is_refused_as_it_comes_and_good_when_every_mark_is_taken_away(tmp_path: Path) -> None:
    """Nobody runs with invented names by accident; and an edit is all that it takes."""
    text = (DEB / "bounced.toml").read_text()
    assert tomllib.loads(text) == {}
    file = tmp_path / "bounced.toml"
    file.write_text(re.sub(r"^#(?=[a-z\[])", "", text, flags=re.MULTILINE))
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/a").write_text("YmFzZTY0IG9mIDMyIG9jdGV0cyB0aGF0IGFyZSBhIGs=\n")
    (tmp_path / "keys/a").chmod(0o600)
    config, problems = examine(file)
    assert list(problems) == []
    assert list(config.lists) == ["main"]


def test_the_configuration_is_what_dpkg_asks_about() -> None:
    """Files of /etc that are not conffiles would be overwritten by an upgrade."""
    assert [f"/{each}" for each in build.CONFFILES.values()] == ["/etc/bounced/bounced.toml"]
    assert all((DEB / each).is_file() for each in build.CONFFILES)


@pytest.mark.parametrize("name", build.SCRIPTS)
def test_a_script_of_the_package_is_sound(name: str) -> None:
    """As far as the shell says; each ends at the first command that fails, and none restarts a socket."""
    text = (DEB / name).read_text()
    assert text.startswith("#!/bin/sh\n")
    assert "\nset -e\n" in text
    subprocess.run(["sh", "-n", DEB / name], check=True)
    assert not re.search(r"restart[^\n]*\.socket", text)


def test_a_purge_removes_what_the_services_write_and_no_key() -> None:
    """The folders of state of all units, and nothing in /etc."""
    states = set()
    for unit in (PROJECT / "systemd").glob("*.service"):
        parsed = configparser.ConfigParser(
            strict=False, interpolation=None, delimiters="=", empty_lines_in_values=False
        )
        parsed.optionxform = str  # type: ignore[assignment,method-assign]
        parsed.read_string(unit.read_text())
        states |= {f"/var/lib/{name}" for name in parsed["Service"].get("StateDirectory", "").split()}
    removed = re.findall(r"^ *rm -rf (.*)$", (DEB / "postrm").read_text(), re.MULTILINE)
    assert {path for line in removed for path in line.split()} == states
    assert all(f"`{path}`" in PAGE for path in states)


def test_the_pinned_libraries_are_those_that_are_promised_to_work() -> None:
    """All that the extras bring but those of developers; each with its digests."""
    lines = (DEB / "requirements.txt").read_text().replace("\\\n", "").splitlines()
    pinned = {}
    for line in lines:
        if line and not line.startswith("#"):
            requirement, *digests = line.split(" --hash=")
            parsed = Requirement(requirement.strip())
            assert digests, line
            assert all(digest.strip().startswith("sha256:") for digest in digests)
            (only,) = parsed.specifier
            assert only.operator == "=="
            pinned[parsed.name.lower().replace(".", "-").replace("_", "-")] = Version(only.version)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = [each for name, extra in project["optional-dependencies"].items() if name != "dev" for each in extra]
    wanted = [Requirement(each) for each in (*project["dependencies"], *extras)]
    wanted = [each for each in wanted if each.name != project["name"]]
    assert {each.name for each in wanted} == set(LOWEST)
    for each in wanted:
        assert pinned[each.name.replace(".", "-")] in each.specifier, each


def test_the_page_names_every_place_of_the_package() -> None:
    """Who looks for a file finds it there."""
    for place in ("/etc/bounced/bounced.toml", "/usr/bin/bounced", f"/{build.HOME}", f"/{build.DOC}"):
        assert f"`{place}`" in PAGE
    for user in re.findall(r"^u (\S+)", (PROJECT / "systemd/bounced.sysusers").read_text(), re.MULTILINE):
        assert f"`{user}`" in PAGE


def test_where_debian_s_python_is_missing_the_build_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before it installs anything."""
    monkeypatch.setattr("sys.argv", ["build", "--python", str(tmp_path / "python3"), "--folder", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"needs dpkg-deb and .*/python3: Debian 12 or later"):
        build.main()
    assert list(tmp_path.iterdir()) == []
