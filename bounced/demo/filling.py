"""What the simulator made, written into Redis under the names of the contract, each event at its own time."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

from bounced.core.contract.hourly_counters import DAYS_KEPT, KEPT_DAYS, by_day
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import DAY_S, moment, unix
from bounced.core.terms import State
from bounced.edges.memory_store import Holds
from bounced.edges.redis import RedisStore
from bounced.edges.redis.wire import Argument

AT_ONCE = 500
KEPT_S = DAYS_KEPT * DAY_S
Command = tuple[Argument, ...]


async def fill(store: RedisStore, keys: Keyspace, holds: Holds, now: datetime) -> None:
    """Write all that a list holds into an empty one.  Raises StoreUnavailable."""
    commands = list(_commands(keys, holds, now))
    for first in range(0, len(commands), AT_ONCE):
        await asyncio.gather(*(store.write(keys.list_, *command) for command in commands[first : first + AT_ONCE]))


async def is_empty(store: RedisStore, keys: Keyspace) -> bool:
    """Return whether nothing was ever told of a list.  Raises StoreUnavailable."""
    return await store.read(keys.list_, "XLEN", keys.events) == 0


def _commands(keys: Keyspace, holds: Holds, now: datetime) -> Iterator[Command]:
    yield from _stream(keys.events, holds.events)
    yield from _stream(keys.blocks, holds.blocks)
    for event, content in zip(_not_understood(holds), holds.unrecognised, strict=False):
        yield from _stream(keys.unrecognised, [event], content)
    yield from _counters(keys, holds)
    for address, state in holds.states.items():
        yield "HSET", keys.address(address), *chain.from_iterable(state.items())
        if address not in holds.suppressed:
            yield "EXPIRE", keys.address(address), KEPT_S
    for address, history in holds.history.items():
        yield "RPUSH", keys.history(address), *history
        yield "EXPIRE", keys.history(address), KEPT_S
    for address in holds.suppressed:
        yield "SADD", keys.suppressed, address
    for key, scores in ((keys.due, holds.due), (keys.disputed, holds.disputed)):
        for member, at in scores.items():
            yield "ZADD", key, at, member
    bouncing = sum(state.get("state") == State.BOUNCING for state in holds.states.values())
    yield "HSET", keys.bouncing, (unix(now) + KEPT_S) // DAY_S, bouncing


def _stream(key: str, events: Sequence[Mapping[str, str]], content: bytes | None = None) -> Iterator[Command]:
    """Yield what adds events to a stream, each with the position that it would have had in its time."""
    last, again = 0, 0
    for event in events:
        at = max(last, unix(moment(event["at"])) * 1000)
        again = again + 1 if at == last else 0
        last = at
        kept: tuple[Argument, ...] = () if content is None else ("content", content)
        yield "XADD", key, f"{at}-{again}", *chain.from_iterable(event.items()), *kept


def _not_understood(holds: Holds) -> list[Mapping[str, str]]:
    """Return the events of the messages that are kept, in their order."""
    return [event for event in holds.events if event["type"] == "report" and event.get("rule") == "none"]


def _counters(keys: Keyspace, holds: Holds) -> Iterator[Command]:
    days: dict[str, Counter[str]] = {}
    for hour, counts in holds.counts.items():
        yield "HSET", keys.counts(hour), *_flat(counts)
        yield "EXPIRE", keys.counts(hour), KEPT_DAYS * DAY_S
        day = days.setdefault(hour[:8], Counter())
        day.update({name: counts[name] for name in by_day(tuple(counts))})
    for name, counts in days.items():
        if counts:
            yield "HSET", keys.day_counts(name), *_flat(counts)
            yield "EXPIRE", keys.day_counts(name), KEPT_S


def _flat(counts: Mapping[str, int]) -> Iterator[Argument]:
    for name, count in counts.items():
        yield name
        yield count
