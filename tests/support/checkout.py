"""A git repository with what a build needs, whose commits have times of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "README.md", "LICENSE", ".git_archival.json", ".gitattributes", ".gitignore")
"""What tells the version, and what the metadata have."""
FOLDERS = ("bounced", "config", "systemd", "docs")
"""What is in the wheel."""


def clean_environment() -> dict[str, str]:
    """Return the environment without what a user or a hook tells git."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return outside | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


def git(folder: Path, *words: str, at: str = "2001-02-03T04:05:06Z") -> str:
    """Return what git says in a folder; what it commits is committed at that time."""
    somebody = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = clean_environment() | somebody | {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, *, at: str) -> str:
    """Commit everything, and return the first digits of the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Something is so", at=at)
    return git(folder, "rev-parse", "HEAD")[:10]


def checkout(folder: Path, *, whole: bool = False) -> Path:
    """Make a repository without a commit; with the program itself where the ``whole`` is wanted."""
    folder.mkdir()
    for name in FILES:
        if (PROJECT / name).exists():
            shutil.copy(PROJECT / name, folder / name)
    for name in FOLDERS if whole else ():
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def version_of(folder: Path, *, path: str | None = None) -> str:
    """Return the version that a build of a folder would have, where programs are found on that path."""
    env = clean_environment() | ({} if path is None else {"PATH": path})
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "version"], cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
