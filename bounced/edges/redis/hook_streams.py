"""What a webhook asks of Redis in one list: its next events, what became of them, its lease, how it stands.

How it works: each webhook has a consumer group of its own in the streams of a list.  An entry that was read stays
pending in the group until it is settled, so whoever takes over from a killed deliverer begins with what is pending.
One consumer's name serves all deliverers, since the lease lets only one of them work at a time.

Nothing here waits for durability: what a server forgets in a failover is read, and delivered, once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from itertools import chain
from typing import NamedTuple

from bounced.core.contract.hooks import HookState, Mark, Source, hook_state
from bounced.core.contract.times import stamp
from bounced.core.escape import visible_fields
from bounced.core.numbers import whole
from bounced.edges.redis.event_streams import StreamEvent
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import Argument, Reply, fields, text

CONSUMER = "deliver"
"""The one consumer of each group."""

MOVED_AT_ONCE = 100

_OF_STREAM, _OF_ENTRY, _ERROR, _FAILING_SINCE = "stream", "entry", "error", "failing_since"
_NOT_OF_THE_EVENT = (_OF_STREAM, _OF_ENTRY, _ERROR, _FAILING_SINCE)
"""What an entry of `undelivered` has beside the event's own fields."""

_RENEW = b"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])"""
_LEAVE = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1"""

_LAST_DELETED = b"""
local about = redis.pcall('XINFO', 'STREAM', KEYS[1])
for i = 1, #about, 2 do
  if about[i] == 'max-deleted-entry-id' then return about[i + 1] end
end
return '0-0'"""


def group_of(hook: str) -> str:
    """Return the name of a webhook's consumer group."""
    return f"hook:{hook}"


