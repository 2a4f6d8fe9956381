"""The events of a list in their order, from the two streams that hold them: `events`, and `bulk` for mass changes.

How it works: each look is one script that reads on in both streams at the same moment, so that no entry comes later
that belongs before what was shown.  Where one stream has more than fits into a page, what the other has beyond the end
of that page waits for the next look.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from typing import NamedTuple

from bounced.core.contract.event_types import Wanted
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.writes import BULK
from bounced.core.escape import visible_fields
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import Reply, fields, text

EVENTS_AT_ONCE = 1000
"""How much is asked of each stream in one reply: it has to be read within the deadline."""
EMPTY = "0-0"
LAST_NUMBER = 2**64 - 1
"""The highest number that an entry may have behind its milliseconds."""

_READ = b"""
return {redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'COUNT', ARGV[6]),
  redis.call(ARGV[1], KEYS[2], ARGV[4], ARGV[5], 'COUNT', ARGV[6])}"""

_TRIMMED = b"""
local function is_trimmed(key, id)
  if #redis.call('XRANGE', key, '-', id, 'COUNT', 1) > 0 then return 0 end
  if #redis.call('XRANGE', key, '(' .. id, '+', 'COUNT', 1) == 0 then return 0 end
  local told, length, added = redis.call('XINFO', 'STREAM', key), 0, 0
  for i = 1, #told, 2 do
    if told[i] == 'length' then length = told[i + 1] end
    if told[i] == 'entries-added' then added = told[i + 1] end
  end
  return added > length and 1 or 0
end
return {is_trimmed(KEYS[1], ARGV[1]), is_trimmed(KEYS[2], ARGV[2])}"""
"""A stream is trimmed at its beginning, and newer entries stay.

So nothing behind an entry is gone while that one or an older one is there, or while there is none behind it.
"""

_SEARCH = b"""
local types, address, campaign = {}, ARGV[5], ARGV[6]
for i = 7, #ARGV do types[ARGV[i]] = true end
local function is_wanted(fields)
  local of_type, of_address, of_campaign = #ARGV < 7, address == '', campaign == ''
  for i = 1, #fields, 2 do
    if fields[i] == 'type' then
      if #ARGV >= 7 and not types[fields[i + 1]] then return false end
      of_type = true
    elseif fields[i] == 'address' and not of_address then
      if fields[i + 1] ~= address then return false end
      of_address = true
    elseif fields[i] == 'campaign' and not of_campaign then
      if fields[i + 1] ~= campaign then return false end
      of_campaign = true
    end
    if of_type and of_address and of_campaign then return true end
  end
  return false
