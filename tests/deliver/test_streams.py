"""What a webhook is given of the streams of a list, on a real server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.core.contract.hooks import Mark, Source
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.erasing import erase
from bounced.edges.redis.hook_streams import HookStreams, Taken

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Give a connection that may do everything."""
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield redis


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the keys of the list."""
    return Keyspace(key_prefix)


@pytest.fixture
async def streams(redis_url: str, keys: Keyspace) -> AsyncIterator[HookStreams]:
    """Give the streams of the webhook crm."""
    store = RedisStore(connections(redis_url), {"main": keys}, durability("memory", print))
    await store.start(to_write=False)
    yield HookStreams(store, "main", "crm", undelivered_max=100)
    await store.close()


async def write(redis: Redis, stream: str, *names: str, id_: str = "*") -> list[Any]:
    """Write an event about each name, and return the ids."""
    return [
        await redis.xadd(stream, {"type": "transition", "address": f"{name}@example.org"}, id=id_) for name in names
    ]


def told(taken: list[Taken]) -> list[str]:
    """Return whom events are about."""
    return [each.event.fields["address"].partition("@")[0] for each in taken]


async def test_a_new_webhook_begins_with_what_comes_from_now_on(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """What was there before its deliverer first ran is not sent, and is not called trimmed."""
    await write(redis, keys.events, "before")
    given = await streams.next(10, NOW)
    assert (list(given.events), given.trimmed) == ([], 0)
    await write(redis, keys.events, "a", "b")
    given = await streams.next(10, NOW)
    assert (told(list(given.events)), given.trimmed) == (["a", "b"], 0)
    assert (await streams.state()).begun


async def test_events_of_both_streams_come_in_the_order_in_which_they_were_written(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """Page by page: what one stream has beyond the end of the other's page waits."""
    await streams.next(10, NOW)
    for number in range(5):
        for name, stream in (("e", keys.events), ("b", keys.bulk)):
            for _ in range(3):
                at = 2_000_000_000_000 + number * 2 + (name == "b")
                await write(redis, stream, f"{name}{number}", id_=f"{at}-*")
    found = list[str]()
    while given := told(list((await streams.next(2, NOW)).events)):
        found += given
    assert found == [f"{name}{number}" for number in range(5) for name in "eb" for _ in range(3)]


