"""During a rolling upgrade workers of version 0.1.0 and of this one write the same keys: each report counts once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from bounced.core.contract.keys import Keyspace
from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId, Streak, Transition
from bounced.core.terms import CLASS_OF, Action, Category, Class, Kind, Origin, State, Verdict
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.ports import Decide

from .make_dump import DUMPS
from .old_worker import OldWorker
from .world import BEGUN

ALICE = "alice@receiver.example"
FULL = Verdict(Category.MAILBOX_FULL, "iana.5.2.2", "status", Action.FAILED, "5.2.2", "552")


@pytest.fixture
async def redis(redis_url):
    """Return redis-py's client."""
    async with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
async def new(redis_url, key_prefix):
    """Return the store of a worker of this version."""
    store = RedisStore(connections(redis_url), {"main": Keyspace(key_prefix)}, durability("memory", pytest.fail))
    await store.start()
    yield store
    await store.close()


@pytest.fixture
def old(redis, key_prefix) -> OldWorker:
    """Return a worker of version 0.1.0."""
    return OldWorker(redis, (DUMPS / "0.1.0" / "commit.lua").read_text(), key_prefix)


def once_more(number: int) -> Decide:
    """Return a policy that counts a soft failure, whatever stands; each comes an hour after the one before."""
    at = BEGUN + timedelta(hours=number)
    evidence = Evidence(EvidenceType.REPORT, at, Origin.SMTP, Kind.BOUNCE, FULL)

    def decide(before: AddressState) -> Transition:
        streak = before.streaks.get(Class.SOFT, Streak(0, at, at))
        counted = replace(streak, count=streak.count + 1, last=at)
        after = replace(
            before,
            state=State.BOUNCING,
            category=Category.MAILBOX_FULL,
            class_=CLASS_OF[Category.MAILBOX_FULL],
            since=before.since or at,
            streaks={**before.streaks, Class.SOFT: counted},
        )
        return Transition(evidence, before, after, "under_threshold")

    return decide


async def by_old(old: OldWorker, number: int, path: str = "") -> bool:
    """Let the old worker take in a report; return whether it was the one that counted it."""
    at = BEGUN + timedelta(hours=number)
    return await old.counts("main", path or f"path-{number}", f"{number:064x}", ALICE, at) == "committed"


async def by_new(new: RedisStore, number: int, path: str = "") -> bool:
    """Let the new one."""
    report_id = ReportId("main", path or f"path-{number}", f"{number:064x}")
    return not (await new.commit(report_id, ALICE, once_more(number))).duplicate


async def check(new, redis, key_prefix, counted: int) -> None:
    """Check that state, counters, history and the number of those that bounce all say the same."""
    keys, state = Keyspace(key_prefix), await new.load("main", ALICE)
    assert (state.state, state.version, state.streaks[Class.SOFT].count) == (State.BOUNCING, counted, counted)
    hours = [key async for key in redis.scan_iter(f"{key_prefix}:{{main}}:counts:*")]
    assert sum([int(await redis.hget(hour, "category:mailbox_full")) for hour in hours]) == counted
    assert len(await new.history("main", ALICE)) == min(counted, 8)
    assert sum(int(number) for number in await redis.hvals(keys.bouncing)) == 1
    events = [fields[b"type"] for _, fields in await redis.xrange(keys.events)]
    assert events.count(b"report") == counted


async def test_in_turn_they_continue_each_others_streak(old, new, redis, key_prefix):
    """Each reads the state that the other wrote."""
    for number in range(1, 9):
        assert await (by_old(old, number) if number % 2 else by_new(new, number))
    await check(new, redis, key_prefix, counted=8)


@pytest.mark.parametrize("old_is_first", [True, False])
async def test_what_one_has_counted_is_a_duplicate_to_the_other(old, new, redis, key_prefix, old_is_first):
    """A peer comes again, and meets another worker."""
    for number in range(1, 5):
        first, second = (
            (by_old(old, number), by_new(new, number)) if old_is_first else (by_new(new, number), by_old(old, number))
        )
        assert (await first, await second) == (True, False)
    await check(new, redis, key_prefix, counted=4)


async def test_at_the_same_time_each_report_counts_once(old, new, redis, key_prefix):
    """Every report goes to both at once, all of them about one address."""
    taken = await asyncio.gather(
        *(asyncio.gather(by_old(old, number), by_new(new, number)) for number in range(1, 41)),
    )
    assert [sorted(each) for each in taken] == [[False, True]] * 40
    assert (await new.load("main", ALICE)).version == 40
    assert (await new.load("main", ALICE)).streaks[Class.SOFT].count == 40


async def test_together_they_take_no_more_reports_of_a_path_than_one_alone(old, new):
    """Twenty, and the mark that its failure was counted takes none of their places."""
    taken = [
        await (by_old(old, number, "path") if number % 2 else by_new(new, number, "path")) for number in range(1, 31)
    ]
    assert taken == [True] * 20 + [False] * 10
