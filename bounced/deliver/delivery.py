"""The events of one list to one webhook: in order for each address, at least once, in a bounded window.

How it works.  The window holds the events that were read and not settled.  Each address in it has a queue and a task
that works the queue off: an event that fails waits and is tried again, and holds only what came later for the same
address.  When the window is full nothing more is read: the streams keep it.  An event is settled in Redis after the
receiver has taken it, and before the next one of its address is sent.  So whatever ends the process, each event that
was not settled is pending in the webhook's group, and comes first when somebody goes on.  An event that waited is
looked for in its stream again before it is sent: it may have been erased.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import structlog

from bounced.core.contract.times import stamp
from bounced.deliver.bodies import MakeBody, Message, message_id
from bounced.deliver.lease import Lease, LeaseLost
from bounced.deliver.notes import Notes
from bounced.deliver.pace import Pace
from bounced.deliver.sender import Answer, Sender
from bounced.edges.redis.hook_streams import HookStreams, Taken
from bounced.edges.watch.log import Event
from bounced.ports import StoreUnavailable

T = TypeVar("T")
LOG = structlog.get_logger()

WINDOW = 1000
"""How many events are held at once for one webhook and list; each takes two or three KiB."""
PAGE = 100
LOOK_EVERY_S = 0.5
"""How often the streams are looked at where nothing waits, and Redis where it is away."""
LOOK_WHETHER_RESUMED_S = 2.0
PAUSE_AFTER_A_FAULT_S = 10.0
DRAIN_S = 5.0
"""How long requests under way have when the process stops."""
STALE_S = 5.0
"""How long an event may have been held that is sent without another look at its stream."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a webhook wants: events of these types (of all where there is none), each as ``body`` makes it."""

    hook: str
    list_: str
    types: frozenset[str]
    body: MakeBody
    connections: int
    give_up: timedelta


class _Held(NamedTuple):
    """An event in a queue, and since when, by the loop's clock."""

    taken: Taken
    since: float


class Stopped(Exception):  # noqa: N818 - says what is so
    """The receiver wants nothing more."""


_ENDS = (Stopped, StoreUnavailable, LeaseLost)


