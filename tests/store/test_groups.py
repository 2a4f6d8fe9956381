"""Reports that are committed at the same time share script calls: the same comes of them as if they came in turn."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.core.contract.hourly_counters import MAX_FIELDS, Quota
from bounced.core.contract.times import day
from bounced.core.state import AddressState, Evidence, Transition
from bounced.core.terms import Kind
from bounced.edges.memory_store import SEEN_MAX, MemoryStore
from bounced.edges.redis import RedisStore
from bounced.edges.redis.groups import MAX_REQUESTS, Request
from bounced.ports import Committed, Decide, StoreUnavailable, WrongTypeOfAddress

from .conftest import Bench
from .reports import ALICE, AT, BOUNCE, HOUR, SPAM_BLOCK, count, hold, report, suppress

BLOCK = replace(BOUNCE, verdict=SPAM_BLOCK)


@pytest.fixture(params=["redis", "cluster"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Return a store on a lone server, with the daemon's own rights, and on a Cluster."""
    found: Bench = request.getfixturevalue(f"{request.param}_bench")
    return found


@pytest.fixture
async def redis(redis_url: str, redis_bench: Bench):
    """Return redis-py's client of the lone server."""
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield redis


def recorded_as(evidence: Evidence, before: AddressState) -> Transition:
    """Record evidence that changes nothing."""
    return Transition(evidence, before, before, "nothing")


record = partial(recorded_as, BLOCK)
reply = partial(recorded_as, replace(BOUNCE, kind=Kind.AUTO_REPLY, verdict=None))


def mailbox(number: int) -> str:
    """Return one of many addresses, each with a domain of its own."""
    return f"user@domain{number}.example"


async def at_once(bench: Bench, *commits: tuple[int, str, str, Decide]) -> list[Committed | BaseException]:
    """Return what comes of commits that one batch carries: each has a number, a path and an address."""
    return await asyncio.gather(
        *(bench.store.commit(report(number, path), address, decide) for number, path, address, decide in commits),
        return_exceptions=True,
    )


def came_of(answers: list[Committed | BaseException]) -> list[str]:
    """Return what came of each: it counted, it was a duplicate, or the name of an error."""
    return [
        type(answer).__name__ if isinstance(answer, BaseException) else "duplicate" if answer.duplicate else "counted"
        for answer in answers
    ]


async def script_calls(redis: Redis) -> int:
    """Return how many script calls the server ran since its counters were last reset."""
    stats: dict[str, Any] = await redis.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"])


async def test_a_call_carries_some_dozens_of_reports_and_no_more(redis: Redis, redis_bench: Bench) -> None:
    """Whoever reads waits while a script runs."""
    await redis.config_resetstat()
    answers = await at_once(redis_bench, *((n, f"{n}", mailbox(n), suppress()) for n in range(2 * MAX_REQUESTS + 1)))
    assert set(came_of(answers)) == {"counted"}
    assert await script_calls(redis) == 3


async def test_what_is_counted_is_the_same_at_once_and_in_turn(bench: Bench) -> None:
    """All that the list holds: events, counters, blocks, who is suppressed, each state and its history."""
    commits: list[tuple[int, str, str, Decide]] = [
        *((n, f"{n}", mailbox(n % 7), suppress()) for n in range(20)),
        *((n, f"{n}", mailbox(n % 5), hold(evidence=replace(BOUNCE, count=3))) for n in range(20, 30)),
        *((n, f"{n}", mailbox(n), record) for n in range(30, 40)),
        *((n, f"{n % 3}", mailbox(n), count(replace(BOUNCE, trusted=False))) for n in range(40, 50)),
    ]
    memory = MemoryStore({"main": bench.keys})
    for number, path, address, decide in commits:
        await memory.commit(report(number, path), address, decide)
    await at_once(bench, *commits)
    held = memory.holds("main")
    assert await bench.inside.counts(HOUR) == dict(held.counts[HOUR])
    assert await bench.inside.suppressed() == held.suppressed
    told = [event["id"] + event["type"] for event in await bench.inside.events()]
    assert Counter(told) == Counter(event["id"] + event["type"] for event in held.events)
    assert sorted(block["id"] for block in await bench.inside.blocks()) == sorted(block["id"] for block in held.blocks)
    for address in {address for _, _, address, _ in commits}:
        assert (await bench.store.load("main", address)).version == (await memory.load("main", address)).version
        assert len(await bench.store.history("main", address)) == len(await memory.history("main", address))


async def test_each_report_about_one_address_is_decided_upon_what_those_before_it_made(bench: Bench) -> None:
    """One call has twenty of them: the first is written, the others hear of it and decide again."""
    answers = await at_once(bench, *((n, f"{n}", ALICE, count()) for n in range(20)))
    assert came_of(answers) == ["counted"] * 20
    state = await bench.store.load("main", ALICE)
    assert (state.version, [streak.count for streak in state.streaks.values()]) == (20, [20])
    assert (await bench.inside.counts(HOUR))["kind:bounce"] == 20


