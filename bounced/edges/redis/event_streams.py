"""The events of a list in their order, from the two streams that hold them: `events`, and `bulk` for mass changes.

How it works: each look is one script that reads on in both streams at the same moment, so that no entry comes later
that belongs before what was shown.  Where one stream has more than fits into a page, what the other has beyond the end
of that page waits for the next look.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from typing import NamedTuple

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


class EventStreams:
    """Reads the events of one list.  All methods raise StoreUnavailable."""

    def __init__(self, store: RedisStore, keys: Keyspace) -> None:
        self._store = store
        self._keys = keys

    async def end(self) -> Position:
        """Return where the events end now."""
        newest = {each.bulk: each.id for page in await self._read("XREVRANGE", END, BEGINNING, 1) for each in page}
        return Position(newest.get(False, EMPTY), newest.get(True, EMPTY))

    async def newest(self, limit: int) -> tuple[Position, Position]:
        """Return where the newest events begin and end, at most so many of them."""
        end = upto = await self.end()
        begin = BEGINNING
        while limit > 0:
            page = (await self._page("XREVRANGE", upto, BEGINNING, min(limit, EVENTS_AT_ONCE)))[:limit]
            if not page:
                break
            limit, upto, first = limit - len(page), _beyond(page, upto), page[-1]
            begin = _from(first)
        return begin, end

    async def between(self, begin: Position, end: Position) -> AsyncIterator[list[StreamEvent]]:
        """Yield the events from one position to another a page at a time, the oldest first."""
        while page := await self._page("XRANGE", begin, end):
            yield page
            begin = _beyond(page, begin)

    async def after(self, position: Position) -> tuple[list[StreamEvent], Position]:
        """Return the next events from a position on, the oldest first, and where to read on."""
        page = await self._page("XRANGE", position, END)
        return page, _beyond(page, position)

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


def _place(event: StreamEvent) -> tuple[int, bool, int]:
    return event.place


def _beyond(page: Iterable[StreamEvent], position: Position) -> Position:
    """Return the position behind the entries of a page."""
    last = {each.bulk: f"({each.id}" for each in page}
    return Position(last.get(False, position.events), last.get(True, position.bulk))
