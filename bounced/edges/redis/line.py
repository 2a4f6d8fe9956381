"""One connection to one server, over which commands go in batches: group commit.

Whatever queued up while one batch was under way goes out with the next, and one wait for durability ends each batch.
There is no fixed window: an idle line sends at once.

Nothing is sent twice but what the server says that it did not run, because it lost the script or is not the primary.
After any error the connection is thrown away: an answer that is still to come must never be taken for another
command's.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from bounced.core.state import Transition
from bounced.edges.redis.connect import Connect, Node, reason
from bounced.edges.redis.durabilities import Durability, Misconfigured, NotDurable, ReadElsewhere
from bounced.edges.redis.time_budget import DEFAULT_BUDGET, TimeBudget
from bounced.edges.redis.wire import Reply, read
from bounced.edges.watch.log import Event
from bounced.ports import StoreTimedOut, StoreUnavailable

LOG = structlog.get_logger()

MAX_BATCH = 256
MAX_QUEUED_BYTES = 16 * 1024 * 1024
FIRST_BACKOFF_S = 0.05
LAST_BACKOFF_S = 0.3
LAST_PAUSE_AFTER_FAULT_S = 5.0

_DID_NOTHING = (NoScriptError, ReadOnlyError, AskError, TryAgainError, ClusterDownError, ReadElsewhere)
_TROUBLE = (RedisError, OSError, TimeoutError, NotDurable, Misconfigured)

Prepare = Callable[[AbstractConnection], Awaitable[None]]
Notice = Callable[[str | None], None]


class Tally(Protocol):
    """Who counts what goes over a line.  Nothing here may raise or wait."""

    def written(self, list_: str, transition: Transition, /) -> None:
        """Count what a commit made of an address of a list, whoever spoke."""

    def counter_overflowed(self, list_: str, room: str, /) -> None:
        """Count a counter of an hour that found no place in its room."""

    def batch_flushed(self, commands: int, /) -> None:
        """Count a batch that is safe."""

    def server_failed(self) -> None:
        """Count a connection that was given up, or that nobody answered."""

    def failed(self) -> None:
        """Count a fault of ours, which ended the line's task."""


class NoTally:
    """A Tally that counts nothing."""

    def written(self, list_: str, transition: Transition, /) -> None:
        """Count nothing."""

    def counter_overflowed(self, list_: str, room: str, /) -> None:
        """Count nothing."""

    def batch_flushed(self, commands: int, /) -> None:
        """Count nothing."""

    def server_failed(self) -> None:
        """Count nothing."""

    def failed(self) -> None:
        """Count nothing."""


NO_TALLY: Tally = NoTally()


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    command: bytes
    reply: asyncio.Future[Reply]


