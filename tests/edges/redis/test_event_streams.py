"""The events of both streams come in their order, each once, in pages of any size."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.core.contract.event_types import Wanted
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.event_streams import (
    BEGINNING,
    END,
    EventStreams,
    Passed,
    Position,
    StreamEvent,
    before,
    behind,
    came_at,
    position_at,
)
from bounced.edges.redis.wire import Reply

ADD = """
for number = 1, tonumber(ARGV[2]) do redis.call('XADD', KEYS[1], ARGV[1] + number .. '-1', 'type', 'transition') end
"""


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the keys of a list of this test's own."""
    return Keyspace(key_prefix)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Return redis-py's client."""
    async with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
async def streams(redis_url: str, keys: Keyspace) -> AsyncIterator[EventStreams]:
    """Return the events of that list."""
    store = RedisStore(connections(redis_url), {"main": keys}, durability("memory", pytest.fail))
    await store.start()
    yield EventStreams(store, keys)
    await store.close()


async def everything(streams: EventStreams) -> list[StreamEvent]:
    """Return all events as they come."""
    return [event async for page in streams.between(BEGINNING, END) for event in page]


async def fill(redis: Redis, keys: Keyspace) -> None:
    """Let a mass change happen amid other events: in one stream there is more than a page, in the other little."""
    await redis.eval(ADD, 1, keys.events, 0, 10)
    await redis.eval(ADD, 1, keys.bulk, 8, 2_500)
    await redis.eval(ADD, 1, keys.events, 1_500, 3)
    await redis.eval(ADD, 1, keys.events, 2_507, 5)


async def test_events_come_in_the_order_of_their_time(redis: Redis, keys: Keyspace, streams: EventStreams) -> None:
    """At the same moment the main stream's is the first; none is missing and none comes twice."""
    await fill(redis, keys)
    events = await everything(streams)
    assert [event.place for event in events] == sorted({event.place for event in events})
    assert sum(event.bulk for event in events) == 2_500
    assert len(events) == 2_518


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 1_000, 1_009, 2_400, 2_517, 2_518, 9_999])
async def test_the_newest_events_are_those_of_both_streams(
    redis: Redis, keys: Keyspace, streams: EventStreams, limit: int
) -> None:
    """Exactly as many as are asked for, where there are so many."""
    await fill(redis, keys)
    end = await streams.end()
    begin = await streams.begin_of(limit, end)
    newest = [event async for page in streams.between(begin, end) for event in page]
    assert newest == (await everything(streams))[-limit:]


async def test_whoever_follows_sees_each_event_once_in_its_order(
    redis: Redis, keys: Keyspace, streams: EventStreams
) -> None:
    """Also where a stream begins to be while it is followed."""
    end = await streams.end()
    position, seen = behind(end), []
    for number in range(6):
        await redis.xadd(keys.bulk if number % 2 else keys.events, {"type": f"{number}"})
        found, position = await streams.after(position)
        seen += [event.fields["type"] for event in found]
    assert seen == ["0", "1", "2", "3", "4", "5"]
    assert (await streams.after(position))[0] == []


async def test_of_an_empty_list_nothing_is_told(streams: EventStreams) -> None:
    """And it is no error."""
    end = await streams.end()
    begin = await streams.begin_of(20, end)
    assert [page async for page in streams.between(begin, end)] == []


@pytest.mark.parametrize("bulk", [False, True])
async def test_a_place_behind_which_entries_were_trimmed_is_known(
    redis: Redis, keys: Keyspace, streams: EventStreams, *, bulk: bool
) -> None:
    """In either stream; while the entry there or an older one is kept, nothing behind it is gone."""
    key = keys.bulk if bulk else keys.events
    nowhere = behind(await streams.end())
    await redis.eval(ADD, 1, key, 0, 10)
    place = behind(Position("5-1", "5-1"))
    assert not await streams.trimmed(nowhere)
    assert not await streams.trimmed(place)
    await redis.xtrim(key, maxlen=6, approximate=False)
    assert await streams.trimmed(nowhere)
    assert not await streams.trimmed(place)
    await redis.xtrim(key, maxlen=4, approximate=False)
    assert await streams.trimmed(place)
    assert not await streams.trimmed(behind(await streams.end()))


async def test_an_erased_entry_is_no_trimmed_one(redis: Redis, keys: Keyspace, streams: EventStreams) -> None:
    """Where older ones are kept, or where none came after it."""
    await redis.eval(ADD, 1, keys.events, 0, 10)
    place = behind(Position("5-1", "0-0"))
    await redis.xdel(keys.events, "5-1", "6-1")
    assert not await streams.trimmed(place)
    end = behind(await streams.end())
    await redis.xdel(keys.events, *(f"{number}-1" for number in range(1, 11)))
    assert not await streams.trimmed(end)
    assert not await streams.trimmed(behind(Position("0-0", "0-0")))


class Ends:
    """The store of a look that is ended with its n-th question, as by a time that is over."""

    def __init__(self, store: RedisStore, questions: int) -> None:
        self.left = questions
        self._store = store

    async def read(self, *command: Any) -> Reply:
        """Ask, or end."""
        if not self.left:
            raise TimeoutError
        self.left -= 1
        return await self._store.read(*command)


async def look_back(
    streams: EventStreams, keys: Keyspace, end: Position, questions: int, most: int
) -> tuple[list[StreamEvent], Passed, bool]:
    """Look back until the questions are used up or so many are found; return these, how far it came, if it is over."""
    looked, passed = list[StreamEvent](), Passed()
    ended: Any = Ends(streams._store, questions)
    wanted = Wanted(("transition",))
    with suppress(TimeoutError):
        async for event in EventStreams(ended, keys).search(
            BEGINNING, end, wanted, looked=lambda _count, _reached: None, backwards=True, passed=passed
        ):
            looked.append(event)
            if len(looked) == most:
                return looked, passed, False
        return looked, passed, True
    return looked, passed, False


@pytest.mark.parametrize(("questions", "most"), [(2, 9_999), (3, 9_999), (5, 9_999), (9, 400), (9, 1_000)])
async def test_a_look_that_is_ended_anywhere_goes_on_without_a_gap(
    redis: Redis, keys: Keyspace, streams: EventStreams, questions: int, most: int
) -> None:
    """Whichever stream it has looked through further; and it claims no time that it has not looked through."""
    await fill(redis, keys)
    await redis.eval(ADD.replace("transition", "report"), 1, keys.events, 3_000, 2_200)
    every = [event for event in await everything(streams) if event.fields["type"] == "transition"]
    seen, end, is_over = list[StreamEvent](), END, False
    while not is_over:
        found, passed, is_over = await look_back(streams, keys, end, questions, most)
        seen += found
        end = passed.end
        if passed.back_to:
            newer = [event for event in every if came_at(event.id) > passed.back_to]
            assert seen[: len(newer)] == newer[::-1]
    assert seen == every[::-1]


async def test_what_came_before_a_moment_did_not_come_at_it(
    redis: Redis, keys: Keyspace, streams: EventStreams
) -> None:
    """What came in the very millisecond belongs to the span that begins there."""
    await redis.eval(ADD, 1, keys.events, 0, 5)
    at = came_at("3-0")
    earlier = [event.id async for page in streams.between(BEGINNING, before(at)) for event in page]
    later = [event.id async for page in streams.between(position_at(at), END) for event in page]
    assert (earlier, later) == (["1-1", "2-1"], ["3-1", "4-1", "5-1"])
    assert [page async for page in streams.between(BEGINNING, before(came_at("0-0")))] == []
