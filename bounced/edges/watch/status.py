"""What the running daemon tells of itself to `bounced status`: a page, also on a socket in its data folder."""

import json
import os
import pwd
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bounced.config.fields import UnixAddress
from bounced.core.contract.times import stamp
from bounced.edges.sockets import open_socket
from bounced.edges.version import Build
from bounced.edges.watch.http import Answer
from bounced.edges.watch.loaded import Loaded
from bounced.edges.watch.metrics import declared
from bounced.edges.watch.metrics.totals import Totals
from bounced.edges.watch.monitor import Monitor, WorkerCounts

SOCKET_NAME = "status.sock"
PATH = "/status"


@dataclass(slots=True)
class Running:
    """The daemon since its start.  A reload replaces what is loaded, or notes why it was refused."""

    build: Build
    started: datetime
    loaded: Loaded
    changes: Sequence[str] = ()
    waits_for_restart: Sequence[str] = ()
    reload_failed_at: datetime | None = None
    reload_errors: Sequence[str] = ()

    def take(self, after: Loaded, waits_for_restart: Sequence[str]) -> Sequence[str]:
        """Note a reload that was taken on; return what it changed."""
        self.changes = after.changes_since(self.loaded)
        self.loaded, self.waits_for_restart = after, waits_for_restart
        self.reload_failed_at, self.reload_errors = None, ()
        return self.changes

    def refuse(self, at: datetime, errors: Sequence[str]) -> None:
        """Note a reload that changed nothing, and why."""
        self.reload_failed_at, self.reload_errors = at, errors


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Tells how the daemon is, as one JSON object.  No address and no secret is in it."""

    running: Running
    monitor: Monitor
    workers: Callable[[], WorkerCounts]
    totals: Totals

    async def __call__(self) -> Answer:
        """Return it; the status is 200 whatever it tells."""
        text = json.dumps(await self._record())
        return Answer(HTTPStatus.OK, text.encode() + b"\n", "application/json")

    async def _record(self) -> dict[str, Any]:
        running, look = self.running, await self.monitor.look()
        failed_at = running.reload_failed_at
        return {
            "version": running.build.version,
            "commit": running.build.commit,
            "changed": running.build.changed,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "user": _user(),
            "started": stamp(running.started),
            "workers": asdict(self.workers()),
            "faults": self.monitor.faults(look),
            "findings": [asdict(finding) for finding in look.findings],
            "loaded": running.loaded.record,
            "reload": {
                "changes": list(running.changes),
                "waits_for_restart": list(running.waits_for_restart),
                "failed_at": stamp(failed_at) if failed_at else None,
                "errors": list(running.reload_errors),
            },
            "paths_refused": {reason: n for (reason,), n in self.totals.counted(declared.PATHS_REFUSED).items()},
            "reports_deferred": {
                f"{list_}: {reason}": n for (list_, reason), n in self.totals.counted(declared.DEFERRED).items()
            },
        }


@contextmanager
def opened(data_dir: Path) -> Iterator[socket.socket]:
    """Give a socket in the data folder that listens; its mode lets in whom the folder lets in.

    Raises OSError, CannotListen.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with address(data_dir) as at:
        listening = open_socket(at)
    try:
        yield listening
    finally:
        (data_dir / SOCKET_NAME).unlink(missing_ok=True)
        listening.close()


@contextmanager
def address(data_dir: Path) -> Iterator[UnixAddress]:
    """Give the socket's address, which is short however long the folder's path is.  Raises OSError."""
    folder = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield UnixAddress(Path(f"/proc/self/fd/{folder}/{SOCKET_NAME}"))
    finally:
        os.close(folder)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
