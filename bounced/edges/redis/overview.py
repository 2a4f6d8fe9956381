"""What a list holds as a whole: its sizes, its counters by the hour, its events.  Reads only."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bounced.core.contract.hourly_counters import read_counters
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import DAY_S, hour
from bounced.core.numbers import whole
from bounced.core.terms import State
from bounced.edges.redis import RedisStore
from bounced.edges.redis.event_streams import EVENTS_AT_ONCE, StreamEvent, came_at, entries, id_at
from bounced.edges.redis.store import WRITES_NOTHING
from bounced.edges.redis.wire import Reply, fields, texts

HOURS_AT_ONCE = 8
"""How much is asked for in replies that come together: they have to be read within the deadline."""


@dataclass(frozen=True, slots=True)
class ListSizes:
    """How much a list holds now.

    ``suppressed`` counts held addresses too, ``bouncing`` those that may be mailed; ``due`` those that time alone will
    change, ``overdue`` those of them whose time has come.
    """

    suppressed: int
    bouncing: int
    due: int
    overdue: int
    disputed: int
    alarms: int
    streams: Mapping[str, int]
    intake_oldest_s: float

    @property
    def by_state(self) -> Mapping[State, int]:
        """How many addresses are in which state; what is read may be a moment apart.

        A suppression that a rule lets expire (none does by default) counts as held.
        """
        suppressed = max(0, self.suppressed - self.due)
        return {State.BOUNCING: self.bouncing, State.HELD: self.due, State.SUPPRESSED: suppressed}


class Overview:
    """Reads what one list holds.  All methods raise StoreUnavailable."""

    def __init__(self, store: RedisStore, list_: str, keys: Keyspace) -> None:
        self._store = store
        self._list = list_
        self._keys = keys

    async def need_writable(self) -> None:
        """Return if the server would take a commit now, as durable as asked for."""
        await self._store.write(self._list, "EVAL", WRITES_NOTHING, 1, self._keys.suppressed)

    async def sizes(self, now: datetime) -> ListSizes:
        """Return how much there is."""
        keys, at = self._keys, int(now.timestamp())
        streams = {
            "events": keys.events,
            "bulk": keys.bulk,
            "blocks": keys.blocks,
            "intake": keys.intake,
            "intake-failed": keys.intake_failed,
            "unrecognised": keys.unrecognised,
            "complaints": keys.complaints,
        }
        oldest = asyncio.ensure_future(self._oldest(keys.intake, now))
        suppressed, bouncing, due, overdue, disputed, alarms, *lengths = await asyncio.gather(
            self._number("SCARD", keys.suppressed),
            self._bouncing(now),
            self._number("ZCARD", keys.due),
            self._number("ZCOUNT", keys.due, "-inf", at),
            self._number("ZCOUNT", keys.disputed, at, "+inf"),
            self._number("HLEN", keys.alarms),
            *(self._number("XLEN", key) for key in streams.values()),
        )
        return ListSizes(
            suppressed=suppressed,
            bouncing=bouncing,
            due=due,
            overdue=overdue,
            disputed=disputed,
            alarms=alarms,
            streams=dict(zip(streams, lengths, strict=True)),
            intake_oldest_s=await oldest,
        )

    async def counts(self, now: datetime, hours: int) -> list[tuple[datetime, Counter[str]]]:
        """Return the counters of the last hours, the oldest first, this one last."""
        begun = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        moments = [begun - timedelta(hours=back) for back in reversed(range(hours))]
        replies: list[Reply] = []
        for first in range(0, hours, HOURS_AT_ONCE):
            asked = (self._ask("HGETALL", self._keys.counts(hour(at))) for at in moments[first : first + HOURS_AT_ONCE])
            replies += await asyncio.gather(*asked)
        return [(at, Counter(read_counters(fields(reply)))) for at, reply in zip(moments, replies, strict=True)]

    def complaints_since(self, at: datetime) -> AsyncIterator[list[StreamEvent]]:
        """Yield the complaints that name nobody and came since a time, a page at a time, the oldest first."""
        return self._between(self._keys.complaints, id_at(at), "+")

    async def blocks_kept(self) -> int:
        """Return how many refusals of the sender are kept."""
        return await self._number("XLEN", self._keys.blocks)

    async def oldest_block(self) -> datetime | None:
        """Return when the oldest refusal came that is kept."""
        found = entries(await self._ask("XRANGE", self._keys.blocks, "-", "+", "COUNT", 1))
        return came_at(found[0].id) if found else None

    async def alarms(self) -> dict[str, str]:
        """Return the alarms that stand, as JSON, by their scope."""
        return fields(await self._ask("HGETALL", self._keys.alarms))

    async def disputed(self, now: datetime) -> list[str]:
        """Return the domains, and the providers as ``provider:NAME``, that are not believed now."""
        at = f"({int(now.timestamp())}"
        return sorted(texts(await self._ask("ZRANGE", self._keys.disputed, at, "+inf", "BYSCORE")))

    async def _bouncing(self, now: datetime) -> int:
        """Return how many are bouncing whose states are not forgotten yet, to the day."""
        today = int(now.timestamp()) // DAY_S
        counted = fields(await self._ask("HGETALL", self._keys.bouncing))
        return max(0, sum(_signed(number) for day, number in counted.items() if (whole(day) or 0) >= today))

    async def _between(self, stream: str, begin: str, end: str) -> AsyncIterator[list[StreamEvent]]:
        while begin:
            page = entries(await self._ask("XRANGE", stream, begin, end, "COUNT", EVENTS_AT_ONCE))
            yield page
            begin = f"({page[-1].id}" if page else ""

    async def _number(self, *command: str | int) -> int:
        reply = await self._ask(*command)
        assert isinstance(reply, int)
        return reply

    async def _oldest(self, stream: str, now: datetime) -> float:
        """Return the age of a stream's first entry in seconds; the milliseconds of its id say when it came."""
        found = entries(await self._ask("XRANGE", stream, "-", "+", "COUNT", 1))
        if not found:
            return 0.0
        return max(0.0, (now - came_at(found[0].id)).total_seconds())

    async def _ask(self, *command: str | int) -> Reply:
        return await self._store.read(self._list, *command)


def _signed(text: str) -> int:
    """Return a number that may be below zero; 0 for what is none."""
    number = whole(text.removeprefix("-")) or 0
    return -number if text.startswith("-") else number