def _source(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


_TAKE, _SET_ASIDE, _RESUME = map(_source, ("hook_take.lua", "hook_set_aside.lua", "hook_resume.lua"))


@dataclass(frozen=True, slots=True)
class Taken:
    """An event as a webhook was given it.

    ``source`` and ``entry`` say where it is pending; ``event`` is the event as it was first written.
    """

    source: Source
    entry: str
    event: StreamEvent

    @property
    def name(self) -> str:
        """Its name among those that fail."""
        return f"{self.source}:{self.entry}"


@dataclass(frozen=True, slots=True)
class Given:
    """What was read: events in their order, and how many had been trimmed before somebody read or settled them."""

    events: Sequence[Taken]
    trimmed: int


class _Entry(NamedTuple):
    id: str
    fields: dict[str, str] | None


class HookStreams:
    """One webhook in one list.  All methods raise StoreUnavailable.

    ``undelivered_max`` is how many events are kept of those that were not delivered.
    """

    def __init__(self, store: RedisStore, list_: str, hook: str, *, undelivered_max: int) -> None:
        keys = store.keyspace(list_)
        self._store = store
        self._list = list_
        self._undelivered_max = undelivered_max
        self._group = group_of(hook)
        self._hook, self._lease, self._failing = keys.hook(hook), keys.hook_lease(hook), keys.hook_failing(hook)
        self._undelivered, self._again = keys.undelivered(hook), keys.hook_again(hook)
        self._keys = {Source.EVENTS: keys.events, Source.BULK: keys.bulk, Source.AGAIN: self._again}

    async def next(self, most: int, now: datetime) -> Given:
        """Return the next events, at most ``most`` of each stream."""
        trimmed, pages = await self._take(most, now, "new")
        return Given(_events(pages), trimmed)

    async def pending(self, most: int, now: datetime) -> Given:
        """Return the events that were given to this webhook and not settled; those that are gone are settled."""
        found, trimmed, behind = list[Taken](), 0, dict.fromkeys(Source, "0")
        while True:
            _, pages = await self._take(most, now, "pending", *behind.values())
            found += _events(pages)
            for source, page in pages.items():
                if missing := [each.id for each in page if each.fields is None]:
                    trimmed += await self._gone(source, missing, now)
                behind[source] = page[-1].id if page else behind[source]
            if not any(pages.values()):
                return Given(sorted(found, key=_place), trimmed)

    async def erased(self, taken: Taken, now: datetime) -> bool:
        """Return whether an event was taken out of its stream since it was given; it is settled then.

        What was trimmed and not erased can be delivered still.
        """
        key = self._keys[taken.source]
        if await self._ask("XRANGE", key, taken.entry, taken.entry):
            return False
        last = text(await self._ask("EVAL", _LAST_DELETED, 1, key))
        if StreamEvent(last, {}).place < StreamEvent(taken.entry, {}).place:
            return False
        await self._gone(taken.source, [taken.entry], now)
        await self.forget_failing([taken.name])
        return True

    async def settle(self, taken: Sequence[Taken], *, failed: bool = False) -> None:
        """Forget events that were delivered, or that the webhook does not want."""
        for source, key in self._keys.items():
            ids = [each.entry for each in taken if each.source is source]
            if ids and source is Source.AGAIN:  # first: what is pending and gone is settled by whoever reads it
                await self._ask("XDEL", key, *ids)
            if ids:
                await self._ask("XACK", key, self._group, *ids)
        if failed and taken:
            await self._ask("HDEL", self._failing, *(each.name for each in taken))

    async def set_aside(self, taken: Taken, error: str, since: datetime, now: datetime) -> None:
        """Keep an event among those that were not delivered, and forget it otherwise."""
        event = taken.event
        told = {
            **event.fields,
            _OF_STREAM: Source.BULK if event.bulk else Source.EVENTS,
            _OF_ENTRY: event.id,
            _ERROR: error,
            _FAILING_SINCE: stamp(since),
        }
        keys = (self._hook, self._keys[taken.source], self._undelivered, self._failing)
        settled = (self._group, taken.entry, taken.name, self._undelivered_max, stamp(now))
        await self._ask("EVAL", _SET_ASIDE, len(keys), *keys, *settled, *chain.from_iterable(told.items()))

    async def failing(self) -> dict[str, datetime]:
        """Return since when the events fail that were tried, by their names."""
        held = fields(await self._ask("HGETALL", self._failing))
        times = {name: whole(since) for name, since in held.items()}
        return {name: datetime.fromtimestamp(at / 1000, UTC) for name, at in times.items() if at}

    async def fails(self, taken: Taken, since: datetime) -> None:
        """Remember that an event fails since a time, so that a restart does not begin its time anew."""
        await self._ask("HSETNX", self._failing, taken.name, int(since.timestamp() * 1000))

    async def forget_failing(self, names: Sequence[str]) -> None:
        """Forget events that no longer fail."""
        if names:
            await self._ask("HDEL", self._failing, *names)

    async def state(self) -> HookState:
        """Return how the webhook stands."""
        return hook_state(fields(await self._ask("HGETALL", self._hook)))

    async def note(self, marks: Mapping[Mark, str], delivered: int = 0) -> None:
        """Write how the webhook stands; what is empty is taken away.  ``delivered`` is how many more there are."""
        if delivered:
            await self._ask("HINCRBY", self._hook, Mark.DELIVERED, delivered)
        if empty := [mark for mark, value in marks.items() if not value]:
            await self._ask("HDEL", self._hook, *empty)
        if held := {mark: value for mark, value in marks.items() if value}:
            await self._ask("HSET", self._hook, *chain.from_iterable(held.items()))

    async def stop(self, why: str, now: datetime) -> None:
        """Send nothing more until somebody resumes it."""
        await self.note({Mark.STOPPED: why, Mark.STOPPED_AT: stamp(now)})

    async def resume(self) -> int:
        """Let a stopped webhook go on, and deliver again what was set aside; return how many events those are.

        What fails then has all its time anew.
        """
        await self._ask("DEL", self._failing)
        await self.note({Mark.STOPPED: "", Mark.STOPPED_AT: ""})
        moved = 0
        while True:
            keys = (self._undelivered, self._again)
            count = await self._ask("EVAL", _RESUME, len(keys), *keys, MOVED_AT_ONCE)
            assert isinstance(count, int)
            moved += count
            if count < MOVED_AT_ONCE:
                return moved

    async def set_aside_now(self) -> int:
        """Return how many events wait among those that were not delivered."""
        count = await self._ask("XLEN", self._undelivered)
        assert isinstance(count, int)
        return count

    async def take_lease(self, holder: str, ttl_s: float) -> bool:
        """Become the one who works for the webhook, unless another one is."""
        return await self._ask("SET", self._lease, holder, "NX", "PX", _ms(ttl_s)) is not None

    async def renew_lease(self, holder: str, ttl_s: float) -> bool:
        """Remain the one; False where the lease is lost."""
        return await self._ask("EVAL", _RENEW, 1, self._lease, holder, _ms(ttl_s)) == 1

    async def leave(self, holder: str) -> None:
        """Let another one work, at once."""
        await self._ask("EVAL", _LEAVE, 1, self._lease, holder)

    async def holder(self) -> str:
        """Return who works for the webhook now; empty for nobody."""
        held = await self._ask("GET", self._lease)
        return text(held) if held is not None else ""

    async def _take(self, most: int, now: datetime, *which: str) -> tuple[int, dict[Source, list[_Entry]]]:
        keys = (self._hook, *self._keys.values())
        about = (self._group, CONSUMER, most, stamp(now))
        reply = await self._ask("EVAL", _TAKE, len(keys), *keys, *about, *which)
        assert isinstance(reply, list)
        trimmed, *pages = reply
        assert isinstance(trimmed, int)
        return trimmed, {source: _entries(page) for source, page in zip(Source, pages, strict=True)}

    async def _gone(self, source: Source, ids: Sequence[str], now: datetime) -> int:
        """Settle pending entries that are gone; return how many of them were trimmed: the others were erased."""
        await self._ask("XACK", self._keys[source], self._group, *ids)
        if source is Source.AGAIN:  # nothing is trimmed there
            return 0
        first = _entries(await self._ask("XRANGE", self._keys[source], "-", "+", "COUNT", 1))
        begin = StreamEvent(first[0].id, {}).place if first else None
        trimmed = sum(begin is None or StreamEvent(id_, {}).place < begin for id_ in ids)
        if trimmed:
            await self._ask("HINCRBY", self._hook, Mark.TRIMMED, trimmed)
            await self.note({Mark.TRIMMED_AT: stamp(now)})
        return trimmed

    async def _ask(self, *command: Argument) -> Reply:
        return await self._store.read(self._list, *command)


def _entries(page: Reply) -> list[_Entry]:
    """Return the entries of a page; those that are gone from the stream have no fields."""
    assert isinstance(page, list)
    found = list[_Entry]()
    for entry in page:
        assert isinstance(entry, list)
        held = entry[1] if len(entry) > 1 else None
        found.append(_Entry(text(entry[0]), visible_fields(fields(held)) if isinstance(held, list) else None))
    return found


def _events(pages: Mapping[Source, Sequence[_Entry]]) -> list[Taken]:
    """Return what is there of these entries, in the order in which it happened."""
    found = [_taken(source, each.id, each.fields) for source, page in pages.items() for each in page if each.fields]
    return sorted(found, key=_place)


def _taken(source: Source, id_: str, held: Mapping[str, str]) -> Taken:
    if source is not Source.AGAIN:
        return Taken(source, id_, StreamEvent(id_, dict(held), source is Source.BULK))
    event = {name: value for name, value in held.items() if name not in _NOT_OF_THE_EVENT}
    return Taken(source, id_, StreamEvent(held.get(_OF_ENTRY, id_), event, held.get(_OF_STREAM) == Source.BULK))


def _place(taken: Taken) -> tuple[int, bool, int]:
    return taken.event.place


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
