"""Processes that are started, measured with all their children, and stopped."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from bounced.edges.redis.embedded.binary import find_server

START_S = 20.0
STOP_S = 20.0
LAST_LINES = 5
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
NO_ENTRY = "0-0"
QUEUES = ("maildrop", "incoming", "active", "deferred")
"""Of Postfix, in the order in which a message goes through them: none that moves is overlooked."""


class ServerEnded(Exception):  # noqa: N818 - it says what happened, and it is no fault of the caller
    """A server ended by itself, or somebody else ended it."""


@dataclass(frozen=True)
class Running:
    """A server that takes mail at a port; ``roots`` are the processes that, with their children, are its cost.

    ``redis`` is the URL of the Redis that it writes into, ``stream`` the key that gets an entry for each message;
    bounced adds entries of other types there too.  ``spool`` is where it queues what it has acknowledged.
    """

    name: str
    port: int
    roots: tuple[int, ...]
    tls: bool = True
    redis: str | None = None
    stream: str = "naive:events"
    spool: Path | None = None
    log: Path | None = None

    def cpu_s(self) -> float:
        """Return the processor time that it has used so far, also in children that have ended."""
        return sum(_cpu_s(pid) for pid in self.pids())

    def check(self) -> None:
        """Raise ServerEnded if one of its processes is no more: what is measured then says nothing."""
        if any(_stat(pid)[0] in "Z0" for pid in self.roots):
            last = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:] if self.log else []
            raise ServerEnded("\n".join((f"{self.name} ended while it was measured", *last)))

    def queued(self) -> int:
        """Return how many messages are acknowledged and not worked on yet."""
        if self.spool is None:
            return 0
        return sum(file.is_file() for name in QUEUES for file in (self.spool / name).rglob("*"))

    def memory_mb(self) -> float:
        """Return its memory now, each shared page counted by its share."""
        return sum(_memory_mb(pid) for pid in self.pids())

    def last_entry(self) -> str:
        """Return the id of the latest entry of its stream."""
        if self.redis is None:
            return NO_ENTRY
        with Redis.from_url(self.redis, decode_responses=True) as client:
            found: Any = client.xrevrange(self.stream, count=1)
        return str(found[0][0]) if found else NO_ENTRY

    def written_since(self, entry: str) -> int | None:
        """Return how many messages it has written since an entry; None if it writes nothing."""
        if self.redis is None:
            return None
        with Redis.from_url(self.redis, decode_responses=True) as client:
            found: Any = client.xrange(self.stream, min=f"({entry}")
        types = [str(fields.get("type", "report")) for _, fields in found]
        return types.count("report")

    def pids(self) -> list[int]:
        """Return the roots and all that descend from them."""
        parents = {
            pid: _parent(pid)
            for pid in map(int, filter(str.isdigit, (entry.name for entry in Path("/proc").iterdir())))
        }
        found = list(self.roots)
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found


@contextmanager
def process(command: Sequence[str], **popen: Any) -> Iterator[int]:
    """Run a command for as long as the context lasts; give its process id."""
    running = subprocess.Popen(command, start_new_session=True, **popen)
    try:
        yield running.pid
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(STOP_S)


@contextmanager
def redis_server(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a server that syncs each write to disk; give its URL and process id.  Any user may speak to it."""
    path = folder / "redis.sock"
    settings = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "777", "--dir", str(folder), "--save", ""]
    settings += ["--appendonly", "yes", "--appendfsync", "always", "--logfile", str(folder / "redis.log")]
    with process([str(find_server()), *settings]) as pid:
        _until(path.exists)
        yield f"unix://{path}", pid


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when a server greets at a port."""
    _until(lambda: _greets(port))


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=START_S) as peer:
            return peer.recv(4) == b"220 "
    except OSError:
        return False


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + START_S
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _cpu_s(pid: int) -> float:
    """Return what a process and those of its children that it has waited for used, in user mode and in the kernel."""
    return sum(map(int, _stat(pid)[11:15])) / TICKS_A_SECOND


def _memory_mb(pid: int) -> float:
    """Return the proportional set size, zero for a process that has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:"))


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on, zeros for a process that has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 40
