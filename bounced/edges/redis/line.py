"""One connection to one server, over which commands go in batches: group commit.

How it works.  ``ask`` queues a command and waits for its reply.  One task takes what is queued, sends it in one write
with the wait for durability behind it (WAITAOF, WAIT or ROLE), and reads all replies: one wait covers the whole batch.
Requests to commit share script calls (groups.py).
Commands that come meanwhile go out with the next batch.  There is no fixed window: an idle line sends at once.
Replies are handed out only if the wait says that the batch is safe.  If it does not, or if the batch fails (no answer
in time, connection lost), nobody knows what ran: every command of the batch raises StoreUnavailable, the peer hears 451
and comes again, and the script recognises what was written after all.
Nothing is sent twice but what the server says that it did not run: it lost the script, is not the primary, or a slot
moves.  After any error the connection is replaced, since a late reply must never be taken for another command's.  The
first failure keeps the queue; after a second one commands are refused at once, until the server has shown on a new
connection that it would take a batch: one command without effect, with the same wait behind it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from bounced.edges.redis.connect import Connect, Node, reason
from bounced.edges.redis.durabilities import Durability, NotDurable, ReadElsewhere
from bounced.edges.redis.groups import Asked, octets, to_calls, to_replies
from bounced.edges.redis.observer import UNOBSERVED, StoreObserver
from bounced.edges.redis.time_budget import DEFAULT_BUDGET, TimeBudget
from bounced.edges.redis.wire import Reply, pack, read
from bounced.edges.watch.log import Event
from bounced.ports import Misconfigured, StoreTimedOut, StoreUnavailable

LOG = structlog.get_logger()

MAX_BATCH = 256
MAX_QUEUED_BYTES = 16 * 1024 * 1024
FIRST_BACKOFF_S = 0.05
LAST_BACKOFF_S = 0.3
LAST_PAUSE_AFTER_FAULT_S = 5.0
PING = pack("PING")

_DID_NOTHING = (NoScriptError, ReadOnlyError, AskError, TryAgainError, ClusterDownError, ReadElsewhere)
_OF_ITS_COMMAND = (ResponseError, NoPermissionError)
"""Exactly these, not what derives from them: a key of another type, a right that the user lacks, a bad argument."""
_TROUBLE = (RedisError, OSError, TimeoutError, NotDurable, Misconfigured)

Prepare = Callable[[AbstractConnection], Awaitable[None]]
Notice = Callable[[str | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Queued:
    asked: Asked
    octets: int
    reply: asyncio.Future[Reply]


class Line:
    """A queue, and the task that sends it to one server.

    ``prepare`` runs on each new connection; ``trial`` is a packed command without effect, which a server takes if it
    takes those that follow; ``notice`` hears why the server was lost, and None when it takes batches again;
    ``observer`` hears of batches and errors.  ``reads``: an error reply fails its command and says nothing of the
    server, for whoever may only ask would else keep all others from asking.
    """

    def __init__(
        self,
        connect: Connect,
        durability: Durability,
        prepare: Prepare,
        notice: Notice,
        *,
        trial: bytes = PING,
        reads: bool = False,
        observer: StoreObserver = UNOBSERVED,
        budget: TimeBudget = DEFAULT_BUDGET,
    ) -> None:
        self._trial = trial
        self._reads = reads
        self._connect = connect
        self._budget = budget
        self._durability = durability
        self._prepare = prepare
        self._notice = notice
        self._observer = observer
        self._queue: deque[_Queued] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._trouble: BaseException | None = None
        self._lost_to: BaseException | None = None
        self._failures = 0
        self._moved_to: Node | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and begin to send, which the first command would do too.

        Raises Misconfigured; a server that is merely away is tried again by itself.
        """
        connection = None
        try:
            connection = await self._open()
        except Misconfigured:
            raise
        except _TROUBLE as error:
            self._mark_lost(error)
        self._start_task(connection)

    async def close(self) -> None:
        """Stop sending; whoever still waits hears StoreUnavailable."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._trouble = StoreUnavailable("closed")
        self._refuse_all(self._trouble)

    async def ask(self, asked: Asked, until: float) -> Reply:
        """Send one packed command or request with the next batch and return its reply once the batch is safe.

        Raises StoreUnavailable, at once while the server is known to be away or the queue is full, and at ``until``, a
        time of the loop's clock: by a bare timer, since asyncio.timeout() cost as much as the queue does.
        """
        if self._trouble is not None:
            raise StoreUnavailable(reason(self._trouble)) from self._trouble
        queued = _Queued(asked, octets(asked), asyncio.get_running_loop().create_future())
        if self._queued_bytes + queued.octets > MAX_QUEUED_BYTES:
            raise StoreUnavailable("it is too slow, the queue is full")
        if self._task is None or self._task.done():  # done: a fault of ours, which was logged
            self._start_task(None)
        self._queue.append(queued)
        self._queued_bytes += queued.octets
        self._wake.set()
        timer = queued.reply.get_loop().call_at(until, _give_up, queued)
        try:
            return await queued.reply
        finally:
            timer.cancel()

    def _start_task(self, connection: AbstractConnection | None) -> None:
        self._task = asyncio.create_task(self._run(connection), name="redis line")
        self._task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """Log a fault of ours that ended the task, and start a new task: at once after a first one.

        After further ones without a batch between them commands are refused for a while, so that a fault that stays
        neither fills the log nor keeps the processor busy.
        """
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        LOG.error(Event.LINE_FAILED, exc_info=error)
        self._observer.failed()
        self._failures += 1
        if self._failures == 1:
            if self._queue and self._task is task:
                self._start_task(None)
        else:
            if self._task is not None:
                self._task.cancel()  # a command may have begun another since
            self._trouble = error
            self._refuse_all(error)
            pause = min(LAST_PAUSE_AFTER_FAULT_S, FIRST_BACKOFF_S * 2 ** min(self._failures, 10))
            asyncio.get_running_loop().call_later(pause, self._accept_again, error)

    def _accept_again(self, error: BaseException) -> None:
        if self._trouble is error:  # nobody closed the line meanwhile
            self._trouble = None

    async def _run(self, connection: AbstractConnection | None) -> None:
        while True:
            try:
                connection = connection or await self._open()
                if self._lost_to is not None:
                    await self._try(connection)
                self._trouble = None
                await self._flush_for_ever(connection)
            except _TROUBLE as error:
                await self._pause_after(error, connected=connection is not None)
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

    async def _try(self, connection: AbstractConnection) -> None:
        """Return if the server would take a batch now.  Raises what it answers, NotDurable.

        WAIT believes a replica that is connected, even if it hangs.  After NotDurable only a batch tells more.
        """
        (reply,), waits = await self._exchange(connection, [self._trial])
        fault = reply if isinstance(reply, ResponseError) else self._why_not_safe(waits)
        if fault is not None:
            raise fault
        if not isinstance(self._lost_to, NotDurable):
            self._mark_found()

    async def _flush_for_ever(self, connection: AbstractConnection) -> None:
        while True:
            await self._wake.wait()
            if await connection.can_read():
                raise RedisConnectionError("closed by the server while idle")
            if batch := self._next_batch():
                await self._flush(connection, batch)
                self._observer.batch_flushed(len(batch))
                self._failures = 0
                if self._lost_to is not None:
                    self._mark_found()

    def _next_batch(self) -> list[_Queued]:
        """Take what is queued and still waited for."""
        batch: list[_Queued] = []
        while self._queue and len(batch) < MAX_BATCH:
            queued = self._queue.popleft()
            self._queued_bytes -= queued.octets
            if not queued.reply.done():
                batch.append(queued)
        if not self._queue:
            self._wake.clear()
        return batch

    async def _flush(self, connection: AbstractConnection, batch: list[_Queued]) -> None:
        """Send one batch and hand out its replies.  Raises what makes the connection unfit for another batch."""
        try:
            calls = to_calls([queued.asked for queued in batch])
            answers, waits = await self._exchange(connection, [call.command for call in calls])
            replies = to_replies(calls, answers)
            unsafe = self._why_not_safe(waits)
        except BaseException as error:
            _refuse(batch, error)
            raise
        faults = [reply if isinstance(reply, ResponseError) else unsafe for reply in replies]
        for queued, reply, fault in zip(batch, replies, faults, strict=True):
            if fault is None:
                _answer(queued, reply)
            elif not isinstance(fault, _DID_NOTHING):
                _refuse([queued], fault)
        self._put_back([queued for queued, fault in zip(batch, faults, strict=True) if isinstance(fault, _DID_NOTHING)])
        trouble = next((fault for fault in faults if fault is not None and not self._is_of_its_command(fault)), None)
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

    def _is_of_its_command(self, fault: Exception) -> bool:
        return self._reads and type(fault) in _OF_ITS_COMMAND

    def _why_not_safe(self, waits: list[Reply]) -> NotDurable | None:
        """Return why a batch that was run may not be safe."""
        try:
            self._durability.check(waits)
        except NotDurable as error:
            return error
        return None

    def _put_back(self, queued: list[_Queued]) -> None:
        self._queue.extendleft(reversed(queued))
        self._queued_bytes += sum(one.octets for one in queued)
        if queued:
            self._wake.set()

    async def _pause_after(self, error: BaseException, *, connected: bool) -> None:
        """Try again at once after a first failure, with growing pauses and a refused queue after that."""
        self._failures += 1
        self._observer.server_failed()
        if connected and self._failures == 1:
            return
        self._mark_lost(error)
        await asyncio.sleep(min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(self._failures - 1, 10)))

    def _mark_lost(self, error: BaseException) -> None:
        if self._lost_to is None:
            self._notice(f"{type(error).__name__}: {reason(error)}")
        self._trouble = self._lost_to = error
        self._refuse_all(error)

    def _mark_found(self) -> None:
        self._lost_to = None
        self._notice(None)

    def _refuse_all(self, error: BaseException) -> None:
        _refuse(self._queue, error)
        self._queue.clear()
        self._queued_bytes = 0
        self._wake.clear()


def _answer(queued: _Queued, reply: Reply) -> None:
    if not queued.reply.done():
        queued.reply.set_result(reply)


def _give_up(queued: _Queued) -> None:
    if not queued.reply.done():
        queued.reply.set_exception(StoreTimedOut("no answer in time"))


def _refuse(batch: Iterable[_Queued], error: BaseException) -> None:
    for queued in batch:
        if not queued.reply.done():
            kind = StoreTimedOut if isinstance(error, TimeoutError) else StoreUnavailable
            refusal = kind(f"the outcome is unknown: {type(error).__name__}: {error}")
            refusal.__cause__ = error
            queued.reply.set_exception(refusal)
