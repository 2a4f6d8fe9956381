"""The data folder of an embedded server: its socket, and the two locks that say who is there."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from pwd import getpwuid

from bounced.ports import NoServer

MAX_SOCKET_PATH = 103
"""Octets in the path of a Unix socket: 107 on Linux, 103 on macOS and the BSDs."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder, and what stands in it.

    ``server.lock`` is held by the server itself, which inherits it: as long as it lives, however it was orphaned,
    nobody starts another beside it.  ``users.lock`` is shared by all who use the server: the last one stops it.
    """

    data_dir: Path

    @property
    def socket(self) -> Path:
        """The server's Unix socket, elsewhere if the folder's own path is too long for one."""
        inside = self.data_dir.resolve() / "server.sock"
        if len(os.fsencode(inside)) <= MAX_SOCKET_PATH:
            return inside
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        name = sha256(os.fsencode(inside)).hexdigest()[:16]
        return runtime / f"bounced-{os.getuid()}-{name}" / "server.sock"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.data_dir / "server.log"

    def prepare(self) -> None:
        """Make the folders, for ourselves alone.  Raises NoServer where that is impossible."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.socket.parent.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise NoServer(f"{self.data_dir}: cannot be the data folder: {error.strerror}{_hint(error)}") from error
        owner = self.socket.parent.stat().st_uid
        if owner not in (os.getuid(), 0):
            raise NoServer(
                f"{self.socket.parent}: belongs to the user {_name(owner)}, who alone may run its server.  "
                f"Run the command as that user: sudo -u {_name(owner)} bounced ..."
            )

    def lock_as_user(self) -> int | None:
        """Return a descriptor that holds the users' lock, None while the last user is just leaving."""
        return _lock(self.data_dir / "users.lock", fcntl.LOCK_SH)

    def lock_as_last_user(self, descriptor: int) -> bool:
        """Turn one's own shared lock into the only one; False where others still use the server."""
        return _flock(descriptor, fcntl.LOCK_EX)

    def lock_as_server(self) -> int | None:
        """Return a descriptor that a new server may inherit, None where a server lives."""
        return _lock(self.data_dir / "server.lock", fcntl.LOCK_EX)


def _name(user: int) -> str:
    """Return a user's name, as sudo takes it; its number where it has none."""
    try:
        return getpwuid(user).pw_name
    except KeyError:
        return f"#{user}"


def _hint(error: OSError) -> str:
    if not isinstance(error, PermissionError):
        return ""
    return ".  Run the command as the daemon's user: sudo -u bounced bounced ..."


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close a descriptor at the end; a lock on it lives on with whoever inherited it."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(path: Path, kind: int) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if _flock(descriptor, kind):
        return descriptor
    os.close(descriptor)
    return None


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