class Delivery:
    """Works for one webhook in one list while it holds the lease.  ``clock`` returns the time."""

    def __init__(
        self, chosen: Chosen, streams: HookStreams, sender: Sender, lease: Lease, clock: Callable[[], datetime]
    ) -> None:
        self._chosen = chosen
        self._streams = streams
        self._sender = sender
        self._lease = lease
        self._clock = clock
        self._log = LOG.bind(hook=chosen.hook, list=chosen.list_)
        self._pace = Pace(chosen.connections)
        self._closing = asyncio.Event()
        self._idle = asyncio.Event()
        self._under_way = 0
        self._begin_anew()
        self._notes = Notes(streams, lambda: (self._held, min(self._failing.values(), default=None)))

    async def run(self) -> None:
        """Deliver until this task is cancelled, or begins anew after ``drain``."""
        deferred = False
        while not self._closing.is_set():
            try:
                await self._lease.taken()
                self._log.info(Event.HOOK_TAKEN)
                deferred = False
                await self._work()
            except Stopped as error:
                await self._stop(str(error))
            except LeaseLost:
                self._log.warning(Event.HOOK_LEFT)
            except StoreUnavailable as error:
                if not deferred:
                    self._log.warning(Event.HOOK_DEFERRED, error=str(error))
                deferred = True
            except Exception:  # noqa: BLE001 - a fault of ours with one receiver must not end the others
                self._log.exception(Event.HOOK_FAILED)
                await asyncio.sleep(PAUSE_AFTER_A_FAULT_S)
            await asyncio.sleep(LOOK_EVERY_S)

    async def drain(self) -> None:
        """Begin no more requests, and return when those under way have ended, or their time has."""
        self._closing.set()
        if self._under_way:
            self._idle.clear()
            try:
                async with asyncio.timeout(DRAIN_S):
                    await self._idle.wait()
            except TimeoutError:
                return

    async def leave(self) -> None:
        """Write how it stands, and let another one work; for one that no longer runs."""
        try:
            if self._lease.held:
                await self._notes.write()
                await self._lease.leave()
        except StoreUnavailable:
            return  # it ends by itself

    async def _work(self) -> None:
        """Deliver while the lease is held.  Raises Stopped, StoreUnavailable, LeaseLost."""
        self._begin_anew()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._lease.keep())
                tasks.create_task(self._notes.write_for_ever())
                tasks.create_task(self._deliver(tasks))
        except BaseExceptionGroup as group:
            for kind in _ENDS:
                if expected := group.subgroup(kind):
                    raise _leaf(expected) from None
            raise

    def _begin_anew(self) -> None:
        self._queues: dict[str, deque[_Held]] = {}
        self._failing: dict[str, datetime] = {}
        self._held = 0
        self._room = asyncio.Event()

    async def _deliver(self, tasks: asyncio.TaskGroup) -> None:
        """Read on whenever there is room."""
        await self._until_resumed()
        failing = await self._streams.failing()
        given = await self._streams.pending(PAGE, self._clock())
        names = {taken.name for taken in given.events}
        await self._streams.forget_failing([name for name in failing if name not in names])
        self._failing = {name: since for name, since in failing.items() if name in names}
        await self._begin(given.events, given.trimmed, tasks)
        while True:
            while (room := WINDOW - self._held) < PAGE:
                self._room.clear()
                await self._room.wait()
            given = await self._streams.next(min(PAGE, room // 3), self._clock())
            await self._begin(given.events, given.trimmed, tasks)
            if not given.events:
                await asyncio.sleep(LOOK_EVERY_S)

    async def _stop(self, why: str) -> None:
        self._log.error(Event.HOOK_STOPPED, answer=why)
        await self._surely(lambda: self._streams.stop(why, self._clock()))

    async def _until_resumed(self) -> None:
        while (await self._streams.state()).stopped:  # noqa: ASYNC110 - another process resumes it
            await asyncio.sleep(LOOK_WHETHER_RESUMED_S)

    async def _begin(self, events: Sequence[Taken], trimmed: int, tasks: asyncio.TaskGroup) -> None:
        """Put events into the queues of their addresses; settle those that the webhook does not want."""
        if trimmed:
            self._log.error(Event.EVENTS_TRIMMED, events=trimmed)
        unwanted, now = list[Taken](), asyncio.get_running_loop().time()
        for taken in events:
            if not self._wants(taken):
                unwanted.append(taken)
                continue
            self._held += 1
            address = taken.event.fields.get("address", "")
            if address in self._queues:
                self._queues[address].append(_Held(taken, now))
            else:
                self._queues[address] = deque([_Held(taken, now)])
                tasks.create_task(self._work_off(address))
        if unwanted:
            await self._surely(lambda: self._streams.settle(unwanted))

    def _wants(self, taken: Taken) -> bool:
        types, event = self._chosen.types, taken.event
        return (not types or event.fields.get("type") in types) and self._message(taken) is not None

    def _message(self, taken: Taken) -> Message | None:
        body = self._chosen.body(self._chosen.list_, taken.event)
        return Message(message_id(self._chosen.list_, taken.event), body) if body is not None else None

    async def _work_off(self, address: str) -> None:
        """Deliver the events of one address one after the other."""
        queue = self._queues[address]
        while queue:
            await self._settle(queue[0])
            queue.popleft()
            self._held -= 1
            self._room.set()
        del self._queues[address]

    async def _settle(self, held: _Held) -> None:
        """Deliver one event, or set it aside when its time is over."""
        message, failures = self._message(held.taken), 0
        assert message is not None
        while not await self._is_over(held, message):
            failures += 1
            await asyncio.sleep(self._pace.pause_s(failures))

    async def _is_settled(self, taken: Taken, message: Message, answer: Answer) -> bool:
        """Write what came of a request, and return whether the event is over.  Raises Stopped."""
        if answer.taken:
            await self._has_been_taken(taken)
            return True
        if answer.gone:
            raise Stopped(answer.words)
        return await self._has_failed(taken, message, answer.words)

    async def _has_been_taken(self, taken: Taken) -> None:
        failed = self._failing.pop(taken.name, None) is not None
        await self._surely(lambda: self._streams.settle([taken], failed=failed))

    async def _has_failed(self, taken: Taken, message: Message, words: str) -> bool:
        """Note a failure, and return whether the event was set aside for it."""
        now = self._clock()
        since = self._failing.get(taken.name)
        if since is None:
            self._failing[taken.name] = now
            await self._surely(lambda: self._streams.fails(taken, now))
            return False
        if now - since < self._chosen.give_up:
            return False
        if await self._is_erased(taken):
            return True
        await self._surely(lambda: self._streams.set_aside(taken, words, since, now))
        del self._failing[taken.name]
        self._log.warning(Event.EVENT_SET_ASIDE, webhook_id=message.id, since=stamp(since), error=words)
        return True

    async def _is_erased(self, taken: Taken) -> bool:
        """Return whether an event was erased while it was held, and forget it then."""
        erased = await self._surely(lambda: self._streams.erased(taken, self._clock()))
        if erased:
            self._failing.pop(taken.name, None)
        return erased

    async def _is_over(self, held: _Held, message: Message) -> bool:
        """Send one request, when it is this event's turn, and return whether the event is settled.

        Raises Stopped, LeaseLost.
        """
        loop = asyncio.get_running_loop()
        async with self._pace.turn():
            if self._closing.is_set():
                await asyncio.Event().wait()  # this task is about to be cancelled
            begun = loop.time()
            if begun - held.since > STALE_S and await self._is_erased(held.taken):
                return True
            if not self._lease.held:
                raise LeaseLost
            self._under_way += 1
            try:
                answer = await self._sender.post(message, self._clock())
                self._hear(held.taken, message, answer, loop.time() - begun)
                return await self._is_settled(held.taken, message, answer)
            finally:  # not before: a request is at its end when Redis has heard of it
                self._under_way -= 1
                if not self._under_way:
                    self._idle.set()

    def _hear(self, taken: Taken, message: Message, answer: Answer, elapsed_s: float) -> None:
        facts = {
            "webhook_id": message.id,
            "address": taken.event.fields.get("address", ""),
            "status": answer.status,
            "elapsed_ms": round(elapsed_s * 1000),
        }
        if answer.taken:
            self._pace.taken()
            self._notes.delivered(self._clock())
            self._log.info(Event.EVENT_DELIVERED, **facts)
        else:
            self._pace.failed(answer.pause_s)
            self._notes.failed(answer.words, self._clock())
            self._log.warning(Event.EVENT_REFUSED, **facts, error=answer.words)

    async def _surely(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask or write, again and again while Redis is away: until it answers, or the lease is lost, all waits."""
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                await asyncio.sleep(LOOK_EVERY_S)


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
