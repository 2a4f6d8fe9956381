"""Held addresses come back when due, exactly once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bounced.core.policy import FailureRule, Policy, Then
from bounced.core.policy.settings import DEFAULT_RULES
from bounced.core.state import EvidenceType, ReportId
from bounced.core.terms import Category, State
from bounced.edges.memory_store import MemoryStore
from bounced.jobs import Releaser
from bounced.jobs.releaser import BATCH, PAUSE_S
from bounced.ports import Committed, Decide, StoreUnavailable

from .conftest import ALICE, Bench


def releaser(bench: Bench) -> Releaser:
    """Return another worker's."""
    return Releaser(bench.present, bench.job_store())


async def test_a_held_address_comes_back_when_its_time_is_over(bench: Bench) -> None:
    """Not an hour before; and it leaves the set that senders ask."""
    await bench.hold()
    bench.clock.forward(days=30, hours=-1)
    await releaser(bench).round()
    assert (await bench.state()).state is State.HELD
    bench.clock.forward(hours=1)
    await releaser(bench).round()
    assert (await bench.state()).state is State.BOUNCING
    assert not await bench.ask("SISMEMBER", bench.keys.suppressed, ALICE)


async def test_a_state_that_nobody_can_read_keeps_no_other_from_coming_back(bench: Bench) -> None:
    """It is looked at again in an hour."""
    await bench.hold("bob@company.example")
    await bench.hold()
    await bench.ask("HSET", bench.keys.address("bob@company.example"), "state", "nonsense")
    bench.clock.forward(days=30)
    await releaser(bench).round()
    assert (await bench.state()).state is State.BOUNCING
    assert await bench.job_store().due("main", bench.clock(), BATCH) == []


async def test_while_the_store_is_away_nothing_is_put_off(bench: Bench) -> None:
    """The job comes again as soon as the store is back: who is due waits for no hour, and nobody is alarmed."""

    class Away(MemoryStore):
        async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
            raise StoreUnavailable("away")

    await bench.hold()
    bench.clock.forward(days=30)
    present = bench.pipeline
    bench.pipeline = replace(present, store=Away({"main": bench.keys}))
    with capture_logs() as logs, pytest.raises(StoreUnavailable):
        await releaser(bench).round()
    assert logs == []
    assert await bench.job_store().due("main", bench.clock(), BATCH) == [ALICE]
    bench.pipeline = present
    await releaser(bench).round()
    assert (await bench.state()).state is State.BOUNCING


async def test_two_workers_release_it_once(bench: Bench) -> None:
    """One event, whoever was first."""
    await bench.hold()
    bench.clock.forward(days=30)
    await asyncio.gather(*(releaser(bench).round() for _ in range(4)))
    assert len(await bench.events("due")) == 1
    released = [event for event in await bench.events("transition") if event["before"] == "held"]
    assert [event["after"] for event in released] == ["bouncing"]


async def test_a_daemon_that_was_down_for_a_week_catches_up_in_batches(bench: Bench) -> None:
    """A full batch is followed by the next one at once."""
    addresses = [f"{number}@company.example" for number in range(BATCH + 50)]
    for _ in range(3):
        await asyncio.gather(*(bench.fails(Category.MAILBOX_FULL, address) for address in addresses))
        bench.clock.forward(days=8)
    bench.clock.forward(days=30 + 7)
    worker = releaser(bench)
    assert await worker.round() == 0
    assert await worker.round() == PAUSE_S
    assert await bench.ask("SCARD", bench.keys.suppressed) == 0


async def test_a_clock_that_jumps_back_does_no_harm(bench: Bench) -> None:
    """What was released stays released, what is held stays held until its time."""
    await bench.hold()
    bench.clock.forward(days=30)
    await releaser(bench).round()
    bench.clock.forward(days=-10)
    await bench.hold("bob@company.example")
    await releaser(bench).round()
    assert (await bench.state()).state is State.BOUNCING
    assert (await bench.state("bob@company.example")).state is State.HELD


async def test_a_delivery_that_is_believed_brings_a_held_address_back_early(bench: Bench) -> None:
    """72 hours after the delivery, not after thirty days."""
    await bench.hold()
    evidence = EvidenceType.DELIVERED
    await bench.fails(Category.MAILBOX_FULL, type=evidence, verdict=None, kind=None, at=bench.clock.now)
    bench.clock.forward(hours=71)
    await releaser(bench).round()
    assert (await bench.state()).state is State.HELD
    bench.clock.forward(hours=1)
    await releaser(bench).round()
    assert (await bench.state()).state is State.ACTIVE


async def test_an_entry_that_nothing_stands_behind_is_looked_at_rarely(bench: Bench) -> None:
    """It must not come first for ever and keep others from their turn."""
    await bench.ask("ZADD", bench.keys.due, 1, "nobody@company.example")
    await releaser(bench).round()
    assert await bench.store.due("main", bench.clock.now, 10) == []
    assert await bench.store.due("main", bench.clock.now + timedelta(hours=1), 10) == ["nobody@company.example"]
    assert await bench.events() == []


async def test_the_clock_leaves_no_trace_where_nothing_is_due(bench: Bench) -> None:
    """No event, no history, no version."""
    await bench.hold()
    before = await bench.state()
    events = len(await bench.events())
    committed = await bench.fails(Category.MAILBOX_FULL, path="", type=EvidenceType.DUE, verdict=None, kind=None)
    assert committed.transition is not None
    assert not committed.transition.changed
    assert await bench.state() == before
    assert len(await bench.events()) == events


async def test_a_hashed_address_comes_back_like_any_other(hashed_bench: Bench) -> None:
    """The releaser knows it by its hash only."""
    await hashed_bench.hold()
    hashed_bench.clock.forward(days=30)
    await releaser(hashed_bench).round()
    assert (await hashed_bench.state()).state is State.BOUNCING
    assert await hashed_bench.ask("SCARD", hashed_bench.keys.suppressed) == 0


async def test_a_suppression_ends_by_itself_where_a_rule_says_so(bench: Bench) -> None:
    """No rule does by default."""
    expiring = FailureRule(1, then=Then.SUPPRESS, expires_days=400)
    bench.settings(policy=Policy(rules={**DEFAULT_RULES, Category.MAILBOX_UNKNOWN: expiring}))
    await bench.fails(Category.MAILBOX_UNKNOWN)
    bench.clock.forward(days=399)
    await releaser(bench).round()
    assert (await bench.state()).state is State.SUPPRESSED
    bench.clock.forward(days=1)
    await releaser(bench).round()
    assert (await bench.state()).state is State.ACTIVE
    assert not await bench.ask("SISMEMBER", bench.keys.suppressed, ALICE)


async def test_an_address_whose_key_is_of_another_type_keeps_no_other_from_coming_back(bench: Bench) -> None:
    """It is told in the log, and looked at again an hour later."""
    bob = "bob@company.example"
    await bench.hold()
    bench.clock.forward(days=30)
    await bench.ask("ZADD", bench.keys.due, 1, bob)
    await bench.ask("SET", bench.keys.address(bob), "by mistake")
    with capture_logs() as logs:
        await releaser(bench).round()
    assert (await bench.state()).state is State.BOUNCING
    (failed,) = [log for log in logs if log["event"] == "job.failed"]
    assert failed["address"] == bob
    assert await bench.store.due("main", bench.clock.now, 10) == []
    assert await bench.store.due("main", bench.clock.now + timedelta(hours=1), 10) == [bob]