end
local read, wanted = redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'COUNT', ARGV[4]), {}
for _, entry in ipairs(read) do
  if is_wanted(entry[2]) then wanted[#wanted + 1] = entry end
end
return {#read, #read > 0 and read[#read][1] or '', wanted}"""
"""Looks through a page on the server: a search that finds little sends little."""

Looked = Callable[[int, datetime], None]
"""Hears how many entries were looked through since the last time, and to when."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One entry of a stream; ``bulk`` says that it is of the stream `bulk`."""

    id: str
    fields: dict[str, str]
    bulk: bool = False

    @property
    def record(self) -> dict[str, str]:
        """Return it for a program."""
        return {"stream_id": self.id, **({"stream": BULK} if self.bulk else {}), **self.fields}

    @property
    def place(self) -> tuple[int, bool, int]:
        """Where it stands among the events of both streams.

        The numbers behind the milliseconds are each stream's own.  So of one millisecond those of `bulk` come first:
        the event that tells of many follows them.
        """
        milliseconds, _, number = self.id.partition("-")
        return int(milliseconds), not self.bulk, int(number)


class Position(NamedTuple):
    """Where to read on, or up to where, in each of the two streams, as XRANGE takes it."""

    events: str
    bulk: str


BEGINNING, END = Position("-", "-"), Position("+", "+")
OVER = "(0-1"
"""Where a stream is read no further back: no entry has a smaller id, and Redis takes no smaller end."""


@dataclass(slots=True)
class Passed:
    """How far back a search has come in each stream: the ends up to which it still has to look.

    Before a stream is looked at, that is where the search began.  All that stands behind was looked at, and given where
    it was asked for.
    """

    events: str = ""
    bulk: str = ""
    begun: Position = END

    def begin(self, end: Position, *, bulk: bool) -> None:
        """Take down where a search begins; ``bulk`` is false where it leaves that stream out."""
        self.begun = Position(*map(_as_end, end))
        self.events, self.bulk = "", "" if bulk else OVER

    def note(self, end: str, *, bulk: bool) -> None:
        """Take down up to where one of the streams has to be looked at."""
        if bulk:
            self.bulk = end
        else:
            self.events = end

    @property
    def end(self) -> Position:
        """Where to search further back, as an end."""
        return Position(self.events or self.begun.events, self.bulk or self.begun.bulk)

    @property
    def back_to(self) -> datetime | None:
        """When the oldest came of which everything newer in both streams was looked at; None where nobody can tell."""
        times = [came_at(each[1:]) for each in (self.events, self.bulk) if each not in ("", OVER)]
        return max(times) if self.events and self.bulk and times else None


def position_at(at: datetime) -> Position:
    """Return the position of what came at a moment or later."""
    return Position(id_at(at), id_at(at))


class EventStreams:
    """Reads the events of one list.  All methods raise StoreUnavailable."""

    def __init__(self, store: RedisStore, keys: Keyspace) -> None:
        self._store = store
        self._keys = keys

    async def end(self) -> Position:
        """Return where the events end now."""
        newest = {each.bulk: each.id for page in await self._read("XREVRANGE", END, BEGINNING, 1) for each in page}
        return Position(newest.get(False, EMPTY), newest.get(True, EMPTY))

    async def begin_of(self, limit: int, end: Position) -> Position:
        """Return where the newest events up to a position begin, at most so many of them."""
        begin, upto = BEGINNING, end
        while limit > 0:
            page = (await self._page("XREVRANGE", upto, BEGINNING, min(limit, EVENTS_AT_ONCE)))[:limit]
            if not page:
                break
            limit, upto, first = limit - len(page), _beyond(page, upto), page[-1]
            begin = _from(first)
        return begin

    async def between(self, begin: Position, end: Position) -> AsyncIterator[list[StreamEvent]]:
        """Yield the events from one position to another a page at a time, the oldest first."""
        while page := await self._page("XRANGE", begin, end):
            yield page
            begin = _beyond(page, begin)

    async def search(
        self,
        begin: Position,
        end: Position,
        wanted: Wanted,
        *,
        looked: Looked,
        backwards: bool = False,
        bulk: bool = True,
        passed: Passed | None = None,
    ) -> AsyncIterator[StreamEvent]:
        """Yield the events between two positions that are asked for, the oldest first, or the newest.

        ``bulk`` is false to leave out the stream of that name.  ``passed`` is told how far a search ``backwards`` has
        come, wherever it is ended.
        """
        span = ("XREVRANGE", end, begin) if backwards else ("XRANGE", begin, end)
        passed = passed or Passed()
        passed.begin(end, bulk=bulk)
        of = (False, True) if bulk else (False,)
        found = [self._search(span, wanted, looked, passed, bulk=each) for each in of]
        heads = [await anext(each, None) for each in found]
        while ready := [each for each in heads if each]:
            next_ = max(ready, key=_place) if backwards else min(ready, key=_place)
            passed.note(f"({next_.id}", bulk=next_.bulk)
            yield next_
            heads[next_.bulk] = await anext(found[next_.bulk], None)

    async def _search(
        self, span: tuple[str, Position, Position], wanted: Wanted, looked: Looked, passed: Passed, *, bulk: bool
    ) -> AsyncGenerator[StreamEvent]:
        """Yield what one of the streams has of it; the first of the positions moves on.

        It tells what it has passed before the entry that it yields: that one may wait for the other stream.
        """
        key, (command, first, last) = self._keys.bulk if bulk else self._keys.events, span
        next_ = first[bulk]
        while True:
            arguments: tuple[str | int, ...] = (
                command,
                next_,
                last[bulk],
                EVENTS_AT_ONCE,
                wanted.address,
                wanted.campaign,
                *wanted.types,
            )
            reply = await self._store.read(self._keys.list_, "EVAL", _SEARCH, 1, key, *arguments)
            assert isinstance(reply, list)
            count, reached = reply[0], text(reply[1])
            assert isinstance(count, int)
            if not count:
                passed.note(OVER, bulk=bulk)
                return
            looked(count, came_at(reached))
            for entry in entries(reply[2], bulk=bulk):
                passed.note(_with(entry.id), bulk=bulk)
                yield entry
            next_ = f"({reached}"
            passed.note(next_, bulk=bulk)

    async def after(self, position: Position) -> tuple[list[StreamEvent], Position]:
        """Return the next events from a position on, the oldest first, and where to read on."""
        page = await self._page("XRANGE", position, END)
        return page, _beyond(page, position)

    async def trimmed(self, position: Position) -> bool:
        """Return whether entries behind a position, as ``behind`` gives it, may be gone by now.

        It does not know which: the entry at the position may be the last that is gone, or one that was erased.
        """
        keys, ids = (self._keys.events, self._keys.bulk), (each.removeprefix("(") for each in position)
        reply = await self._store.read(self._keys.list_, "EVAL", _TRIMMED, len(keys), *keys, *ids)
        assert isinstance(reply, list)
        return 1 in reply

    async def _page(
        self, command: str, begin: Position, end: Position, most: int = EVENTS_AT_ONCE
    ) -> list[StreamEvent]:
        """Return the next events of both streams in their order, as far as it is known of both what comes next."""
        pages = await self._read(command, begin, end, most)
        backwards = command == "XREVRANGE"
        merged = merge(*pages, key=_place, reverse=backwards)
        ends = [page[-1].place for page in pages if len(page) == most]
        if not ends:
            return list(merged)
        if backwards:
            return [each for each in merged if each.place >= max(ends)]
        return [each for each in merged if each.place <= min(ends)]

    async def _read(self, command: str, begin: Position, end: Position, most: int) -> list[list[StreamEvent]]:
        keys = (self._keys.events, self._keys.bulk)
        arguments = (command, begin.events, end.events, begin.bulk, end.bulk, most)
        reply = await self._store.read(self._keys.list_, "EVAL", _READ, len(keys), *keys, *arguments)
        assert isinstance(reply, list)
        return [entries(each, bulk=number == 1) for number, each in enumerate(reply)]


def id_at(at: datetime) -> str:
    """Return the first id that an entry of this moment may have: ids begin with the milliseconds of the server."""
    return str(max(0, int(at.timestamp() * 1000)))


def came_at(id_: str) -> datetime:
    """Return when an entry came."""
    return datetime.fromtimestamp(int(id_.partition("-")[0]) / 1000, UTC)


def _from(first: StreamEvent) -> Position:
    """Return the position of an event, with all that comes after it."""
    milliseconds = first.id.partition("-")[0]
    if first.bulk:
        return Position(milliseconds, first.id)
    return Position(first.id, f"({milliseconds}-{LAST_NUMBER}")


def before(at: datetime) -> Position:
    """Return the position, as an end, of what came before a moment."""
    end = f"({max(1, int(id_at(at)))}-0"
    return Position(end, end)


def older_than(event: StreamEvent) -> Position:
    """Return the position, as an end, of what stands before an event."""
    milliseconds = event.id.partition("-")[0]
    if event.bulk:
        return Position(f"({milliseconds}-0", f"({event.id}")
    return Position(f"({event.id}", f"({int(milliseconds) + 1}-0")


def behind(end: Position) -> Position:
    """Return the position behind the last events of each stream."""
    return Position(f"({end.events}", f"({end.bulk}")


def entries(reply: Reply, *, bulk: bool = False) -> list[StreamEvent]:
    """Return the entries in the reply of XRANGE."""
    assert isinstance(reply, list)
    return [
        StreamEvent(text(entry[0]), visible_fields(fields(entry[1])), bulk)
        for entry in reply
        if isinstance(entry, Sequence)
    ]


def _as_end(end: str) -> str:
    """Return an end in the form of an id that is left out."""
    if end.startswith("("):
        return end
    return f"({LAST_NUMBER}-0" if end == END.events else _with(end)


def _with(id_: str) -> str:
    """Return the end of what goes up to an entry, with it, in the form of all other ends."""
    milliseconds, _, number = id_.partition("-")
    if int(number) == LAST_NUMBER:
        return f"({int(milliseconds) + 1}-0"
    return f"({milliseconds}-{int(number) + 1}"


def _place(event: StreamEvent) -> tuple[int, bool, int]:
    return event.place


def _beyond(page: Iterable[StreamEvent], position: Position) -> Position:
    """Return the position behind the entries of a page."""
    last = {each.bulk: f"({each.id}" for each in page}
    return Position(last.get(False, position.events), last.get(True, position.bulk))
