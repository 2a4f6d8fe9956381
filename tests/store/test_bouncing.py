"""How many addresses are bouncing is known without looking at each: nothing lists them, and Redis forgets them."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bounced.core.contract.imported import Import
from bounced.core.contract.keys import Keyspace
from bounced.core.exchange import Row, merge
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, State
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.bulk import merge_all
from bounced.edges.redis.connect import connections
from bounced.edges.redis.erasing import erase
from bounced.edges.redis.overview import Overview

from .reports import ALICE, count, hold, release, report, suppress

BOB = "bob@example.org"
KEPT = timedelta(days=400)


@pytest.fixture(params=["redis", "cluster"])
def store(request: pytest.FixtureRequest) -> RedisStore:
    """Return a store on a lone server, with the daemon's own rights, and on a Cluster."""
    found: RedisStore = request.getfixturevalue(f"{request.param}_bench").store
    return found


async def bouncing(store: RedisStore, keys: Keyspace, at: datetime | None = None) -> int:
    """Return how many are bouncing, now or at another time."""
    sizes = await Overview(store, "main", keys).sizes(at or datetime.now(UTC))
    return sizes.bouncing


async def test_who_bounces_is_counted_once(store: RedisStore, keys: Keyspace) -> None:
    """However often."""
    for number, address in enumerate((ALICE, ALICE, BOB)):
        await store.commit(report(number, f"path{number}"), address, count())
    assert await bouncing(store, keys) == 2


@pytest.mark.parametrize("then", [hold(), suppress(), release], ids=["held", "suppressed", "released"])
async def test_who_is_not_bouncing_any_more_is_not_counted(store: RedisStore, keys: Keyspace, then) -> None:
    """Whatever became of it; and who comes back is."""
    await store.commit(report(1), ALICE, count())
    await store.commit(report(2), ALICE, then)
    assert await bouncing(store, keys) == 0
    await store.commit(report(3), ALICE, count())
    assert await bouncing(store, keys) == 1


async def test_who_is_forgotten_is_not_counted(store: RedisStore, keys: Keyspace) -> None:
    """Nobody says so when a state expires: the day was known before."""
    await store.commit(report(), ALICE, count())
    expires_at = await store.read("main", "EXPIRETIME", keys.address(ALICE))
    assert isinstance(expires_at, int)
    forgotten = datetime.fromtimestamp(expires_at, UTC)
    assert KEPT - timedelta(minutes=5) < forgotten - datetime.now(UTC) <= KEPT
    assert await bouncing(store, keys, forgotten) == 1
    assert await bouncing(store, keys, forgotten + timedelta(days=1)) == 0


async def test_an_import_that_suppresses_takes_out_of_the_count(store: RedisStore, keys: Keyspace) -> None:
    """Many states at once keep what a single commit keeps."""
    await store.commit(report(), ALICE, count())
    said = AddressState(State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, datetime.now(UTC))
    items = [(ALICE, partial(merge, row=Row(1, ALICE, said)))]
    assert await merge_all(store, keys, items, Import(datetime.now(UTC), "lena")) == 1
    assert await bouncing(store, keys) == 0


async def test_who_is_erased_is_not_counted(redis_url: str, keys: Keyspace) -> None:
    """And others are."""
    store = RedisStore(connections(redis_url), {"main": keys}, durability("memory", pytest.fail))
    await store.start()
    for number, address in enumerate((ALICE, BOB)):
        await store.commit(report(number, f"path{number}"), address, count())
    await erase(store, "main", ALICE, lambda _: None)
    left = await bouncing(store, keys)
    await store.close()
    assert left == 1
