"""A key of ours that somebody else gave another type: nothing is half written, and what is wrong is named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bounced.core.contract.imported import Import
from bounced.core.contract.keys import Keyspace
from bounced.core.state import AddressState, Transition, Unattributed
from bounced.core.terms import Engagement, OptIn, Profile
from bounced.edges.redis import RedisStore
from bounced.edges.redis.bulk import merge_all
from bounced.edges.redis.erasing import erase
from bounced.edges.smtp.observer import deferral
from bounced.edges.watch.door_log import DoorLog
from bounced.edges.watch.metrics.meter import Meter
from bounced.ports import Decide, StoreUnavailable, WrongType, WrongTypeOfAddress

from .conftest import Bench
from .reports import ALICE, BOUNCE, HOUR, SPAM_BLOCK, count, hold, report

BY = Import(BOUNCE.at, "lena")
UNBELIEVED = replace(BOUNCE, profile=Profile(OptIn.CONFIRMED, Engagement.ACTIVE))
BLOCK = replace(BOUNCE, verdict=SPAM_BLOCK, content=b"a message to keep")


def recorded(before: AddressState) -> Transition:
    """Record a block, and keep its message."""
    return Transition(BLOCK, before, before, "block_never_counts")


def complained(before: AddressState) -> Transition:
    """Record a complaint that names nobody."""
    return Transition(replace(BOUNCE, unattributed=Unattributed({"provider": "yahoo"}, known=True)), before, before, "")


def real(bench: Bench) -> RedisStore:
    """Return the store of a bench that has a server."""
    assert isinstance(bench.store, RedisStore)
    return bench.store


CASES: dict[str, tuple[Callable[[Keyspace], str], Decide]] = {
    "seen": (lambda keys: keys.seen("path"), hold()),
    "events": (lambda keys: keys.events, hold()),
    "counts": (lambda keys: keys.counts(HOUR), hold()),
    "blocks": (lambda keys: keys.blocks, recorded),
    "unrecognised": (lambda keys: keys.unrecognised, recorded),
    "complaints": (lambda keys: keys.complaints, complained),
    "address": (lambda keys: keys.address(ALICE), hold()),
    "history": (lambda keys: keys.history(ALICE), hold()),
    "suppressed": (lambda keys: keys.suppressed, hold()),
    "due": (lambda keys: keys.due, hold()),
    "disputed": (lambda keys: keys.disputed, hold()),
    "bouncing": (lambda keys: keys.bouncing, count()),
    "unknowns": (lambda keys: keys.unknowns("example.org"), hold(evidence=UNBELIEVED)),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_commit_that_meets_one_writes_nothing_at_all(redis_bench: Bench, redis_url: str, name: str):
    """It says which key is wrong, and of which kind; afterwards the resend is the first."""
    bench, (key_of, decide) = redis_bench, CASES[name]
    async with Redis.from_url(redis_url) as redis:
        key = key_of(bench.keys)
        await redis.set(key, "by mistake")
        with pytest.raises(WrongType, match="holds a value of another type") as wrong:
            await bench.store.commit(report(), ALICE, decide)
        assert key in str(wrong.value)
        assert isinstance(wrong.value, WrongTypeOfAddress) == (name in ("address", "history"))
        assert [found async for found in redis.scan_iter(f"{bench.keys.prefix}:*")] == [key.encode()]
        await redis.delete(key)
    assert not (await bench.store.commit(report(), ALICE, decide)).duplicate


async def test_one_costs_the_other_commits_nothing(redis_bench: Bench, redis_url: str):
    """The connection stays: the server has refused nothing, it has answered."""
    bench = redis_bench
    async with Redis.from_url(redis_url) as redis:
        await redis.set(bench.keys.address(ALICE), "by mistake")
    line = real(bench)._commits.to(bench.keys.events)
    task = line._task
    for number in range(5):
        with pytest.raises(WrongTypeOfAddress):
            await bench.store.commit(report(number), ALICE, count())
    assert not (await bench.store.commit(report(), "bob@example.org", count())).duplicate
    assert (line._failures, line._task) == (0, task)


async def test_reading_one_names_it(redis_bench: Bench, redis_url: str):
    """An operator who looks up the address hears what is wrong, not that Redis is away."""
    bench = redis_bench
    async with Redis.from_url(redis_url) as redis:
        await redis.set(bench.keys.address(ALICE), "by mistake")
        await redis.set(bench.keys.history(ALICE), "by mistake")
    for ask in (bench.store.load, bench.store.history):
        with pytest.raises(WrongTypeOfAddress, match=ALICE):
            await ask("main", ALICE)


@pytest.mark.parametrize(
    "command", [("HGETALL", "other"), ("XRANGE", "list", "nonsense", "+")], ids=["key", "argument"]
)
async def test_whoever_reads_one_again_and_again_keeps_nobody_from_reading(
    redis_bench: Bench, redis_url: str, command: tuple[str, ...]
):
    """An error reply is the answer to its own command: the server is there, and so is the connection."""
    store, keys = real(redis_bench), redis_bench.keys
    async with Redis.from_url(redis_url) as redis:
        await redis.set(keys.due, "by mistake")
    name, _, *arguments = command
    key = keys.due if command[1] == "other" else keys.events
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            await store.read("main", name, key, *arguments)
    assert (await store.load("main", ALICE)).state is AddressState().state
    assert store._reads.to(keys.events)._failures == 0


async def test_a_script_that_reads_one_blames_no_key(redis_bench: Bench, redis_url: str):
    """It reads several; the server's own words are all that is known."""
    keys = redis_bench.keys
    async with Redis.from_url(redis_url) as redis:
        await redis.set(keys.events, "by mistake")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE") as refused:
        await real(redis_bench).read("main", "EVAL", "return redis.call('XLEN', KEYS[1])", 1, keys.events)
    assert not isinstance(refused.value, WrongType)


