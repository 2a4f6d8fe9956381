"""Nothing in a list grows or stays for ever, and what is counted away is counted away once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from redis.asyncio import Redis

from bounced.core.contract.keys import Keyspace
from bounced.core.state import ReportId, Unattributed
from bounced.core.terms import Engagement, OptIn, Profile
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.erasing import erase
from bounced.edges.redis.job_store import JobStore
from bounced.edges.redis.script import MostEvents
from bounced.pipeline import _record
from bounced.ports import IntakeEntry

from .reports import ALICE, AT, BOUNCE, HOUR, count, hold, report, suppress

DAY_S = 86_400
ACTIVE = replace(BOUNCE, profile=Profile(OptIn.SINGLE, Engagement.ACTIVE))


@pytest.fixture
async def redis(redis_url):
    """Return redis-py's client, which looks at everything."""
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield redis


@pytest.fixture
async def store(redis_url, keys):
    """Return a store that keeps a hundred events."""
    store = RedisStore(
        connections(redis_url), {"main": keys}, durability("memory", pytest.fail), most=MostEvents(100, 100)
    )
    await store.start()
    yield store
    await store.close()


async def test_everything_about_an_address_that_may_be_mailed_is_forgotten_in_the_end(store, redis, keys):
    """The state, the history, the memory of reports, the counters, the wave; each in its time."""
    await store.commit(report(), ALICE, count(ACTIVE))
    ttl_s = {
        keys.address(ALICE): 400 * DAY_S,
        keys.history(ALICE): 400 * DAY_S,
        keys.seen("path"): 40 * DAY_S,
        keys.counts(HOUR): 35 * DAY_S,
        keys.unknowns("example.org"): 3600,
    }
    for key, expected in ttl_s.items():
        assert expected - 600 < await redis.ttl(key) <= expected, key


async def test_a_complaint_that_names_nobody_is_kept_for_90_days(store, redis, keys):
    """An older entry goes when the next one comes, and all of them if none does."""
    nobody = replace(BOUNCE, unattributed=Unattributed({"provider": "yahoo", "user_agent": "A/1"}, known=True))
    seconds, _ = await redis.time()
    for days in (100, 91, 89):
        await redis.xadd(keys.complaints, {"provider": f"{days} days ago"}, id=f"{(seconds - days * DAY_S) * 1000}-0")
    await store.commit(report(), None, partial(_record, evidence=nobody))
    kept = [fields["provider"] for _, fields in await redis.xrange(keys.complaints)]
    assert kept == ["89 days ago", "yahoo"]
    assert 90 * DAY_S - 600 < await redis.ttl(keys.complaints) <= 90 * DAY_S


async def test_a_flood_of_complaints_that_name_nobody_is_cut(store, redis, keys):
    """However fast they come."""
    nobody = replace(BOUNCE, unattributed=Unattributed({"provider": "yahoo"}, known=True))
    for _ in range(11):
        async with redis.pipeline(transaction=False) as flood:
            for _ in range(10_000):
                flood.xadd(keys.complaints, {"provider": "x"})
            await flood.execute()
    await store.commit(report(), None, partial(_record, evidence=nobody))
    assert 100_000 <= await redis.xlen(keys.complaints) < 100_200


async def test_a_resend_keeps_the_memory_of_its_report_alive(store, redis, keys):
    """A peer that comes again and again for weeks must not be counted in the end."""
    await store.commit(report(), ALICE, count())
    await redis.expire(keys.seen("path"), 1000)
    assert (await store.commit(report(), ALICE, count())).duplicate
    assert await redis.ttl(keys.seen("path")) > 39 * DAY_S


async def test_who_is_held_or_suppressed_is_never_forgotten(store, redis, keys):
    """Else nobody could say any more why the address is on the list."""
    await store.commit(report(1), ALICE, count())
    await store.commit(report(2), ALICE, hold())
    assert await redis.ttl(keys.address(ALICE)) == -1
    await store.commit(report(3), ALICE, suppress())
    assert await redis.ttl(keys.address(ALICE)) == -1