async def test_a_report_that_is_there_twice_counts_once(bench: Bench) -> None:
    """A peer lost its connection, came again, and both copies were ready at the same time."""
    answers = await at_once(bench, *((n % 4, f"{n % 4}", mailbox(n % 4), suppress()) for n in range(12)))
    assert came_of(answers) == ["counted"] * 4 + ["duplicate"] * 8
    assert (await bench.inside.counts(HOUR))["kind:bounce"] == 4


async def test_one_path_says_no_more_than_it_may(bench: Bench) -> None:
    """The bound holds within a call as it does between calls; the mark of its measure takes no place."""
    answers = await at_once(bench, *((n, "path", mailbox(n), suppress()) for n in range(SEEN_MAX + 5)))
    assert came_of(answers) == ["counted"] * SEEN_MAX + ["duplicate"] * 5


async def test_hours_are_counted_apart_and_each_report_gets_its_own_answer(bench: Bench) -> None:
    """Reports of several hours are one batch, and a call for each hour."""
    evidence = [replace(BOUNCE, at=AT + timedelta(hours=n % 3)) for n in range(9)]
    numbers = [0, 1, 2, 3, 4, 5, 6, 1, 8]
    answers = await at_once(
        bench, *((n, f"{n}", mailbox(n), suppress(said)) for n, said in zip(numbers, evidence, strict=True))
    )
    assert came_of(answers) == ["counted"] * 7 + ["duplicate", "counted"]
    counted = [(await bench.inside.counts(hour))["kind:bounce"] for hour in ("2026030112", "2026030113", "2026030114")]
    assert counted == [3, 2, 3]


async def test_a_quota_that_is_used_up_within_a_call_takes_no_more_fields(redis: Redis, redis_bench: Bench) -> None:
    """The first of them takes the last field; the others are counted together."""
    counts = redis_bench.keys.counts(HOUR)
    await redis.hset(counts, Quota.DOMAINS.in_use, MAX_FIELDS[Quota.DOMAINS] - 1)
    await at_once(redis_bench, *((n, f"{n}", mailbox(n), record) for n in range(5)))
    held = await redis_bench.inside.counts(HOUR)
    domains = {name: number for name, number in held.items() if name.startswith("domain:")}
    assert domains == {"domain:domain0.example:reputation_block": 1}
    assert held[Quota.DOMAINS.in_use] == MAX_FIELDS[Quota.DOMAINS]
    assert held[Quota.DOMAINS.overflow] == 4


async def test_a_key_of_another_type_is_the_fault_of_its_report_only(redis: Redis, redis_bench: Bench) -> None:
    """The others of its call are counted, before it and behind it."""
    await redis.set(redis_bench.keys.history(mailbox(3)), "by mistake")
    await redis.config_resetstat()
    answers = await at_once(redis_bench, *((n, f"{n}", mailbox(n), suppress()) for n in range(9)))
    assert isinstance(answers[3], WrongTypeOfAddress)
    assert came_of(answers[:3] + answers[4:]) == ["counted"] * 8
    assert await script_calls(redis) == 1
    assert (await redis_bench.inside.counts(HOUR))["kind:bounce"] == 8
    assert not await redis.exists(redis_bench.keys.seen("3"), redis_bench.keys.address(mailbox(3)))


async def test_counters_of_another_type_are_the_fault_of_those_who_count_there(
    redis: Redis, redis_bench: Bench
) -> None:
    """A block is counted by the day, an automatic reply is not."""
    key = redis_bench.keys.day_counts(day(AT))
    await redis.set(key, "by mistake")
    answers = await at_once(
        redis_bench, (0, "a", mailbox(0), suppress()), (1, "b", mailbox(1), reply), (2, "c", mailbox(2), record)
    )
    assert came_of(answers) == ["WrongType", "counted", "WrongType"]
    assert (await redis_bench.inside.counts(HOUR))["kind:auto_reply"] == 1
    assert not await redis.exists(redis_bench.keys.seen("a"), redis_bench.keys.address(mailbox(0)))


async def test_an_error_in_one_turn_is_no_error_of_the_others(redis_bench: Bench) -> None:
    """Whatever nobody thought of: its report hears of doubt, as it does where a call of its own fails."""
    store, keys = redis_bench.store, redis_bench.keys
    assert isinstance(store, RedisStore)
    line = store._commits.to(keys.events)

    async def spoil() -> None:
        """Ask for what no worker asks, in the same batch and the same call."""
        before = line._queue[-1].asked
        assert isinstance(before, Request)
        await line.ask(before._replace(arguments=(b"{", b"{}", b"")), asyncio.get_running_loop().time() + 5)

    async def one(number: int) -> Committed:
        return await store.commit(report(number, f"{number}"), mailbox(number), suppress())

    answers = await asyncio.gather(*map(one, range(4)), spoil(), *map(one, range(4, 8)), return_exceptions=True)
    assert isinstance(answers.pop(4), StoreUnavailable)
    assert [isinstance(answer, Committed) and not answer.duplicate for answer in answers] == [True] * 8
    assert (await redis_bench.inside.counts(HOUR))["kind:bounce"] == 8
