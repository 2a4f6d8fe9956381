"""The Makefile tells a newcomer what is missing, in the words that the package manager understands."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not here")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with what the Makefile looks at."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def make(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what make says."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=clone, env=outside, capture_output=True, text=True, check=False)


def pretend(clone: Path, *answers: str) -> str:
    """Return an interpreter that fails at code which contains one of these words."""
    program = clone / "python"
    cases = "".join(f'*"{answer}"*) exit 1;; ' for answer in answers)
    program.write_text(f'#!/bin/sh\ncase "$*" in --version) echo "Python 3.9.2";; {cases}esac\n')
    program.chmod(0o755)
    return f"PYTHON={program}"


def test_without_a_target_it_lists_what_can_be_made(clone: Path) -> None:
    """Nothing is installed by looking."""
    done = make(clone)
    assert done.returncode == 0
    assert all(f"make {target} " in done.stdout for target in ("run", "test", "lint", "site", "bench", "soak", "clean"))
    assert not (clone / ".venv").exists()


def test_a_missing_interpreter_is_named_with_its_package(clone: Path) -> None:
    """The first thing that can be missing."""
    done = make(clone, "PYTHON=no-such-python", "run")
    assert done.returncode != 0
    assert "There is no no-such-python here.  Debian, Ubuntu: apt install python3" in done.stdout


def test_an_interpreter_that_is_too_old_is_named_with_its_version(clone: Path) -> None:
    """Debian 11 and its contemporaries."""
    done = make(clone, pretend(clone, "version_info"), "run")
    assert done.returncode != 0
    assert "Python 3.11 or later is needed" in done.stdout
    assert "is Python 3.9.2." in done.stdout


def test_a_missing_venv_is_named_with_its_package(clone: Path) -> None:
    """Debian has venv and pip in a package of their own."""
    done = make(clone, pretend(clone, "ensurepip"), "test")
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stdout


def test_what_is_installed_is_not_installed_again(clone: Path) -> None:
    """The second time is quick and needs no network."""
    environment = clone / ".venv"
    environment.mkdir()
    for stamp in (".created", ".installed-run", ".installed-dev"):
        (environment / stamp).touch()
    done = make(clone, "--dry-run", "run", "test")
    assert "pip install" not in done.stdout
    assert ".venv/bin/bounced demo" in done.stdout