class Line:
    """A queue, and the task that carries it to one server.

    ``prepare`` runs on each new connection; ``notice`` hears why the server was lost, and None when it is back;
    ``tally`` counts batches and errors.
    """

    def __init__(
        self,
        connect: Connect,
        durability: Durability,
        prepare: Prepare,
        notice: Notice,
        *,
        tally: Tally = NO_TALLY,
        budget: TimeBudget = DEFAULT_BUDGET,
    ) -> None:
        self._connect = connect
        self._budget = budget
        self._durability = durability
        self._prepare = prepare
        self._notice = notice
        self._tally = tally
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._trouble: BaseException | None = None
        self._failures = 0
        self._moved_to: Node | None = None
        self._carrier: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to carry, which the first command would do too.

        Raises Misconfigured; a server that is merely away is tried again by itself.
        """
        connection = None
        try:
            connection = await self._open()
        except Misconfigured:
            raise
        except _TROUBLE as error:
            self._lose(error)
        self._carry_from(connection)

    async def close(self) -> None:
        """Stop carrying; whoever still waits hears StoreUnavailable."""
        if self._carrier is not None:
            self._carrier.cancel()
            await asyncio.wait([self._carrier])
        self._trouble = StoreUnavailable("closed")
        self._refuse_all(self._trouble)

    async def ask(self, command: bytes, until: float) -> Reply:
        """Send one packed command with the next batch and return its reply once the batch is safe.

        Raises StoreUnavailable, at once while the server is known to be away or the queue is full, and at ``until``, a
        time of the loop's clock: by a bare timer, since asyncio.timeout() cost as much as the queue does.
        """
        if self._trouble is not None:
            raise StoreUnavailable(reason(self._trouble))
        if self._queued_bytes + len(command) > MAX_QUEUED_BYTES:
            raise StoreUnavailable("it is too slow, the queue is full")
        if self._carrier is None or self._carrier.done():  # done: a fault of ours, which was logged
            self._carry_from(None)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(command, loop.create_future())
        self._queue.append(waiting)
        self._queued_bytes += len(command)
        self._wake.set()
        patience = loop.call_at(until, _give_up, waiting)
        try:
            return await waiting.reply
        finally:
            patience.cancel()

    def _carry_from(self, connection: AbstractConnection | None) -> None:
        self._carrier = asyncio.create_task(self._carry(connection), name="redis line")
        self._carrier.add_done_callback(self._ended)

    def _ended(self, carrier: asyncio.Task[None]) -> None:
        """Tell of a fault of ours that ended the task, and begin anew: at once after a first one.

        After further ones without a batch between them commands are refused for a while, so that a fault that stays
        neither fills the log nor keeps the processor busy.
        """
        error = None if carrier.cancelled() else carrier.exception()
        if error is None:
            return
        LOG.error(Event.LINE_FAILED, exc_info=error)
        self._tally.failed()
        self._failures += 1
        if self._failures == 1:
            if self._queue and self._carrier is carrier:
                self._carry_from(None)
        else:
            if self._carrier is not None:
                self._carrier.cancel()  # a command may have begun another since
            self._trouble = error
            self._refuse_all(error)
            pause = min(LAST_PAUSE_AFTER_FAULT_S, FIRST_BACKOFF_S * 2 ** min(self._failures, 10))
            asyncio.get_running_loop().call_later(pause, self._begin_anew, error)

    def _begin_anew(self, error: BaseException) -> None:
        if self._trouble is error:  # nobody closed the line meanwhile
            self._trouble = None

    async def _carry(self, connection: AbstractConnection | None) -> None:
        while True:
            try:
                connection = connection or await self._open()
                self._find()
                await self._flush_for_ever(connection)
            except _TROUBLE as error:
                await self._stumble(error, connected=connection is not None)
            finally:
                if connection is not None:
                    await connection.disconnect(nowait=True)
                    connection = None

    async def _open(self) -> AbstractConnection:
        async with asyncio.timeout(self._budget.connect_s):
            moved_to, self._moved_to = self._moved_to, None
            connection = await self._connect(moved_to)
            try:
                await self._durability.prepare(connection)
                await self._prepare(connection)
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
        return connection

    async def _flush_for_ever(self, connection: AbstractConnection) -> None:
        while True:
            await self._wake.wait()
            if await connection.can_read():
                raise RedisConnectionError("closed by the server while idle")
            if batch := self._next_batch():
                await self._flush(connection, batch)
                self._tally.batch_flushed(len(batch))
                self._failures = 0

    def _next_batch(self) -> list[_Waiting]:
        """Take what is queued and still waited for."""
        batch: list[_Waiting] = []
        while self._queue and len(batch) < MAX_BATCH:
            waiting = self._queue.popleft()
            self._queued_bytes -= len(waiting.command)
            if not waiting.reply.done():
                batch.append(waiting)
        if not self._queue:
            self._wake.clear()
        return batch

    async def _flush(self, connection: AbstractConnection, batch: list[_Waiting]) -> None:
        """Carry one batch and hand out its replies.  Raises what makes the connection unfit for another."""
        try:
            replies, waits = await self._exchange(connection, [waiting.command for waiting in batch])
            doubt = self._doubt(waits)
        except BaseException as error:
            _refuse(batch, error)
            raise
        faults = [reply if isinstance(reply, ResponseError) else doubt for reply in replies]
        for waiting, reply, fault in zip(batch, replies, faults, strict=True):
            if fault is None:
                _answer(waiting, reply)
            elif not isinstance(fault, _DID_NOTHING):
                _refuse([waiting], fault)
        self._put_back(
            [waiting for waiting, fault in zip(batch, faults, strict=True) if isinstance(fault, _DID_NOTHING)]
        )
        trouble = next((fault for fault in faults if fault is not None), None)
        if isinstance(trouble, MovedError):
            self._moved_to = trouble.host, trouble.port
        if trouble is not None:
            raise trouble

    async def _exchange(self, connection: AbstractConnection, commands: list[bytes]) -> tuple[list[Reply], list[Reply]]:
        """Return the replies to a batch and to the waits behind it, error replies as values.

        Raises TimeoutError, RedisError.
        """
        waits = self._durability.commands()
        async with asyncio.timeout(self._budget.flush_s):
            await connection.send_packed_command(b"".join(commands + waits), check_health=False)
            return [await read(connection) for _ in commands], [await read(connection) for _ in waits]

    def _doubt(self, waits: list[Reply]) -> NotDurable | None:
        """Return why a batch that was run may not be safe."""
        try:
            self._durability.check(waits)
        except NotDurable as error:
            return error
        return None

    def _put_back(self, waiting: list[_Waiting]) -> None:
        self._queue.extendleft(reversed(waiting))
        self._queued_bytes += sum(len(one.command) for one in waiting)
        if waiting:
            self._wake.set()

    async def _stumble(self, error: BaseException, *, connected: bool) -> None:
        """Try again at once after a first failure, with growing pauses and a refused queue after that."""
        self._failures += 1
        self._tally.server_failed()
        if connected and self._failures == 1:
            return
        self._lose(error)
        await asyncio.sleep(min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(self._failures - 1, 10)))

    def _lose(self, error: BaseException) -> None:
        if self._trouble is None:
            self._notice(f"{type(error).__name__}: {reason(error)}")
        self._trouble = error
        self._refuse_all(error)

    def _find(self) -> None:
        if self._trouble is not None:
            self._notice(None)
        self._trouble = None

    def _refuse_all(self, error: BaseException) -> None:
        _refuse(self._queue, error)
        self._queue.clear()
        self._queued_bytes = 0
        self._wake.clear()


def _answer(waiting: _Waiting, reply: Reply) -> None:
    if not waiting.reply.done():
        waiting.reply.set_result(reply)


def _give_up(waiting: _Waiting) -> None:
    if not waiting.reply.done():
        waiting.reply.set_exception(StoreTimedOut("no answer in time"))


def _refuse(batch: Iterable[_Waiting], error: BaseException) -> None:
    for waiting in batch:
        if not waiting.reply.done():
            kind = StoreTimedOut if isinstance(error, TimeoutError) else StoreUnavailable
            refusal = kind(f"the outcome is unknown: {type(error).__name__}: {error}")
            refusal.__cause__ = error
            waiting.reply.set_exception(refusal)
