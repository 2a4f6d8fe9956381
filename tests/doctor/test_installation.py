"""What doctor says of the installation, with the metadata that pip leaves behind."""

import hashlib
import subprocess
from base64 import urlsafe_b64encode
from pathlib import Path
from zipfile import ZipFile

import pytest

from bounced.doctor.installation import MEND, examine_installation, examine_running
from bounced.edges.judge.finding import Outcome
from bounced.edges.version import Build
from tests.support.installation import build_wheel, environment, pip

BUILD = Build("1.2.0")
OURS = {"bounced/__init__.py": "ours\n", "bounced/cli/root.py": "root\n"}
LOOK = """
from bounced.doctor.installation import examine_installation
from bounced.edges.version import running
for found in examine_installation(running()):
    print(found.outcome, found.text, sep=": ")
"""
ENTRY = "[console_scripts]\nbounced = bounced.__main__:main\n"


def put(folder: Path, name: str, version: str, files: dict[str, str], entry_points: str = "") -> None:
    """Install a distribution as pip does: its files, written over what is there, and what pip notes of them."""
    record = []
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        digest = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(text)}\n")
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    (metadata / "RECORD").write_text("".join([*record, f"{metadata.name}/RECORD,,\n"]))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder of packages in which bounced-mx is installed."""
    put(tmp_path, "bounced-mx", "1.2.0", OURS, ENTRY)
    return tmp_path


def told(site: Path) -> list[tuple[Outcome, str, str]]:
    """Return what is found there."""
    return [(found.outcome, found.text, found.advice) for found in examine_installation(BUILD, [str(site)])]


def test_a_whole_installation_is_well_and_its_version_is_told(site: Path) -> None:
    """Whatever else is installed."""
    put(site, "redis", "8.0.1", {"redis/__init__.py": ""})
    assert told(site) == [(Outcome.OK, "1.2.0", "")]


def test_another_project_s_package_that_came_later_has_overwritten_files_of_ours(site: Path) -> None:
    """As `pip install` without -mx leaves it.  The finding names the project, the files and what mends it."""
    put(site, "bounced", "0.3.0", {"bounced/__init__.py": "theirs\n", "bounced/bounced.py": "theirs\n"})
    text = f"bounced 0.3.0 in {site} is another project's, whose package has the name of ours"
    assert told(site) == [(Outcome.ERROR, f"{text}; of ours are missing or changed: bounced/__init__.py", MEND)]
    assert MEND.startswith("pip uninstall bounced bounced-mx, then install bounced-mx again")


def test_another_project_s_package_that_came_first_is_an_error_too(tmp_path: Path) -> None:
    """Our files are whole, until somebody removes that package."""
    put(tmp_path, "bounced", "0.3.0", {"bounced/__init__.py": "theirs\n"})
    put(tmp_path, "bounced-mx", "1.2.0", OURS, ENTRY)
    ((outcome, text, _),) = told(tmp_path)
    assert outcome is Outcome.ERROR
    assert text.endswith("whose package has the name of ours")


def test_ours_under_its_former_name_is_no_stranger(site: Path) -> None:
    """An environment in which it was installed before it was called bounced-mx: a warning, and the same remedy."""
    put(site, "bounced", "0.1.0", {"_editable.pth": "/src\n"}, ENTRY)
    text = f"bounced 0.1.0 in {site} is bounced-mx under the name that it had before"
    assert told(site) == [(Outcome.WARNING, text, MEND)]


def test_missing_files_are_an_error(site: Path) -> None:
    """As `pip uninstall` of the other project leaves it: no name of it is left, and neither are files of ours."""
    (site / "bounced/__init__.py").unlink()
    assert told(site) == [(Outcome.ERROR, "files of bounced-mx are missing: bounced/__init__.py", MEND)]


def test_changed_files_are_a_warning(site: Path) -> None:
    """Somebody may have done it on purpose."""
    (site / "bounced/cli/root.py").write_text("patched\n")
    ((outcome, text, _),) = told(site)
    assert (outcome, text) == (
        Outcome.WARNING,
        "files of bounced-mx were changed after it was installed: bounced/cli/root.py",
    )


def test_of_many_files_the_first_are_named(tmp_path: Path) -> None:
    """One line is read, fifty are not."""
    put(tmp_path, "bounced-mx", "1.2.0", {f"bounced/{name}.py": "" for name in "abcde"})
    for file in (tmp_path / "bounced").iterdir():
        file.unlink()
    ((_, text, _),) = told(tmp_path)
    assert text == "files of bounced-mx are missing: bounced/a.py, bounced/b.py, bounced/c.py and 2 more"


def test_an_editable_installation_has_no_files_that_could_be_damaged(tmp_path: Path) -> None:
    """The checkout changes, as it should."""
    put(tmp_path, "bounced-mx", "1.2.0", {"_editable_impl_bounced_mx.pth": "/src\n"}, ENTRY)
    assert told(tmp_path) == [(Outcome.OK, "1.2.0", "")]


def test_a_folder_that_python_searches_twice_is_examined_once(site: Path) -> None:
    """As PYTHONPATH can make it."""
    put(site, "bounced", "0.3.0", {})
    assert len(list(examine_installation(BUILD, [str(site), str(site)]))) == 1


def test_a_daemon_that_was_not_restarted_after_an_upgrade_is_a_warning() -> None:
    """It runs what was installed when it began."""
    (found,) = examine_running({"version": "1.2.0.dev20010203120000+gabc1234567"}, BUILD)
    assert found.outcome is Outcome.WARNING
    assert found.text == "1.2.0.dev20010203120000, commit abc1234567; installed is 1.2.0"
    assert found.advice == "systemctl restart bounced"
    assert list(examine_running({"version": "1.2.0"}, BUILD)) == []


def test_with_pip_s_own_files_it_is_found_and_mended(tmp_path: Path) -> None:
    """A wheel of that name is installed beside ours and removed again; then what the advice says is done."""
    ours = ("--no-deps", "--no-compile", str(build_wheel(tmp_path / "ours")))
    programs = environment(tmp_path / "installed", ())
    pip(programs, "install", *ours)
    theirs = tmp_path / "bounced-0.3.0-py3-none-any.whl"
    with ZipFile(theirs, "w") as archive:
        archive.writestr("bounced/__init__.py", "theirs = True\n")
        archive.writestr("bounced-0.3.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: bounced\nVersion: 0.3.0\n")
        archive.writestr("bounced-0.3.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr("bounced-0.3.0.dist-info/RECORD", "bounced/__init__.py,,\n")

    def look() -> str:
        done = subprocess.run([programs / "python", "-c", LOOK], capture_output=True, text=True, check=True, cwd="/")
        return done.stdout

    assert look().startswith("ok: ")
    pip(programs, "install", str(theirs))
    assert look().startswith("error: bounced 0.3.0 in ")
    assert look().endswith("of ours are missing or changed: bounced/__init__.py\n")
    pip(programs, "uninstall", "--yes", "bounced")
    assert look() == "error: files of bounced-mx are missing: bounced/__init__.py\n"
    pip(programs, "uninstall", "--yes", "bounced-mx")
    pip(programs, "install", *ours)
    assert look().startswith("ok: ")
