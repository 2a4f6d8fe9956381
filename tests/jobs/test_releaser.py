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

from .conftest import ALICE, House


def releaser(house: House) -> Releaser:
    """Return another worker's."""
    return Releaser(house.present, house.chores())


async def test_a_held_address_comes_back_when_its_time_is_over(house: House) -> None:
    """Not an hour before; and it leaves the set that senders ask."""
    await house.hold()
    house.clock.forward(days=30, hours=-1)
    await releaser(house).round()
    assert (await house.state()).state is State.HELD
    house.clock.forward(hours=1)
    await releaser(house).round()
    assert (await house.state()).state is State.BOUNCING
    assert not await house.ask("SISMEMBER", house.keys.suppressed, ALICE)


async def test_a_state_that_nobody_can_read_keeps_no_other_from_coming_back(house: House) -> None:
    """It is looked at again in an hour."""
    await house.hold("bob@company.example")
    await house.hold()
    await house.ask("HSET", house.keys.address("bob@company.example"), "state", "nonsense")
    house.clock.forward(days=30)
    await releaser(house).round()
    assert (await house.state()).state is State.BOUNCING
    assert await house.chores().due("main", house.clock(), BATCH) == []


async def test_while_the_store_is_away_nothing_is_put_off(house: House) -> None:
    """The job comes again as soon as the store is back: who is due waits for no hour, and nobody is alarmed."""

    class Away(MemoryStore):
        async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
            raise StoreUnavailable("away")

    await house.hold()
    house.clock.forward(days=30)
    present = house.pipeline
    house.pipeline = replace(present, store=Away({"main": house.keys}))
    with capture_logs() as logs, pytest.raises(StoreUnavailable):
        await releaser(house).round()
    assert logs == []
    assert await house.chores().due("main", house.clock(), BATCH) == [ALICE]
    house.pipeline = present
    await releaser(house).round()
    assert (await house.state()).state is State.BOUNCING


async def test_two_workers_release_it_once(house: House) -> None:
    """One event, whoever was first."""
    await house.hold()
    house.clock.forward(days=30)
    await asyncio.gather(*(releaser(house).round() for _ in range(4)))
    assert len(await house.events("due")) == 1
    released = [event for event in await house.events("transition") if event["before"] == "held"]
    assert [event["after"] for event in released] == ["bouncing"]


async def test_a_daemon_that_was_down_for_a_week_catches_up_in_batches(house: House) -> None:
    """A full batch is followed by the next one at once."""
    addresses = [f"{number}@company.example" for number in range(BATCH + 50)]
    for _ in range(3):
        await asyncio.gather(*(house.fails(Category.MAILBOX_FULL, address) for address in addresses))
        house.clock.forward(days=8)
    house.clock.forward(days=30 + 7)
    worker = releaser(house)
    assert await worker.round() == 0
    assert await worker.round() == PAUSE_S
    assert await house.ask("SCARD", house.keys.suppressed) == 0


async def test_a_clock_that_jumps_back_does_no_harm(house: House) -> None:
    """What was released stays released, what is held stays held until its time."""
    await house.hold()
    house.clock.forward(days=30)
    await releaser(house).round()
    house.clock.forward(days=-10)
    await house.hold("bob@company.example")
    await releaser(house).round()
    assert (await house.state()).state is State.BOUNCING
    assert (await house.state("bob@company.example")).state is State.HELD


async def test_a_delivery_that_is_believed_brings_a_held_address_back_early(house: House) -> None:
    """72 hours after the delivery, not after thirty days."""
    await house.hold()
    evidence = EvidenceType.DELIVERED
    await house.fails(Category.MAILBOX_FULL, type=evidence, verdict=None, kind=None, at=house.clock.now)
    house.clock.forward(hours=71)
    await releaser(house).round()
    assert (await house.state()).state is State.HELD
    house.clock.forward(hours=1)
    await releaser(house).round()
    assert (await house.state()).state is State.ACTIVE


async def test_an_entry_that_nothing_stands_behind_is_looked_at_rarely(house: House) -> None:
    """It must not come first for ever and keep others from their turn."""
    await house.ask("ZADD", house.keys.due, 1, "nobody@company.example")
    await releaser(house).round()
    assert await house.store.due("main", house.clock.now, 10) == []
    assert await house.store.due("main", house.clock.now + timedelta(hours=1), 10) == ["nobody@company.example"]
    assert await house.events() == []


async def test_the_clock_leaves_no_trace_where_nothing_is_due(house: House) -> None:
    """No event, no history, no version."""
    await house.hold()
    before = await house.state()
    events = len(await house.events())
    committed = await house.fails(Category.MAILBOX_FULL, path="", type=EvidenceType.DUE, verdict=None, kind=None)
    assert committed.transition is not None
    assert not committed.transition.changed
    assert await house.state() == before
    assert len(await house.events()) == events


async def test_a_hashed_address_comes_back_like_any_other(hashed_house: House) -> None:
    """The releaser knows it by its hash only."""
    await hashed_house.hold()
    hashed_house.clock.forward(days=30)
    await releaser(hashed_house).round()
    assert (await hashed_house.state()).state is State.BOUNCING
    assert await hashed_house.ask("SCARD", hashed_house.keys.suppressed) == 0


async def test_a_suppression_ends_by_itself_where_a_rule_says_so(house: House) -> None:
    """No rule does by default."""
    expiring = FailureRule(1, then=Then.SUPPRESS, expires_days=400)
    house.settings(policy=Policy(rules={**DEFAULT_RULES, Category.MAILBOX_UNKNOWN: expiring}))
    await house.fails(Category.MAILBOX_UNKNOWN)
    house.clock.forward(days=399)
    await releaser(house).round()
    assert (await house.state()).state is State.SUPPRESSED
    house.clock.forward(days=1)
    await releaser(house).round()
    assert (await house.state()).state is State.ACTIVE
    assert not await house.ask("SISMEMBER", house.keys.suppressed, ALICE)


async def test_an_address_whose_key_is_of_another_type_keeps_no_other_from_coming_back(house: House) -> None:
    """It is told in the log, and looked at again an hour later."""
    bob = "bob@company.example"
    await house.hold()
    house.clock.forward(days=30)
    await house.ask("ZADD", house.keys.due, 1, bob)
    await house.ask("SET", house.keys.address(bob), "by mistake")
    with capture_logs() as logs:
        await releaser(house).round()
    assert (await house.state()).state is State.BOUNCING
    (failed,) = [log for log in logs if log["event"] == "job.failed"]
    assert failed["address"] == bob
    assert await house.store.due("main", house.clock.now, 10) == []
    assert await house.store.due("main", house.clock.now + timedelta(hours=1), 10) == [bob]
