"""Who sends installs the client alone; who runs the daemon, an extra; and nobody another project's package."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bounced.cli.root import COMMANDS
from tests.support.installation import build_wheel, install

PROJECT = Path(__file__).parents[2]
PAGES = ["README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "docs", "config", "systemd", "bounced"]
ANOTHER = re.compile(
    r"""pip\S*\ install\b[^\n]*?[ '"`]bounced(?![\w/.-])  # pip install bounced, 'bounced[fast]', bounced==1
    |(?<![\w/.-])bounced\[                             # bounced[fast], wherever it stands
    |pypi\.org/project/bounced(?!-)""",
    re.VERBOSE,
)
SENDING = """
import sys
from bounced.client import Client, Keyring, ReturnPaths, SigningKey
paths = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("k", b"example secret, exactly 32 bytes")))
with Client.from_url(sys.argv[1], paths) as client:
    print(client.is_suppressed("alice@example.org"), client.return_path_for("alice@example.org").partition("@")[2])
"""
ALL = """
import importlib, pkgutil, sys, bounced
for module in pkgutil.walk_packages(bounced.__path__, "bounced."):
    if not module.name.startswith(tuple(sys.argv[1:])):
        importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel."""
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def sender(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an installation without extras."""
    return install(wheel, tmp_path_factory.mktemp("sender"))


def test_without_extras_it_signs_and_asks(sender: Path, redis_url: str) -> None:
    """By a real server; redis and idna are all that is there beside it."""
    done = subprocess.run([sender / "python", "-c", SENDING, redis_url], capture_output=True, text=True, check=True)
    assert done.stdout == "False bounce.example.com\n"


@pytest.mark.parametrize("words", [["--help"], *([name] for name in COMMANDS)], ids=" ".join)
def test_a_command_without_its_packages_says_in_one_line_which_extra_brings_them(
    sender: Path, words: list[str]
) -> None:
    """Whichever command it is: a mistake of the installation, not a crash of the program."""
    done = subprocess.run([sender / "bounced", *words], capture_output=True, text=True, check=False)
    extra = {"web": "web", "deliver": "deliver", "hooks": "deliver"}.get(words[0], "daemon")
    said = f"bounced: click is not installed: it needs the extra `{extra}`, pip install 'bounced-mx[{extra}]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_what_the_extra_daemon_brings_is_all_that_the_program_imports(wheel: Path, tmp_path: Path) -> None:
    """Every module but those of `bounced web` and `bounced deliver`, in an installation with that extra alone."""
    programs = install(wheel, tmp_path, "daemon")
    others = ("bounced.web", "bounced.cli.web", "bounced.deliver", "bounced.cli.deliver")
    subprocess.run([programs / "python", "-c", ALL, *others], check=True)
    done = subprocess.run([programs / "bounced", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("bounced ")


@pytest.mark.parametrize("extra", ["dns", "embedded"])
def test_an_extra_that_is_of_no_use_without_the_daemon_brings_it(wheel: Path, tmp_path: Path, extra: str) -> None:
    """A command runs with that extra alone."""
    programs = install(wheel, tmp_path, extra)
    subprocess.run([programs / "bounced", "check-config", "--help"], capture_output=True, check=True)


def test_the_extra_web_brings_all_that_the_web_application_imports(wheel: Path, tmp_path: Path) -> None:
    """Every module, in an installation with that extra alone."""
    programs = install(wheel, tmp_path, "web")
    subprocess.run([programs / "python", "-c", ALL], check=True)


def test_no_page_and_no_message_installs_another_project_s_package() -> None:
    """On PyPI, the name without -mx is somebody else's."""
    found = [f"{file.relative_to(PROJECT)}: {match[0]}" for file, text in _texts() for match in ANOTHER.finditer(text)]
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "pip install bounced",
        "pip install --upgrade 'bounced[fast,dns]'",
        "bounced[embedded]",
        "pip3 install bounced==1",
    ],
)
def test_the_search_for_another_project_s_package_finds_it(line: str) -> None:
    """In each way in which pages had it."""
    assert ANOTHER.search(line)


def _texts() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        root = PROJECT / page
        for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if file.is_file() and file.suffix != ".pyc":
                yield file, file.read_text("utf-8", "replace")
