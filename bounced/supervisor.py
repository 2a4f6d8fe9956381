"""The parent: owns the sockets and the embedded server, keeps workers running, passes signals on, answers for all.

Each worker is a process of its own that is handed the listening sockets and one end of a socket pair.  Over the pair it
is told the configuration that the others have, so that one that is started later cannot differ from them in what only a
restart changes, and reports READY, what it counted, and a heartbeat as long as it is well.  The end of the pair tells a
worker that the parent is gone.
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
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import structlog

from bounced.config import Config, ConfigError, Source, load_to_run, read
from bounced.edges.redis.job_store import JobStore
from bounced.edges.sockets import Sockets, open_socket
from bounced.edges.systemd import Notifier
from bounced.edges.watch.http import HttpServer
from bounced.edges.watch.log import Event
from bounced.edges.watch.metrics.totals import Totals
from bounced.edges.watch.monitor import Crew, Monitor
from bounced.jobs import Background
from bounced.jobs.redis_watch import RedisWatch
from bounced.service import DRAIN_S, identities, keyspaces, now, open_store

LOG = structlog.get_logger()

READY = b"READY\n"
ALIVE = b"ALIVE\n"
HEARTBEAT_S = 2.0
SILENCE_S = 30.0
"""A worker that says nothing for so long hangs: its event loop stands still, or a commit is stuck."""
EX_HOPELESS = 2
"""Exit code of a worker that cannot work under this configuration."""
UNHEARD_S = 10.0
"""A worker that says nothing for so long is not well, and may yet recover."""
FIRST_PAUSE_S = 0.2
LAST_PAUSE_S = 10.0
STOP_S = DRAIN_S + 1.5


@dataclass
class Child:
    """One worker process, from the parent's side."""

    process: "subprocess.Popen[bytes]"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_ready: bool = False
    heard_at: float = 0.0

    async def listen(self, on_ready: Callable[[], None], on_count: Callable[[bytes], None]) -> None:
        """Hear the worker's reports until it is gone; what is no word about itself is a count."""
        loop = asyncio.get_running_loop()
        self.heard_at = loop.time()
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


class WorkersFail(Exception):  # noqa: N818 - says what is so
    """Workers end before they are ready, for a reason that trying again will not mend; they have said which."""


