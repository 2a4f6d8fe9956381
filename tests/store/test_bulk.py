"""Many states at once, on a real server and a Cluster: all that a single commit keeps true is kept true."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bounced.core.exchange import Row, merge
from bounced.core.state import AddressState
from bounced.core.terms import CLASS_OF, Category, State
from bounced.edges.redis import RedisStore
from bounced.edges.redis.bulk import BATCH, merge_all, suppressed_states, would_change

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(params=["redis", "cluster"])
def redis_store(request):
    """Return a store on a lone server, with the daemon's own rights, and on a Cluster."""
    return request.getfixturevalue(f"{request.param}_bench").store


def suppressed(address, category=Category.MAILBOX_UNKNOWN, state=State.SUPPRESSED, until=None):
    """Return what an import does with one address."""
    return address, partial(merge, row=Row(1, address, AddressState(state, category, CLASS_OF[category], NOW, until)))


async def everything(store, keys):
    """Return all that is off the list."""
    return {address: fields async for page in suppressed_states(store, keys) for address, fields in page}


async def test_new_addresses_are_written_with_everything(redis_store, keys):
    """Set, state, and the time until when one is held."""
    until = NOW + timedelta(days=30)
    items = [
        suppressed("a@example.org"),
        suppressed("b@example.org", Category.MAILBOX_FULL, state=State.HELD, until=until),
    ]
    assert await merge_all(redis_store, keys, items) == 2
    assert (await redis_store.load("main", "a@example.org")).state is State.SUPPRESSED
    assert (await redis_store.load("main", "b@example.org")).until == until
    assert await redis_store.due("main", until, 10) == ["b@example.org"]
    found = await everything(redis_store, keys)
    assert found["a@example.org"]["since"] == "2026-11-21T12:00:00Z"
    assert found.keys() == {"a@example.org", "b@example.org"}


async def test_doing_it_again_changes_nothing(redis_store, keys):
    """Not even the version."""
    items = [suppressed(f"user{n}@example.org") for n in range(20)]
    assert await would_change(redis_store, keys, items) == 20
    assert await merge_all(redis_store, keys, items) == 20
    before = await everything(redis_store, keys)
    assert await would_change(redis_store, keys, items) == 0
    assert await merge_all(redis_store, keys, items) == 0
    assert await everything(redis_store, keys) == before


async def test_the_stronger_reason_that_stands_is_kept(redis_store, keys):
    """Beside what is new."""
    await merge_all(redis_store, keys, [suppressed("a@example.org", Category.COMPLAINT)])
    assert await merge_all(redis_store, keys, [suppressed("a@example.org"), suppressed("b@example.org")]) == 1
    assert (await redis_store.load("main", "a@example.org")).category is Category.COMPLAINT


@dataclass
class Overtaken:
    """A store in which, after the first look at the states, another worker writes one of them."""

    store: RedisStore
    others: list[Awaitable[int]]

    async def read(self, *command):
        """Read, and be overtaken."""
        reply = await self.store.read(*command)
        while self.others:
            await self.others.pop()
        return reply

    async def write(self, *command):
        """Write."""
        return await self.store.write(*command)


async def test_a_state_that_changed_meanwhile_is_decided_upon_again(redis_store, keys):
    """What another worker wrote between the look and the writing is not overwritten; the others are written."""
    complaint = merge_all(redis_store, keys, [suppressed("b@example.org", Category.COMPLAINT)])
    items = [suppressed(f"{name}@example.org") for name in "abc"]
    assert await merge_all(Overtaken(redis_store, [complaint]), keys, items) == 2
    states = [(await redis_store.load("main", address)) for address, _ in items]
    assert [(state.category, state.version) for state in states] == [
        (Category.MAILBOX_UNKNOWN, 1),
        (Category.COMPLAINT, 1),
        (Category.MAILBOX_UNKNOWN, 1),
    ]


async def test_a_stronger_reason_takes_a_held_address_off_the_clock(redis_store, keys):
    """A complaint is not released when the hold would have been over."""
    until = NOW + timedelta(days=30)
    held = suppressed("a@example.org", Category.MAILBOX_FULL, state=State.HELD, until=until)
    await merge_all(redis_store, keys, [held])
    await merge_all(redis_store, keys, [suppressed("a@example.org", Category.COMPLAINT)])
    assert await redis_store.due("main", until, 10) == []
    assert (await redis_store.load("main", "a@example.org")).version == 2


@pytest.mark.parametrize("count", [0, 1, BATCH, 3 * BATCH + 1])
async def test_all_of_a_long_list_is_found(redis_store, keys, count):
    """However many round trips it takes."""
    addresses = [f"user{n}@example.org" for n in range(count)]
    for start in range(0, count, BATCH):
        await merge_all(redis_store, keys, [suppressed(each) for each in addresses[start : start + BATCH]])
    assert (await everything(redis_store, keys)).keys() == set(addresses)
