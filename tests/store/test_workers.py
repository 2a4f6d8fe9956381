"""Several workers, each with a store of its own, on one server: hosts share Redis and nothing else."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections

from .reports import ALICE, count, report


@pytest.fixture
async def workers(redis_url: str, keys: Keyspace) -> AsyncIterator[list[RedisStore]]:
    """Return four stores that know nothing of each other."""
    stores = [RedisStore(connections(redis_url), {"main": keys}, durability("fsync", pytest.fail)) for _ in range(4)]
    for store in stores:
        await store.start()
    yield stores
    for store in stores:
        await store.close()


async def test_on_one_address_they_lose_no_count(workers: list[RedisStore]):
    """Whoever decided on a state that is no longer the present one decides again."""
    commits = (workers[n % 4].commit(report(path=str(n)), ALICE, count()) for n in range(24))
    results = await asyncio.gather(*commits)
    versions = [committed.transition.before.version for committed in results if committed.transition]
    assert sorted(versions) == list(range(24))
    assert (await workers[0].load("main", ALICE)).version == 24


async def test_of_one_report_that_all_receive_one_counts(workers: list[RedisStore]):
    """A peer that gave up waiting and came again through another host."""
    results = await asyncio.gather(*(worker.commit(report(), ALICE, count()) for worker in workers))
    assert sorted(committed.duplicate for committed in results) == [False, True, True, True]
    assert (await workers[0].load("main", ALICE)).version == 1
