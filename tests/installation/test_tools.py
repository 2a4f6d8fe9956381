"""One program for one user, as `uvx`, `uv tool` and `pipx` install it, in a home that has nothing yet."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.checkout import checkout, commit
from tests.support.installation import build_wheel

UV = Path(sysconfig.get_path("scripts")) / "uv"
EXTRAS = "[daemon,embedded,web]"
NOON, LATER = "2001-02-03T12:00:00Z", "2001-02-03T12:00:01Z"
INDEX = re.compile(r"(UV|PIP)_.*|SSL_CERT_.*|(https?|all|no)_proxy", re.IGNORECASE)
"""What tells of the package index, and how to get there."""

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not UV.exists(), reason="uv is not here"),
    pytest.mark.skipif(not shutil.which("git"), reason="git is not here"),
]


@dataclass(frozen=True, slots=True)
class Home:
    """The home of a user who has the interpreter of the tests, uv, and nothing else."""

    folder: Path

    def done(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Return what came of a command."""
        path = [self.folder / ".local/bin", UV.parent, Path(sys.base_prefix) / "bin", "/usr/bin", "/bin"]
        index = {name: value for name, value in os.environ.items() if INDEX.fullmatch(name)}
        env = {"HOME": str(self.folder), "PATH": ":".join(map(str, path)), "UV_PYTHON_DOWNLOADS": "never", **index}
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def run(self, *command: str | Path, code: int = 0) -> str:
        """Return what a command prints."""
        done = self.done(*command)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def uv(self, *words: str) -> str:
        """Return what uv prints."""
        return self.run(UV, *words)

    def pipx(self, *words: str) -> str:
        """Return what pipx prints, which comes from the index."""
        return self.run(UV, "tool", "run", "pipx", *words)

    @property
    def bounced(self) -> Path:
        """Where both tools put the command."""
        return self.folder / ".local/bin/bounced"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home, from which the package index can be reached."""
    made = Home(tmp_path / "home")
    made.folder.mkdir()
    (made.folder / "asked.in").write_text("click\n")
    asked = made.done(UV, "pip", "compile", "--quiet", "asked.in")
    if asked.returncode:
        pytest.skip(f"the package index cannot be reached: {asked.stderr.strip()}")
    return made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a checkout of the program with one commit."""
    made = checkout(tmp_path / "source", whole=True)
    commit(made, at=NOON)
    return made


def changed(source: Path) -> str:
    """Commit another program; return the digits."""
    (source / "bounced/__init__.py").write_text('"""Changed."""\n')
    return commit(source, at=LATER)


@pytest.fixture
def wheel(source: Path, tmp_path: Path) -> Path:
    """Return its wheel."""
    return build_wheel(tmp_path / "dist", source)


@pytest.fixture
def newer(source: Path, wheel: Path, tmp_path: Path) -> Path:
    """Return the wheel of a later commit."""
    changed(source)
    return build_wheel(tmp_path / "newer", source)


def test_uvx_runs_the_demonstration_and_installs_nothing(home: Home, wheel: Path) -> None:
    """One command; its folders are uv's cache alone."""
    told = home.uv("tool", "run", "--from", f"{wheel}{EXTRAS}", "bounced", "demo", "--once")
    assert "alice\t550 5.1.1 " in told
    assert "suppressed (threshold)" in told
    assert "bounced" not in home.uv("tool", "list")
    assert not home.bounced.exists()


def test_uv_tool_installs_it_upgrades_it_and_takes_it_away(home: Home, wheel: Path, newer: Path) -> None:
    """A command each."""
    home.uv("tool", "install", f"{wheel}{EXTRAS}")
    assert re.fullmatch(r"bounced \S+\.dev20010203120000, commit [0-9a-f]{10}\n", home.run(home.bounced, "--version"))
    assert home.run(home.bounced, "doctor", code=2).startswith("ok      installation: ")
    home.uv("tool", "install", f"{newer}{EXTRAS}")
    assert ".dev20010203120001," in home.run(home.bounced, "--version")
    home.uv("tool", "uninstall", "bounced-mx")
    assert not home.bounced.exists()


def test_uvx_runs_a_later_commit_of_a_checkout(home: Home, source: Path) -> None:
    """It keeps what it built, and builds anew when there is a commit or a change."""
    run = ("tool", "run", "--from", f"{source}[daemon]", "bounced", "--version")
    assert ".dev20010203120000," in home.uv(*run)
    digits = changed(source)
    assert home.uv(*run).endswith(f".dev20010203120001, commit {digits}\n")
    (source / "bounced/__init__.py").write_text('"""Changed again."""\n')
    assert home.uv(*run).endswith(f".dev20010203120001, commit {digits} and changes\n")


def test_pipx_installs_it_upgrades_it_and_takes_it_away(home: Home, wheel: Path, newer: Path) -> None:
    """A command each; the manual page comes with it."""
    home.pipx("install", f"{wheel}{EXTRAS}")
    assert re.fullmatch(r"bounced \S+\.dev20010203120000, commit [0-9a-f]{10}\n", home.run(home.bounced, "--version"))
    assert (home.folder / ".local/share/man/man1/bounced.1").exists()
    assert "suppressed (threshold)" in home.run(home.bounced, "demo", "--once")
    home.pipx("install", "--force", f"{newer}{EXTRAS}")
    assert ".dev20010203120001," in home.run(home.bounced, "--version")
    home.pipx("uninstall", "bounced-mx")
    assert not home.bounced.exists()
