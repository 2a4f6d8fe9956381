"""The few counters of a day: written by the commit that writes those of the hour."""

from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from bounced.core.contract.hourly_counters import DAYS_KEPT
from bounced.core.contract.times import DAY_S, day
from bounced.edges.redis import RedisStore
from bounced.edges.redis.wire import fields
from bounced.ports import WrongType

from .conftest import Bench
from .reports import ALICE, AT, BOUNCE, hold, report, suppress


@pytest.fixture(params=["redis", "cluster"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Return a store on a lone server, with the daemon's own rights, and on a Cluster."""
    found: Bench = request.getfixturevalue(f"{request.param}_bench")
    return found


async def counted(bench: Bench, back: int = 0) -> dict[str, int]:
    """Return the counters of a day."""
    key = bench.keys.day_counts(day(AT - timedelta(days=back)))
    assert isinstance(bench.store, RedisStore)
    found = fields(await bench.store.read("main", "HGETALL", key))
    return {name: int(count) for name, count in found.items()}


async def test_categories_and_changes_are_counted_by_the_day(bench: Bench) -> None:
    """Neither domains nor campaigns: they are as many as others choose."""
    await bench.store.commit(report(1, "a"), ALICE, suppress())
    later = replace(BOUNCE, at=AT + timedelta(hours=3), trusted=False)
    await bench.store.commit(report(2, "b"), "bob@example.org", hold(evidence=later))
    await bench.store.commit(report(3, "c"), "carol@example.org", hold(evidence=replace(BOUNCE, count=5)))
    assert await counted(bench) == {
        "category:mailbox_unknown": 7,
        "transition:active:suppressed": 1,
        "transition:active:held": 6,
    }
    assert await counted(bench, back=1) == {}


async def test_a_report_is_counted_by_the_day_once(bench: Bench) -> None:
    """A duplicate counts nothing."""
    for _ in range(2):
        await bench.store.commit(report(1, "a"), ALICE, suppress())
    assert await counted(bench) == {"category:mailbox_unknown": 1, "transition:active:suppressed": 1}


async def test_a_day_is_kept_for_as_long_as_the_pages_say(bench: Bench) -> None:
    """The time begins anew with each counter that is new in it."""
    await bench.store.commit(report(1, "a"), ALICE, suppress())
    assert isinstance(bench.store, RedisStore)
    kept_s = await bench.store.read("main", "TTL", bench.keys.day_counts(day(AT)))
    assert isinstance(kept_s, int)
    assert DAYS_KEPT * DAY_S - 60 < kept_s <= DAYS_KEPT * DAY_S


async def test_a_day_that_holds_another_type_forbids_the_commit(redis_bench: Bench, redis_url: str) -> None:
    """Nothing is written, and the key is named."""
    key = redis_bench.keys.day_counts(day(AT))
    async with Redis.from_url(redis_url) as server:
        await server.set(key, "somebody else's")
    with pytest.raises(WrongType, match="day-counts:"):
        await redis_bench.store.commit(report(1, "a"), ALICE, suppress())
    assert await redis_bench.inside.suppressed() == set()


async def test_what_is_no_count_is_counted_on_from_nothing(redis_bench: Bench, redis_url: str) -> None:
    """What somebody else wrote stops no commit."""
    key = redis_bench.keys.day_counts(day(AT))
    async with Redis.from_url(redis_url) as server:
        await server.hset(key, "category:mailbox_unknown", "rubbish")
    await redis_bench.store.commit(report(1, "a"), ALICE, suppress())
    assert (await counted(redis_bench))["category:mailbox_unknown"] == 1
