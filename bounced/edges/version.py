"""Which bounced runs: its version, the commit that it was made from, and whether that was changed.

The version is written into the installation when that is built (docs/adr/0027).  A checkout that is installed with
``pip install --editable`` moves without that: there git is asked, and the version is the one that a build would have.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "bounced-mx"
COMMIT_CHARS = 10
"""So many digits of a commit are shown, as ``commit-length`` in pyproject.toml says."""
UNKNOWN = "0.dev0+unknown"
"""Where nothing is installed: the package was copied."""

_ROOT = Path(__file__).parents[2]
_LOCAL = re.compile(r"\+g(?P<commit>[0-9a-f]+)(?P<changed>\.dirty)?$")
_TAG = re.compile(r"tag: v(\d\S*?)(?:,|$)")
_GIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Build:
    """A version as pip knows it (PEP 440).

    ``checkout`` is the folder, where the program runs from a checkout.  Where git could not ``read`` it, the version is
    the one of the day on which it was installed.
    """

    version: str
    checkout: Path | None = None
    read: bool = True

    @property
    def commit(self) -> str | None:
        """The first digits of the commit, None where the version does not have it: a release is named by its tag."""
        found = _LOCAL.search(self.version)
        return found["commit"] if found else None

    @property
    def changed(self) -> bool:
        """Whether there was more than the commit."""
        found = _LOCAL.search(self.version)
        return bool(found and found["changed"])

    def __str__(self) -> str:
        """Return it in words."""
        number, _, local = self.version.partition("+")
        words = [number]
        if self.commit:
            words.append(f"commit {self.commit}{' and changes' if self.changed else ''}")
        elif local == "unknown":
            words.append("commit unknown")
        elif local:
            words = [self.version]
        if self.checkout:
            words.append(f"checkout {self.checkout}{'' if self.read else ', as it was installed: git cannot read it'}")
        return ", ".join(words)


@cache
def running() -> Build:
    """Return what runs here, as it was when this process first asked."""
    return build_of(_ROOT, installed())


def installed() -> str:
    """Return the version that is installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return UNKNOWN


def build_of(root: Path, version: str) -> Build:
    """Return what runs where the package lies in ``root`` and ``version`` is installed.

    git refuses to read a folder that is somebody else's.
    """
    if not ((root / ".git").exists() and (root / "pyproject.toml").exists()):
        return Build(version)
    try:
        return Build(_of_checkout(root, version), root)
    except (OSError, subprocess.SubprocessError, ValueError):
        return Build(version, root, read=False)


def _of_checkout(root: Path, version: str) -> str:
    commit, committed, names = _git(root, "log", "-1", "--no-show-signature", "--format=%H%n%ct%n%D").split("\n")[:3]
    changed = bool(_git(root, "status", "--porcelain"))
    tag = _TAG.search(names)
    if tag and not changed:
        return tag[1]
    release = re.split(r"\.dev|\+", version)[0]
    at = datetime.fromtimestamp(int(committed), UTC)
    return f"{release}.dev{at:%Y%m%d%H%M%S}+g{commit[:COMMIT_CHARS]}{'.dirty' if changed else ''}"


def _git(root: Path, *words: str) -> str:
    """Return what git says of a checkout, in which it writes nothing.  Raises OSError, SubprocessError."""
    command = ["git", "-c", "core.fsmonitor=false", "--no-optional-locks", *words]
    done = subprocess.run(  # noqa: S603 - fixed words
        command, cwd=root, env=_environment(os.environ), capture_output=True, text=True, check=True, timeout=_GIT_S
    )
    return done.stdout


def _environment(outside: Mapping[str, str]) -> dict[str, str]:
    """Return it without what names another repository: a hook of git has that."""
    return {name: value for name, value in outside.items() if not name.startswith("GIT_")}