class Supervisor:
    """Runs workers on bound sockets until SIGTERM or SIGINT."""

    def __init__(self, config: Config, source: Source, sockets: Sockets, notifier: Notifier) -> None:
        self._config = config
        self._source = source
        self._sockets = sockets
        self._notifier = notifier
        self._children: dict[int, Child] = {}
        self._deaths = 0
        self._reloaded = False
        self._totals = Totals()
        self._monitor: Monitor | None = None
        self._stopping = asyncio.Event()
        self._was_ready = False
        self._hopeless = False

    async def run(self) -> None:
        """Start everything, keep it running, and stop it in order.  Raises NoServer, WorkersFail."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_store(self._config))
            keys, keep = keyspaces(self._config), self._config.keep
            chores = JobStore(store, "", events_max=keep.events_max, failed_max=keep.intake_failed_max)
            redis_watch = RedisWatch(store, keys, identities(self._config), chores, now)
            self._monitor = Monitor(store, keys, self._crew, self._totals, clock=now, watch=redis_watch)
            if self._config.http.listen is not None:
                listening = stack.enter_context(open_socket(self._config.http.listen))
                await stack.enter_async_context(HttpServer(listening, self._monitor.pages))
            background = Background((redis_watch,))
            background.start()
            stack.push_async_callback(background.stop)
            async with asyncio.TaskGroup() as tasks:
                keepers = [tasks.create_task(self._keep(n)) for n in range(self._config.worker_count)]
                watch = tasks.create_task(self._watch())
                await self._stopping.wait()
                self._notifier.stopping()
                watch.cancel()
                await self._stop_children(keepers)
        if self._hopeless:
            raise WorkersFail("the workers do not start")

    async def _keep(self, number: int) -> None:
        """Have a worker in this place, and a new one whenever it dies."""
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            child = await self._spawn()
            self._children[number] = child
            LOG.info(Event.WORKER_STARTED, worker=number, pid=child.process.pid)
            if self._stopping.is_set():  # since this one was begun
                child.process.terminate()
            await child.listen(partial(self._announce, child), partial(self._totals.hear, number))
            status = await asyncio.to_thread(child.process.wait)
            del self._children[number]
            child.writer.close()
            self._totals.forget(number)
            if self._stopping.is_set():
                return
            self._deaths += 1
            LOG.error(Event.WORKER_DIED, worker=number, pid=child.process.pid, status=status)
            if status == EX_HOPELESS and not self._was_ready:
                self._hopeless = True
                self._stopping.set()
                return
            pause = FIRST_PAUSE_S if child.is_ready else min(pause * 2, LAST_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _spawn(self) -> Child:
        ours, theirs = socket.socketpair()
        handed = [("parent", theirs.fileno()), *self._descriptors()]
        command = [sys.executable, "-m", "bounced", "worker"]
        command += [f"--config={self._source.path}"] if self._source.path else []
        command += [f"--handed={name}:{descriptor}" for name, descriptor in handed]
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        with theirs:
            # Not by the event loop: uvloop's children inherit more than they are handed.
            process = subprocess.Popen(  # noqa: S603, ASYNC220 - ourselves; starting takes milliseconds
                command, pass_fds=[descriptor for _, descriptor in handed], env=environment
            )
        child = Child(process, *await asyncio.open_connection(sock=ours))
        child.writer.write(json.dumps(self._source.text).encode() + b"\n")
        return child

    def _descriptors(self) -> Iterator[tuple[str, int]]:
        for name, sockets in self._sockets.items():
            for opened in sockets:
                yield name, opened.fileno()

    def _announce(self, child: Child) -> None:
        """Let a worker that is ready catch up with the others; tell systemd that we are ready once every worker is."""
        self._was_ready = True
        if self._reloaded:
            child.process.send_signal(signal.SIGHUP)
        if sum(child.is_ready for child in self._children.values()) == self._config.worker_count:
            self._notifier.ready()

    def _crew(self) -> Crew:
        children, at = self._children.values(), asyncio.get_running_loop().time()
        return Crew(
            wanted=self._config.worker_count,
            ready=sum(child.is_ready for child in children),
            silent=sum(child.is_ready and at - child.heard_at > UNHEARD_S for child in children),
            deaths=self._deaths,
        )

    async def _watch(self) -> None:
        """Kill workers that hang; tell systemd's watchdog that we are well while all others are."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for number, child in self._children.items():
                if loop.time() - child.heard_at > SILENCE_S:
                    LOG.error(Event.WORKER_KILLED, worker=number, pid=child.process.pid, silent_s=SILENCE_S)
                    child.process.kill()
            self._notifier.watchdog()

    async def _stop_children(self, keepers: Sequence[asyncio.Task[None]]) -> None:
        """Ask every worker to drain, wait, and end those that do not come to an end."""
        for child in self._children.values():
            child.process.terminate()
        _, late = await asyncio.wait(keepers, timeout=STOP_S)
        if late:
            LOG.warning(Event.DRAIN_TIMED_OUT, after_s=STOP_S)
        for child in self._children.values():
            child.process.kill()
        for keeper in late:
            keeper.cancel()

    def _reload(self) -> None:
        """Pass SIGHUP on when the new configuration is sound; what cannot change while running is said."""
        self._notifier.reloading()
        try:
            source = read(self._source.path)
            config = load_to_run(source)
        except ConfigError as error:
            LOG.error(Event.RELOAD_FAILED, errors=str(error).splitlines())  # noqa: TRY400 - written for an operator
        else:
            waiting = needs_restart(self._config, config)
            for table in waiting:
                LOG.warning(Event.CONFIGURATION_DOUBTED, key=table, text="takes effect after a restart only")
            if not waiting:  # the files that the old one names may be gone when another worker has to be started
                self._source = source
            if self._monitor is not None:
                self._monitor.use(keyspaces(config))
            self._reloaded = True
            for child in self._children.values():
                if child.is_ready:  # before that the signal would kill it
                    child.process.send_signal(signal.SIGHUP)
        self._notifier.ready()


def text_from(parent: socket.socket) -> str | None:
    """Return the configuration that a worker is told first, None where the parent is gone already."""
    with parent.makefile("rb") as told:
        line = told.readline()
    return str(json.loads(line)) if line.endswith(b"\n") else None


def needs_restart(old: Config, new: Config) -> list[str]:
    """Return the keys whose new values a running daemon cannot take on."""
    pairs = {
        "workers": (old.worker_count, new.worker_count),
        "smtp.listen": (old.smtp.listen, new.smtp.listen),
        "listeners": ([each.address for each in old.listeners], [each.address for each in new.listeners]),
        "redis": (old.redis, new.redis),
        "keep": (old.keep, new.keep),
        "log": (old.log, new.log),
        "http": (old.http, new.http),
    }
    return [key for key, (before, after) in pairs.items() if before != after]