@pytest.mark.parametrize("name", ["suppressed", "due", "bouncing", "bulk"])
async def test_an_import_that_meets_one_writes_no_state(redis_bench: Bench, redis_url: str, name: str):
    """A state that says suppressed, with an address that is not in the set, would be mailed for ever."""
    bench, store = redis_bench, real(redis_bench)
    after = hold()(AddressState()).after
    async with Redis.from_url(redis_url) as redis:
        await redis.set(getattr(bench.keys, name), "by mistake")
        with pytest.raises(StoreUnavailable):
            await merge_all(store, bench.keys, [(ALICE, lambda _: after)], BY)
        assert not await redis.exists(bench.keys.address(ALICE))


async def test_an_import_names_an_address_that_is_one(redis_bench: Bench, redis_url: str):
    """Nothing of its batch is written."""
    bench, store = redis_bench, real(redis_bench)
    after = hold()(AddressState()).after
    items: Any = [("bob@example.org", lambda _: after), (ALICE, lambda _: after)]
    async with Redis.from_url(redis_url) as redis:
        await redis.set(bench.keys.address(ALICE), "by mistake")
        with pytest.raises(WrongTypeOfAddress, match=ALICE):
            await merge_all(store, bench.keys, items, BY)
        assert not await redis.exists(bench.keys.address("bob@example.org"))


@pytest.mark.parametrize("name", ["suppressed", "due"])
async def test_erasing_that_meets_one_leaves_the_state(redis_bench: Bench, redis_url: str, name: str):
    """A state that is gone while its place on the list stays would be suppressed for ever, and nobody could say why."""
    bench = redis_bench
    await bench.store.commit(report(), ALICE, count())
    async with Redis.from_url(redis_url) as redis:
        await redis.set(getattr(bench.keys, name), "by mistake")
        with pytest.raises(StoreUnavailable):
            await erase(real(bench), "main", ALICE, lambda _number: None)
        assert await redis.exists(bench.keys.address(ALICE))


async def test_the_log_says_why_a_bounce_is_put_off(redis_bench: Bench, redis_url: str):
    """451 for ever is no fault of the network: whoever reads the log learns which key to look at."""
    async with Redis.from_url(redis_url) as redis:
        await redis.set(redis_bench.keys.address(ALICE), "by mistake")
    with pytest.raises(StoreUnavailable) as error:
        await redis_bench.store.commit(report(), ALICE, count())
    with capture_logs() as logs:
        DoorLog(Meter()).report_deferred("192.0.2.1", "main", deferral(error.value), str(error.value))
    (deferred,) = logs
    assert deferred["event"] == "report.deferred"
    key = redis_bench.keys.address(ALICE)
    assert (
        deferred["error"]
        == f"Redis answers, but its key {key} holds a value of another type, which bounced did not write"
    )