async def test_streams_keep_so_many_entries_and_no_more(store, redis, keys):
    """Those about events about as many as is configured, of mass changes likewise, messages exactly a thousand."""
    unread = replace(BOUNCE, content=b"no idea")
    reports = [(report(path=f"{number}"), f"{number}@example.org") for number in range(1_010)]
    for first in range(0, len(reports), 200):
        await asyncio.gather(*(store.commit(*each, count(unread)) for each in reports[first : first + 200]))
    assert await redis.xlen(keys.unrecognised) == 1_000
    assert 100 <= await redis.xlen(keys.events) < 250
    many = replace(BOUNCE, bulk=True)
    for path, address in reports[:350]:
        await store.commit(replace(path, digest="another"), address, suppress(many))
    assert 100 <= await redis.xlen(keys.bulk) < 250
    assert 100 <= await redis.xlen(keys.events) < 250


async def test_of_what_nobody_understood_so_many_entries_are_kept(store, redis, keys):
    """A sender that writes nonsense fills nothing."""
    store_of_jobs = JobStore(store, "test", events_max=100, failed_max=100)
    for number in range(350):
        await redis.xadd(keys.intake, {"type": f"nonsense {number}"})
    for each in await store_of_jobs.next_entries("main", 350):
        await store_of_jobs.set_aside("main", IntakeEntry(each.id, each.fields), "no such type")
    assert await redis.xlen(keys.intake) == 0
    assert (await redis.xpending(keys.intake, "bounced"))["pending"] == 0
    assert 100 <= await redis.xlen(keys.intake_failed) < 250


async def test_an_entry_that_is_committed_is_pending_no_longer(store, redis, keys):
    """Else every entry ever taken in would be looked at again and again."""
    entry = await redis.xadd(keys.intake, {"type": "rejected"})
    await JobStore(store, "test", events_max=100, failed_max=100).next_entries("main", 1)
    await store.commit(ReportId("main", "", entry, entry=entry), ALICE, count())
    assert (await redis.xpending(keys.intake, "bounced"))["pending"] == 0


async def test_disputes_that_are_over_are_forgotten_with_the_next(store, redis, keys):
    """A domain that nobody believed once is no key for ever."""
    store_of_jobs, now = JobStore(store, "test", events_max=100, failed_max=100), datetime(2026, 3, 2, tzinfo=UTC)
    for days, domain in ((0, "a.example"), (3, "b.example")):
        begun = now + timedelta(days=days)
        assert await store_of_jobs.dispute("main", domain, begun, begun + timedelta(days=1), 9)
        assert not await store_of_jobs.dispute("main", domain, begun, begun + timedelta(days=1), 9), "told once"
    assert await redis.zrange(keys.disputed, 0, -1) == ["b.example"]


async def test_an_older_report_does_not_take_an_address_out_of_its_wave(store):
    """It came late: the address was called unknown within the hour all the same."""
    for number, minutes in enumerate((30, 0)):
        evidence = replace(ACTIVE, at=AT + timedelta(minutes=minutes))
        await store.commit(report(number, f"{number}"), ALICE, suppress(evidence))
    later = replace(ACTIVE, at=AT + timedelta(minutes=80))
    assert (await store.commit(report(9), "bob@example.org", suppress(later))).wave == 2


async def test_what_is_sent_again_takes_its_place_in_the_queue_once(store, redis, keys):
    """A server that forgets its scripts must not make the queue look shorter than it is, or longer."""
    await redis.script_flush()
    await asyncio.gather(*(store.commit(report(number), ALICE, count()) for number in range(9)))
    assert store._commits.to(keys.events)._queued_bytes == 0


async def test_an_address_is_found_whatever_the_prefix_of_its_keys_is(redis_url, redis, key_prefix):
    """Some characters mean something to the server that looks for keys."""
    keys = Keyspace(key_prefix + "[a]*?\\")
    store = RedisStore(connections(redis_url), {"main": keys}, durability("memory", pytest.fail))
    await store.start()
    await redis.hset(keys.token("abc"), "recipient", ALICE)
    assert (await erase(store, "main", ALICE, lambda _count: None)).keys == 1
    assert not await redis.exists(keys.token("abc"))
    await store.close()
