"""Many states at once, on a real server and a Cluster: all that a single commit keeps true is kept true."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bounced.core.contract.imported import Import
from bounced.core.contract.times import stamp
from bounced.core.contract.writes import EVENT_FIELDS
from bounced.core.exchange import Row, merge
from bounced.core.state import AddressState
from bounced.core.terms import CLASS_OF, Category, Class, State
from bounced.edges.redis import RedisStore
from bounced.edges.redis.bulk import BATCH, LOOKED_AT_ONCE, PAGE, merge_all, suppressed_states, would_change
from bounced.edges.redis.script import MostEvents
from bounced.edges.redis.wire import fields

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY = Import(NOW, "lena")


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
    assert await merge_all(redis_store, keys, items, BY) == 2
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
    assert await merge_all(redis_store, keys, items, BY) == 20
    before = await everything(redis_store, keys)
    assert await would_change(redis_store, keys, items) == 0
    assert await merge_all(redis_store, keys, items, BY) == 0
    assert await everything(redis_store, keys) == before


async def test_the_stronger_reason_that_stands_is_kept(redis_store, keys):
    """Beside what is new."""
    await merge_all(redis_store, keys, [suppressed("a@example.org", Category.COMPLAINT)], BY)
    assert await merge_all(redis_store, keys, [suppressed("a@example.org"), suppressed("b@example.org")], BY) == 1
    assert (await redis_store.load("main", "a@example.org")).category is Category.COMPLAINT


async def told(store, keys):
    """Return the events of `bulk`."""
    return [fields(entry[1]) for entry in await store.read("main", "XRANGE", keys.bulk, "-", "+")]


async def test_each_change_is_told_in_bulk(redis_store, keys):
    """Once for each address that changed, with both states and who imports; nothing for what stays as it is."""
    await merge_all(redis_store, keys, [suppressed("a@example.org")], BY)
    items = [suppressed("a@example.org"), suppressed("b@example.org", Category.COMPLAINT)]
    await merge_all(redis_store, keys, items, BY)
    await merge_all(redis_store, keys, [suppressed("a@example.org", Category.UNSUBSCRIBED)], BY)
    events = await told(redis_store, keys)
    assert len({event.pop("id") for event in events}) == 3
    always = {"type": "transition", "at": "2026-11-21T12:00:00Z", "after": "suppressed", "reason": "imported"}
    always |= {"origin": "operator", "actor": "lena"}
    assert events == [
        {**always, "address": "a@example.org", "category": "mailbox_unknown", "class": "hard", "before": "active"},
        {**always, "address": "b@example.org", "category": "complaint", "class": "complaint", "before": "active"},
        {**always, "address": "a@example.org", "category": "unsubscribed", "class": "none", "before": "suppressed"},
    ]
    assert await redis_store.read("main", "XLEN", keys.events) == 0


async def test_each_event_of_a_batch_has_the_fields_of_its_own_state(redis_store, keys):
    """None has those of its neighbours, and all have them in the order in which every event has them."""
    until = NOW + timedelta(days=30)
    said = AddressState(State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, NOW, status="5.1.1", diagnostic="no")
    items = [
        suppressed("a@example.org", Category.MAILBOX_FULL, State.HELD, until),
        ("b@example.org", partial(merge, row=Row(1, "b@example.org", said))),
        suppressed("c@example.org", Category.OPERATOR),
        suppressed("d@example.org", Category.MAILBOX_FULL, State.HELD, until),
    ]
    assert await merge_all(redis_store, keys, items, BY) == 4
    own = ("status", "diagnostic", "until", "after")
    events = await told(redis_store, keys)
    held = {"until": stamp(until), "after": "held"}
    assert {event["address"]: {name: event[name] for name in own if name in event} for event in events} == {
        "a@example.org": held,
        "b@example.org": {"status": "5.1.1", "diagnostic": "no", "after": "suppressed"},
        "c@example.org": {"after": "suppressed"},
        "d@example.org": held,
    }
    for event in events:
        assert list(event) == ["type", *(name for name in EVENT_FIELDS if name in event)]


async def test_of_what_imports_tell_so_much_is_kept(redis_store, keys):
    """About as many as `keep.bulk_max` says."""
    redis_store.most = MostEvents(bulk=100)
    for start in range(0, 500, BATCH):
        items = [suppressed(f"user{n}@example.org") for n in range(start, start + BATCH)]
        await merge_all(redis_store, keys, items, BY)
    assert 100 <= len(await told(redis_store, keys)) < 250


@dataclass
class Overtaken:
    """A store in which, after the first look at the states, another worker writes one of them."""

    store: RedisStore
    others: list[Awaitable[int]]

    @property
    def most(self):
        """Keep as many events as the store does."""
        return self.store.most

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
    complaint = merge_all(redis_store, keys, [suppressed("b@example.org", Category.COMPLAINT)], BY)
    items = [suppressed(f"{name}@example.org") for name in "abc"]
    assert await merge_all(Overtaken(redis_store, [complaint]), keys, items, BY) == 2
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
    await merge_all(redis_store, keys, [held], BY)
    await merge_all(redis_store, keys, [suppressed("a@example.org", Category.COMPLAINT)], BY)
    assert await redis_store.due("main", until, 10) == []
    assert (await redis_store.load("main", "a@example.org")).version == 2


@pytest.mark.parametrize("count", [0, 1, BATCH, 3 * BATCH + 1, LOOKED_AT_ONCE + 1])
async def test_all_of_a_long_list_is_found(redis_store, keys, count):
    """However many round trips it takes."""
    addresses = [f"user{n}@example.org" for n in range(count)]
    for start in range(0, count, BATCH):
        await merge_all(redis_store, keys, [suppressed(each) for each in addresses[start : start + BATCH]], BY)
    assert (await everything(redis_store, keys)).keys() == set(addresses)


async def test_whoever_stops_reading_a_list_leaves_nothing_under_way(redis_store, keys):
    """The next pages are asked for ahead."""
    for start in range(0, 2 * LOOKED_AT_ONCE, PAGE):
        await merge_all(redis_store, keys, [suppressed(f"user{start + n}@example.org") for n in range(PAGE)], BY)
    before = asyncio.all_tasks()
    pages = suppressed_states(redis_store, keys)
    assert await anext(pages)
    await pages.aclose()
    assert asyncio.all_tasks() <= before