async def test_what_was_given_and_not_settled_is_given_again(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """Whoever takes over from a killed deliverer begins with it."""
    await streams.next(10, NOW)
    await write(redis, keys.events, "a", "b", "c")
    await write(redis, keys.bulk, "d", id_="2000000000000-0")
    given = list((await streams.next(10, NOW)).events)
    assert [each.source for each in given] == [Source.EVENTS] * 3 + [Source.BULK]
    await streams.settle(given[1:2])
    assert told(list((await streams.pending(1, NOW)).events)) == ["a", "c", "d"]
    assert list((await streams.next(10, NOW)).events) == []
    await streams.settle(given)
    assert list((await streams.pending(10, NOW)).events) == []


async def test_what_was_trimmed_before_it_was_read_is_counted(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """Exactly, once, and whether anything is left or not."""
    await streams.next(10, NOW)
    await write(redis, keys.events, *"abcdefgh")
    await streams.next(2, NOW)
    await redis.xtrim(keys.events, maxlen=3, approximate=False)  # a and b were read; c, d and e are lost
    given = await streams.next(10, NOW)
    assert (told(list(given.events)), given.trimmed) == (["f", "g", "h"], 3)
    await write(redis, keys.events, *"ijkl")
    await redis.xtrim(keys.events, maxlen=0, approximate=False)
    assert (await streams.next(10, NOW)).trimmed == 4
    assert (await streams.next(10, NOW)).trimmed == 0
    state = await streams.state()
    assert (state.trimmed, state.trimmed_at) == (7, NOW)
    await write(redis, keys.events, "m")
    assert told(list((await streams.next(10, NOW)).events)) == ["m"]


async def test_trimming_what_was_read_loses_nothing(streams: HookStreams, redis: Redis, keys: Keyspace) -> None:
    """Neither does erasing what was read."""
    await streams.next(10, NOW)
    ids = await write(redis, keys.events, *"abcd")
    await streams.next(3, NOW)
    await redis.xdel(keys.events, ids[1])
    await redis.xtrim(keys.events, maxlen=1, approximate=False)
    assert (await streams.next(10, NOW)).trimmed == 0
    await redis.xtrim(keys.events, maxlen=0, approximate=False)
    await write(redis, keys.events, "e")
    given = await streams.next(10, NOW)
    assert (told(list(given.events)), given.trimmed) == (["e"], 0)


async def test_pending_entries_that_were_trimmed_are_told_and_settled(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """Those that were erased are settled too, and are no loss."""
    await streams.next(10, NOW)
    ids = await write(redis, keys.events, *"abcd")
    await streams.next(10, NOW)
    await redis.xdel(keys.events, ids[2])
    await redis.xtrim(keys.events, maxlen=2, approximate=False)
    given = await streams.pending(10, NOW)
    assert (told(list(given.events)), given.trimmed) == (["b", "d"], 1)
    assert ((await streams.pending(10, NOW)).trimmed, (await streams.state()).trimmed) == (0, 1)


async def test_what_is_set_aside_is_kept_with_the_reason_and_can_be_delivered_again(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """With its own id, so that a receiver knows it; what was delivered again is gone everywhere."""
    await streams.next(10, NOW)
    await write(redis, keys.bulk, "a")
    (taken,) = (await streams.next(10, NOW)).events
    await streams.fails(taken, NOW)
    assert await streams.failing() == {taken.name: NOW}
    for _ in range(2):  # the second finds it done
        await streams.set_aside(taken, "503 Service Unavailable", NOW, NOW)
    kept: Any = await redis.xrange(keys.undelivered("crm"))
    assert [entry[1]["error"] for entry in kept] == ["503 Service Unavailable"]
    assert ((await streams.state()).set_aside, await streams.failing()) == (1, {})
    assert await streams.resume() == 1
    (again,) = (await streams.next(10, NOW)).events
    assert (again.source, again.event) == (Source.AGAIN, taken.event)
    assert [each.event for each in (await streams.pending(10, NOW)).events] == [taken.event]
    await streams.settle([again])
    assert await redis.xlen(keys.hook_again("crm")) == await redis.xlen(keys.undelivered("crm")) == 0


async def test_who_is_killed_between_two_writes_leaves_nothing_behind_of_what_was_sent_again(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """An entry that stayed there would be behind for ever."""
    await streams.next(10, NOW)
    await write(redis, keys.events, "alice", "bob")
    for taken in (await streams.next(10, NOW)).events:
        await streams.set_aside(taken, "422", NOW, NOW)
    await streams.resume()
    alice, bob = (await streams.next(10, NOW)).events
    await redis.xdel(keys.hook_again("crm"), alice.entry)  # the first half of settling it
    await streams.set_aside(bob, "422", NOW, NOW)
    given = await streams.pending(10, NOW)
    assert (given.events, given.trimmed) == ([], 0)
    (group,) = await redis.xinfo_groups(keys.hook_again("crm"))
    assert (group["pending"], await redis.xlen(keys.hook_again("crm"))) == (0, 0)


async def test_a_webhook_whose_group_is_gone_goes_on_where_it_had_come_to(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """Somebody destroyed the group: nothing that was not read is passed over."""
    await streams.next(10, NOW)
    await write(redis, keys.events, "a")
    await streams.next(10, NOW)
    await write(redis, keys.events, "b")
    await redis.xgroup_destroy(keys.events, "hook:crm")
    assert told(list((await streams.next(10, NOW)).events)) == ["b"]


async def test_only_one_deliverer_holds_the_lease(streams: HookStreams) -> None:
    """Until it leaves; whoever lost it cannot take it away from another one."""
    assert await streams.take_lease("one", 60)
    assert not await streams.take_lease("other", 60)
    assert await streams.renew_lease("one", 60)
    assert not await streams.renew_lease("other", 60)
    await streams.leave("other")
    assert await streams.holder() == "one"
    await streams.leave("one")
    assert await streams.holder() == ""
    assert await streams.take_lease("other", 60)


async def test_how_it_stands_is_written_and_taken_away(streams: HookStreams) -> None:
    """A webhook that was stopped is resumed by taking the reason away."""
    await streams.note({Mark.LAST_FAILURE: "503", Mark.LAST_SUCCESS_AT: ""}, delivered=3)
    await streams.stop("410 Gone", NOW)
    state = await streams.state()
    assert (state.delivered, state.last_failure, state.stopped, state.stopped_at) == (3, "503", "410 Gone", NOW)
    await streams.resume()
    assert (await streams.state()).stopped == ""


async def test_an_erased_address_is_gone_from_what_waits_to_be_delivered_again(
    streams: HookStreams, redis: Redis, keys: Keyspace
) -> None:
    """Also of a webhook that no configuration names any more."""
    await streams.next(10, NOW)
    await write(redis, keys.events, "alice", "bob")
    for taken in (await streams.next(10, NOW)).events:
        await streams.set_aside(taken, "422", NOW, NOW)
    await write(redis, keys.hook_again("old"), "alice", "bob")
    erased = await erase(streams._store, "main", "alice@example.org", lambda _count: None)
    assert erased.entries == 3
    for stream in (keys.undelivered("crm"), keys.hook_again("old")):
        kept: Any = await redis.xrange(stream)
        assert [entry[1]["address"] for entry in kept] == ["bob@example.org"]
