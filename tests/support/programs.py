"""Programs beside Python that some tests need, as tests/install-programs unpacks them: each in a root of its own."""

import os
import shutil
from pathlib import Path

FOLDER = Path(os.environ.get("BOUNCED_TEST_PROGRAMS", "/var/cache/bounced-tests"))

ENTER = """
mount --make-rprivate / && { [ -z "$1" ] || mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr; } || exit 1
shift
exec "$@"
"""


def private_root(name: str) -> Path | None:
    """Return the folder that a program was unpacked into."""
    root = FOLDER / name
    return root if root.is_dir() else None


def find(name: str, program: str) -> str | None:
    """Return the path of a program that needs nothing of its root but itself; there, or where Debian has it."""
    return shutil.which(program, path=str(FOLDER / name / "usr" / "bin")) or shutil.which(program)


def in_private_root(name: str, *command: str) -> list[str]:
    """Return the command that runs another as if the packages of a private root were installed; it needs root.

    The new mount namespace has the private root's files laid over /usr; nobody else sees them.  The namespace of
    processes ends with its first process, and ends all others.
    """
    root = private_root(name)
    usr = str(root) if root and (root / "usr").is_dir() else ""
    return ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", ENTER, "sh", usr, *command]
