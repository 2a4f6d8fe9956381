"""What every store does for doubts, rates and time.  (docs/contract.md, sections 1 and 5)"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bounced.core.state import AddressState, Evidence, EvidenceType, Transition
from bounced.core.terms import Category, Engagement, OptIn, Origin, Profile, State, Verdict
from bounced.edges.memory_store import MemoryStore
from bounced.edges.redis import RedisStore
from bounced.edges.redis.job_store import JobStore
from bounced.ports import Decide
from tests.support.events import recent_events

from .conftest import Bench
from .reports import ALICE, AT, BOUNCE, HOUR, hold, report, suppress

ACTIVE = replace(BOUNCE, profile=Profile(OptIn.SINGLE, Engagement.ACTIVE))


def job_store(bench: Bench) -> MemoryStore | JobStore:
    """Return what answers the background jobs about this store."""
    if isinstance(bench.store, RedisStore):
        return JobStore(bench.store, "test", events_max=1000, failed_max=10)
    return bench.store


def unmoved(evidence: Evidence) -> Decide:
    """Return a policy that changes nothing."""

    def decide(state: AddressState) -> Transition:
        return Transition(evidence, state, state, "nothing")

    return decide


async def test_a_commit_tells_how_many_good_addresses_their_domain_just_called_unknown(bench: Bench) -> None:
    """Each address once, none that is older than an hour, none of another domain."""
    waves = []
    for number, (name, minutes) in enumerate([("a", 0), ("b", 1), ("b", 2), ("c", 61), ("d", 62)]):
        evidence = replace(ACTIVE, at=AT + timedelta(minutes=minutes))
        committed = await bench.store.commit(report(number, name), f"{name}@example.org", suppress(evidence))
        waves.append(committed.wave)
    assert waves == [1, 2, 2, 2, 2]
    other = await bench.store.commit(report(9, "other"), "a@example.net", suppress(ACTIVE))
    assert other.wave == 1


async def test_what_is_not_doubtful_makes_no_wave(bench: Bench) -> None:
    """An address of which the sender knew nothing."""
    assert (await bench.store.commit(report(), ALICE, suppress())).wave == 0


async def test_the_wave_is_known_to_the_jobs(bench: Bench) -> None:
    """Who was called unknown, and who was suppressed for it."""
    await bench.store.commit(report(1, "a"), "a@example.org", suppress(ACTIVE))
    await bench.store.commit(report(2, "b"), "b@example.org", suppress())
    await bench.store.commit(report(3, "c"), "c@example.net", suppress(ACTIVE))
    asked, begun = job_store(bench), AT - timedelta(minutes=1)
    assert await asked.unknowns("main", "example.org", begun) == ["a@example.org"]
    assert sorted(await asked.suppressed_by("main", "example.org", begun)) == ["a@example.org", "b@example.org"]
    assert await asked.suppressed_by("main", "example.org", AT + timedelta(minutes=1)) == []
    later = AT + timedelta(hours=3)
    assert await asked.usual_unknowns("main", "example.org", later) == pytest.approx(2 / 168)
    assert await asked.usual_unknowns("main", "example.org", AT) == 0


async def test_a_failure_that_is_told_late_does_not_take_its_address_out_of_the_wave(bench: Bench) -> None:
    """Reports overtake each other: the latest time of an address counts, whichever came last."""
    for number, minutes in enumerate((0, -50)):
        evidence = replace(ACTIVE, at=AT + timedelta(minutes=minutes))
        await bench.store.commit(report(number, f"{number}"), "a@example.org", unmoved(evidence))
    asked = job_store(bench)
    assert await asked.unknowns("main", "example.org", AT - timedelta(minutes=1)) == ["a@example.org"]


async def test_a_domain_is_disputed_once_at_a_time(bench: Bench) -> None:
    """Until the time is over."""
    asked, until = job_store(bench), AT + timedelta(hours=24)
    found = [await asked.dispute("main", "example.org", AT, until, 5) for _ in range(2)]
    assert found == [True, False]
    assert await asked.disputed("main", AT) == ["example.org"]
    assert await asked.disputed("main", until) == []
    assert await asked.dispute("main", "example.org", until, until + timedelta(hours=24), 5)
    assert [event["type"] for event in await recent_events(bench.store, "main", 9)] == ["domain.disputed"] * 2


async def test_a_path_counts_once_for_a_rate(bench: Bench) -> None:
    """However many reports come for it, and without taking a report's place in its memory."""
    for number in range(20):
        assert not (await bench.store.commit(report(number), ALICE, unmoved(BOUNCE))).duplicate
    assert (await bench.store.commit(report(20), ALICE, unmoved(BOUNCE))).duplicate
    counts = await bench.inside.counts(HOUR)
    assert (
        counts["rate:hard:list"] == counts["rate:hard:campaign:spring"] == counts["rate:hard:domain:example.org"] == 1
    )
    assert counts["class:hard"] == 20


