"""Worker processes from the parent's side: started, heard, replaced when they die, killed when they hang, stopped.

Each is handed the listening sockets and one end of a socket pair.  Over the pair it is told the configuration that the
others have, so that one that is started later cannot differ from them in what only a restart changes; and it reports
READY, what it counted, and a heartbeat as long as it is well.  The end of the pair tells a worker that the parent is
gone.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from bounced.config import Config, Source
from bounced.edges.sockets import Sockets
from bounced.edges.systemd import Notifier
from bounced.edges.watch.log import Event
from bounced.edges.watch.metrics.totals import Totals
from bounced.edges.watch.monitor import WorkerCounts
from bounced.service import DRAIN_S

LOG = structlog.get_logger()

READY = b"READY\n"
ALIVE = b"ALIVE\n"
HEARTBEAT_S = 2.0
SILENCE_S = 30.0
"""A worker that says nothing for so long hangs: its event loop stands still, or a commit is stuck."""
UNHEARD_S = 10.0
"""A worker that says nothing for so long is not well, and may yet recover."""
EX_HOPELESS = 2
"""Exit code of a worker that cannot work under this configuration."""
FIRST_PAUSE_S = 0.2
LAST_PAUSE_S = 10.0
STOP_S = DRAIN_S + 1.5


class WorkersFail(Exception):  # noqa: N818 - says what is so
    """Workers end before they are ready, for a reason that trying again will not mend; they have said which."""


@dataclass
class WorkerProcess:
    """One worker process and our end of its socket pair."""

    process: "subprocess.Popen[bytes]"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard_at: float
    is_ready: bool = False

    async def listen(self, on_ready: Callable[[], None], on_count: Callable[[bytes], None]) -> None:
        """Hear the worker's reports until it is gone; a line that is no word about itself is a count."""
        loop = asyncio.get_running_loop()
        while (line := await self._line()).endswith(b"\n"):  # a worker that is killed may break off
            if line not in (READY, ALIVE):
                on_count(line)
                continue
            self.heard_at = loop.time()
            if line == READY:
                self.is_ready = True
                on_ready()

    async def _line(self) -> bytes:
        """Return the next line, none at the end; one that ends before it read its configuration resets the pair."""
        try:
            return await self.reader.readline()
        except ConnectionError:
            return b""


class Workers:
    """Keeps as many workers running on bound sockets as the configuration wants, until ``stopping`` is set.

    ``source`` is the configuration that new workers are told.
    """

    def __init__(
        self,
        config: Config,
        source: Source,
        sockets: Sockets,
        *,
        totals: Totals,
        stopping: asyncio.Event,
        notifier: Notifier,
    ) -> None:
        self.source = source
        self._wanted = config.worker_count
        self._sockets = sockets
        self._totals = totals
        self._stopping = stopping
        self._notifier = notifier
        self._processes: dict[int, WorkerProcess] = {}
        self._deaths = 0
        self._reloaded = False
        self._was_ready = False
        self._hopeless = False

    async def run(self) -> None:
        """Keep the workers running, and stop them in order when it is time.  Raises WorkersFail."""
        async with asyncio.TaskGroup() as tasks:
            places = [tasks.create_task(self._keep(number)) for number in range(self._wanted)]
            watch = tasks.create_task(self._watch())
            await self._stopping.wait()
            self._notifier.stopping()
            watch.cancel()
            await self._stop(places)
        if self._hopeless:
            raise WorkersFail("the workers do not start")

    def counts(self) -> WorkerCounts:
        """Return how many workers there are, and how they are."""
        at = asyncio.get_running_loop().time()
        ready = [worker for worker in self._processes.values() if worker.is_ready]
        silent = sum(at - worker.heard_at > UNHEARD_S for worker in ready)
        return WorkerCounts(wanted=self._wanted, ready=len(ready), silent=silent, deaths=self._deaths)

    def reload(self) -> None:
        """Have every worker read its configuration again, those that are not ready as soon as they are."""
        self._reloaded = True
        for worker in self._processes.values():
            if worker.is_ready:  # before that the signal would kill it
                worker.process.send_signal(signal.SIGHUP)

    async def _keep(self, number: int) -> None:
        """Have a worker in this place, and a new one whenever it dies."""
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            worker = self._processes[number] = await self._spawn()
            LOG.info(Event.WORKER_STARTED, worker=number, pid=worker.process.pid)
            if self._stopping.is_set():  # since this one was begun
                worker.process.terminate()
            await worker.listen(partial(self._announce, worker), partial(self._totals.hear, number))
            status = await asyncio.to_thread(worker.process.wait)
            del self._processes[number]
            worker.writer.close()
            self._totals.forget(number)
            if self._stopping.is_set():
                return
            self._deaths += 1
            LOG.error(Event.WORKER_DIED, worker=number, pid=worker.process.pid, status=status)
            if status == EX_HOPELESS and not self._was_ready:
                self._hopeless = True
                self._stopping.set()
                return
            pause = FIRST_PAUSE_S if worker.is_ready else min(pause * 2, LAST_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _spawn(self) -> WorkerProcess:
        ours, theirs = socket.socketpair()
        handed = [("parent", theirs.fileno()), *self._descriptors()]
        command = [sys.executable, "-m", "bounced", "worker"]
        command += [f"--config={self.source.path}"] if self.source.path else []
        command += [f"--handed={name}:{descriptor}" for name, descriptor in handed]
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        with theirs:
            # Not by the event loop: uvloop's children inherit more than they are handed.
            process = subprocess.Popen(  # noqa: S603, ASYNC220 - ourselves; starting takes milliseconds
                command, pass_fds=[descriptor for _, descriptor in handed], env=environment
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(json.dumps(self.source.text).encode() + b"\n")
        return WorkerProcess(process, reader, writer, heard_at=asyncio.get_running_loop().time())

    def _descriptors(self) -> Iterator[tuple[str, int]]:
        for name, sockets in self._sockets.items():
            for opened in sockets:
                yield name, opened.fileno()

    def _announce(self, worker: WorkerProcess) -> None:
        """Let a worker that is ready catch up with a reload; tell systemd that we are ready once every worker is."""
        self._was_ready = True
        if self._reloaded:
            worker.process.send_signal(signal.SIGHUP)
        if sum(each.is_ready for each in self._processes.values()) == self._wanted:
            self._notifier.ready()

    async def _watch(self) -> None:
        """Kill workers that hang, and tell systemd's watchdog that the parent itself does not."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for number, worker in self._processes.items():
                if loop.time() - worker.heard_at > SILENCE_S:
                    LOG.error(Event.WORKER_KILLED, worker=number, pid=worker.process.pid, silent_s=SILENCE_S)
                    worker.process.kill()
            self._notifier.watchdog()

    async def _stop(self, places: Sequence[asyncio.Task[None]]) -> None:
        """Ask every worker to drain, wait, and end those that do not come to an end."""
        for worker in self._processes.values():
            worker.process.terminate()
        _, late = await asyncio.wait(places, timeout=STOP_S)
        if late:
            LOG.warning(Event.DRAIN_TIMED_OUT, after_s=STOP_S)
        for worker in self._processes.values():
            worker.process.kill()
        for place in late:
            place.cancel()


def text_from(parent: socket.socket) -> str | None:
    """Return the configuration that a worker is told first, None where the parent is gone already."""
    with parent.makefile("rb") as told:
        line = told.readline()
    return str(json.loads(line)) if line.endswith(b"\n") else None
