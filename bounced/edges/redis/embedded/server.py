"""An embedded server from start to stop: found alive or started, watched, stopped by the last who used it.

How it works.  Several daemons and commands may use one folder.  Each holds ``users.lock`` shared.  The server process
inherits ``server.lock``, which it holds as long as it lives.  ``start`` asks the socket: a server that answers is
adopted.  If none answers and ``server.lock`` is free, a new one is started with that lock; if the lock is taken, a
server lives but does not answer yet, and ``start`` waits.  Meanwhile a task keeps one idle connection: its end means
that the server is gone, and the task starts another.  ``stop`` tries to make its shared lock the only one: whoever
succeeds is the last user, and shuts the server down; for all others it goes on.
"""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bounced.config import Config, build
from bounced.edges.redis.embedded.binary import find_server
from bounced.edges.redis.embedded.folder import Folder, closing
from bounced.ports import Misconfigured, NoServer

ANSWER_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0
RESTART_PAUSE_S = 1.0
REAP_TIMEOUT_S = 1.0
POLL_S = 0.02
LOG_TAIL_CHARS = 600
TUNABLES, MORE_FREE_CHUNKS = "GLIBC_TUNABLES", "glibc.malloc.tcache_count=127"
"""glibc keeps seven free chunks of each size at hand, and looks through long lists for the others.

A script that writes many addresses frees thousands at once.  With 127 an import takes a quarter less of the server's
time.  Other C libraries ignore it.
"""


class EmbeddedServer:
    """A server on a Unix socket in ``data_dir`` for as long as the ``async with`` lasts.

    One that is alive already, left behind by a kill or started by another daemon or command, is adopted: a Redis is
    there to be shared.  One that dies is started again.  The last of its users stops it.  Each commit is on disk
    (``appendfsync always``) before it answers.
    """

    def __init__(self, data_dir: Path, binary: Path | None = None) -> None:
        self._folder = Folder(data_dir)
        self._binary = binary
        self._program: Path | None = None
        self._users_lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._restarter: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The URL that Redis clients take."""
        return f"unix://{self._folder.socket}"

    async def start(self) -> None:
        """Have a server that answers.  Raises NoServer."""
        self._folder.prepare()
        self._users_lock = await self._lock_as_user()
        try:
            await self._adopt_or_start()
        except BaseException:
            await self.stop()
            raise
        self._restarter = asyncio.create_task(self._restart_when_gone(), name="embedded server")

    async def stop(self) -> None:
        """Leave; the last user stops the server and waits for its end."""
        if self._restarter is not None:
            self._restarter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._restarter
        if self._users_lock is None:
            return
        with closing(self._users_lock):
            if self._folder.lock_as_last_user(self._users_lock):
                await self._shut_down()
        self._forget_child()
        self._users_lock = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def _lock_as_user(self) -> int:
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                return await _acquired(self._folder.lock_as_user)
        except TimeoutError as error:
            raise NoServer(f"{self._folder.data_dir}: its last user has not yet stopped the server") from error

    async def _adopt_or_start(self) -> None:
        """Adopt the server that answers on the socket, else start one once no other lives."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                lock = await self._answer_or_lock()
        except TimeoutError as error:
            problem = f"locked by a server that does not answer on {self._folder.socket}"
            raise NoServer(f"{self._folder.data_dir}: {problem}") from error
        if lock is not None:
            with closing(lock):
                self._forget_child()
                self._process = await self._spawn(lock)
            await self._wait_for_child(self._process)

    async def _answer_or_lock(self) -> int | None:
        """Return None when a server answers, the lock of a new one when none lives."""
        while not await self._answers():
            lock = self._folder.lock_as_server()
            if lock is not None:
                return lock
            await asyncio.sleep(POLL_S)
        return None

    async def _spawn(self, lock: int) -> "subprocess.Popen[bytes]":
        """Start the program in its own session, so that Ctrl-C and systemd's stop reach the daemon first.

        Not by the event loop: uvloop's children inherit descriptors, such as our listening sockets, and keep them.
        """
        self._folder.socket.unlink(missing_ok=True)
        if self._program is None:
            self._program = await asyncio.to_thread(find_server, self._binary)
        return subprocess.Popen(  # noqa: S603, ASYNC220 - a program that was checked; starting takes milliseconds
            [self._program, *self._settings()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(lock,),
            env={TUNABLES: MORE_FREE_CHUNKS, **os.environ},
        )

    def _settings(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._folder.socket),
            "unixsocketperm": "700",
            "dir": str(self._folder.data_dir.resolve()),
            "logfile": str(self._folder.log.resolve()),
            "loglevel": "warning",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            "hash-max-listpack-value": "512",  # a diagnostic over 64 octets would double the state's memory
        }
        return [word for name, value in settings.items() for word in (f"--{name}", value)]

    async def _wait_for_child(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait as long as it takes to load the data, but no longer than the child lives."""
        while not await self._answers():
            if process.poll() is not None:
                raise NoServer(f"the embedded server ended at once, {self._folder.log} says: {self._log_tail()}")
            await asyncio.sleep(POLL_S)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(1.0):
                return await self._ask(b"PING\r\n") == b"+PONG\r\n"
        except (OSError, TimeoutError):
            return False

    async def _ask(self, command: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(str(self._folder.socket))
        with contextlib.closing(writer):
            writer.write(command)
            return await reader.readline()

    async def _restart_when_gone(self) -> None:
        """Start the server again whenever it is gone."""
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_unix_connection(str(self._folder.socket))
                with contextlib.closing(writer):
                    await reader.read(1)
            await self._reap_child()
            try:
                await self._adopt_or_start()
            except NoServer:
                await asyncio.sleep(RESTART_PAUSE_S)

    async def _reap_child(self) -> None:
        """Reap a child that has died: it may be another user that starts the next server."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, REAP_TIMEOUT_S)
                self._process = None

    async def _shut_down(self) -> None:
        """Stop the server and wait for its end; a child of ours that does not heed is killed."""
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                with contextlib.suppress(OSError):
                    await self._ask(b"SHUTDOWN\r\n")
                os.close(await _acquired(self._folder.lock_as_server))
        except TimeoutError:
            if self._process is not None:
                self._process.kill()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    def _forget_child(self) -> None:
        """Know the child no more: a dead one is reaped; one that others use runs on, and they stop it."""
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0  # so that Popen does not warn of a child that still runs
        self._process = None

    def _log_tail(self) -> str:
        try:
            return self._folder.log.read_text(errors="replace")[-LOG_TAIL_CHARS:].strip()
        except OSError as error:
            return str(error)


@asynccontextmanager
async def redis_url(config: Config) -> AsyncIterator[str]:
    """Give the URL of the configured server, the embedded one started or adopted.

    Raises NoServer, Misconfigured, OSError.
    """
    if config.redis.embedded:
        async with EmbeddedServer(config.redis.data_dir, config.redis.server_binary) as server:
            yield server.url
    elif url := build.redis_url(config.redis):
        yield url
    else:
        raise Misconfigured('redis.url is not given: a server such as "redis://127.0.0.1:6379/0", or "embedded"')


async def _acquired(lock: Callable[[], int | None]) -> int:
    """Return the descriptor of a lock once nobody else holds it."""
    while True:
        descriptor = lock()
        if descriptor is not None:
            return descriptor
        await asyncio.sleep(POLL_S)