async def test_sent_messages_are_counted_by_their_number(bench: Bench) -> None:
    """And tell no event."""
    sent = Evidence(EvidenceType.SENT, AT, Origin.INTAKE, campaign="spring", count=700)
    await bench.store.commit(report(path=""), None, unmoved(sent))
    counts = await bench.inside.counts(HOUR)
    assert counts["rate:sent:list"] == counts["rate:sent:campaign:spring"] == 700
    assert await recent_events(bench.store, "main", 9) == []


@pytest.mark.parametrize("type_", [EvidenceType.DUE, EvidenceType.DISPUTE])
async def test_the_clock_and_a_dispute_are_not_written_where_they_change_nothing(
    bench: Bench, type_: EvidenceType
) -> None:
    """Though the first guess about the state was wrong."""
    await bench.store.commit(report(1), ALICE, hold())
    before = await bench.store.load("main", ALICE)
    given: list[AddressState] = []

    def decide(state: AddressState) -> Transition:
        given.append(state)
        return Transition(Evidence(type_, AT, Origin.DAEMON), state, state, "nothing")

    committed = await bench.store.commit(report(2, ""), ALICE, decide)
    assert given[-1].state is State.HELD
    assert committed.transition is not None
    assert await bench.store.load("main", ALICE) == before
    assert len(await recent_events(bench.store, "main", 9)) == 2
    assert len(await bench.store.history("main", ALICE)) == 1


async def test_good_news_that_changes_nothing_is_counted_only(bench: Bench) -> None:
    """Neither event nor history nor state."""
    delivered = Evidence(EvidenceType.DELIVERED, AT, Origin.INTAKE)
    await bench.store.commit(report(path=""), ALICE, unmoved(delivered))
    assert (await bench.inside.counts(HOUR))["type:delivered"] == 1
    assert await recent_events(bench.store, "main", 9) == []
    assert await bench.store.history("main", ALICE) == []


async def test_a_held_address_is_due_when_its_delivery_is_believed(bench: Bench) -> None:
    """Whichever comes first: the end of the hold, or of the wait."""
    pending = AT + timedelta(days=1)

    def decide(state: AddressState) -> Transition:
        after = replace(hold()(state).after, delivery_pending_since=pending)
        return Transition(BOUNCE, state, after, "held", settles=timedelta(hours=72))

    await bench.store.commit(report(), ALICE, decide)
    assert await bench.store.due("main", pending + timedelta(hours=71), 9) == []
    assert await bench.store.due("main", pending + timedelta(hours=72), 9) == [ALICE]


async def test_a_block_names_its_provider(bench: Bench) -> None:
    """For the sender to know whom to ask."""
    verdict = Verdict(Category.REPUTATION_BLOCK, "test", "text", remote_mta="mx.google.com", diagnostic="[192.0.2.1]")
    await bench.store.commit(report(), ALICE, unmoved(replace(BOUNCE, verdict=verdict)))
    (block,) = await bench.inside.blocks()
    assert (block["provider"], block["sending_ip"]) == ("google", "192.0.2.1")
    assert (await bench.inside.counts(HOUR))["provider:google:reputation_block"] == 1


async def test_many_workers_join_one_wave(bench: Bench) -> None:
    """The script counts, nobody else."""
    commits = (bench.store.commit(report(n, f"{n}"), f"{n}@example.org", suppress(ACTIVE)) for n in range(1, 9))
    assert sorted(committed.wave for committed in await asyncio.gather(*commits)) == list(range(1, 9))
