"""Domains whose "user unknown" is not believed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bounced.core.contract.times import hour
from bounced.core.mailbox import AddressId
from bounced.core.policy.doubt import DisputeRule
from bounced.core.state import EvidenceType
from bounced.core.terms import Category, Class, Engagement, OptIn, Profile, State
from bounced.jobs import Disputer, Releaser
from bounced.ports import StoreUnavailable

from .conftest import House

ACTIVE = Profile(OptIn.SINGLE, Engagement.ACTIVE)
IMPORTED = Profile(OptIn.IMPORTED, Engagement.ACTIVE)
GOOD = [f"{name}@company.example" for name in ("ann", "ben", "cat", "dan", "eve")]


def worker(house: House) -> Disputer:
    """Return a worker that suspects the domain."""
    disputer = Disputer(house.present, house.chores())
    disputer.suspect("main", "company.example")
    return disputer


async def wave(house: House, addresses: list[str] = GOOD, profile: Profile = ACTIVE) -> None:
    """Let the domain call addresses unknown, one every five minutes."""
    for address in addresses:
        await house.fails(Category.MAILBOX_UNKNOWN, address, profile)
        house.clock.forward(minutes=5)


async def test_five_good_addresses_within_an_hour_dispute_the_domain(house: House) -> None:
    """Further ones are held, whatever is known of them."""
    await wave(house)
    await worker(house).round()
    await house.fails(Category.MAILBOX_UNKNOWN, "new@company.example")
    assert (await house.state("new@company.example")).state is State.HELD


async def test_what_the_wave_suppressed_is_held(house: House) -> None:
    """Those for whom it was the second failure, and who would never have come back."""
    await house.fails(Category.MAILBOX_UNKNOWN, GOOD[0], ACTIVE)
    house.clock.forward(days=30)
    await wave(house)
    assert (await house.state(GOOD[0])).state is State.SUPPRESSED
    await worker(house).round()
    state = await house.state(GOOD[0])
    assert state.state is State.HELD
    assert state.streaks[Class.HARD].count == 1
    house.clock.forward(hours=25)
    await Releaser(house.present, house.chores()).round()
    assert (await house.state(GOOD[0])).state is State.BOUNCING


async def test_lists_that_share_its_hard_verdicts_do_not_believe_the_domain_either(house: House) -> None:
    """What the wave brought down there is held too, and so is who comes after it."""
    house.store.use({"main": house.keys, "other": replace(house.keys, list_="other")})
    main = house.pipeline.lists["main"]
    lists = {"main": replace(main, shares_hard_with=("other",)), "other": main}
    house.pipeline = replace(house.pipeline, lists=lists)
    await house.fails(Category.MAILBOX_UNKNOWN, "unknown@company.example")
    await wave(house)
    assert (await house.store.load("other", "unknown@company.example")).state is State.SUPPRESSED
    await worker(house).round()
    await house.fails(Category.MAILBOX_UNKNOWN, "new@company.example")
    for address in ("unknown@company.example", "new@company.example"):
        assert (await house.store.load("other", address)).state is State.HELD


async def test_the_dispute_is_told_once(house: House) -> None:
    """However many workers find it, and however often."""
    await wave(house)
    await asyncio.gather(*(worker(house).round() for _ in range(4)))
    await worker(house).round()
    (event,) = await house.events("domain.disputed")
    assert (event["domain"], event["addresses"]) == ("company.example", "5")
    assert len(await house.events("dispute")) == len(GOOD)


async def test_a_dispute_ends_and_may_begin_again(house: House) -> None:
    """24 hours, then the domain is believed until the next wave."""
    await wave(house)
    await worker(house).round()
    house.clock.forward(days=10)
    await house.fails(Category.MAILBOX_UNKNOWN, "new@company.example")
    assert (await house.state("new@company.example")).state is State.SUPPRESSED
    await wave(house, [f"second-{address}" for address in GOOD])
    await worker(house).round()
    assert len(await house.events("domain.disputed")) == 2


@pytest.mark.parametrize(
    ("addresses", "profile"), [(GOOD[:4], ACTIVE), (GOOD[:1] * 8, ACTIVE), (GOOD, IMPORTED), (GOOD, Profile())]
)
async def test_what_is_no_wave(house: House, addresses: list[str], profile: Profile) -> None:
    """Four addresses, one address many times, an imported list, recipients of whom nothing is known."""
    await wave(house, addresses, profile)
    await worker(house).round()
    assert await house.events("domain.disputed") == []


async def test_five_in_a_day_are_no_wave(house: House) -> None:
    """People leave companies."""
    for address in GOOD:
        await house.fails(Category.MAILBOX_UNKNOWN, address, ACTIVE)
        house.clock.forward(minutes=61)
    await worker(house).round()
    assert await house.events("domain.disputed") == []


async def test_a_domain_that_always_calls_many_unknown_is_believed(house: House) -> None:
    """One in an hour is usual here: five are not ten times as many."""
    for back in range(2, 170):
        at = house.clock.now - timedelta(hours=back)
        await house.ask("HSET", house.keys.counts(hour(at)), "domain:company.example:mailbox_unknown", 1)
    await wave(house)
    await worker(house).round()
    assert await house.events("domain.disputed") == []


async def test_a_shared_provider_is_never_disputed(house: House) -> None:
    """The pipeline does not even suspect it."""
    house.settings(disputes=DisputeRule(shared=frozenset({"company.example"})))
    await wave(house)
    await worker(house).round()
    assert await house.events("domain.disputed") == []


async def test_the_fifth_bounce_makes_the_pipeline_suspect_the_domain(house: House) -> None:
    """No sooner, and each one after it."""
    disputer = Disputer(house.present, house.chores())
    suspected: list[tuple[str, str]] = []
    house.pipeline = replace(house.pipeline, suspect=lambda *suspect: suspected.append(suspect))
    await wave(house, [*GOOD, "fay@company.example"])
    assert suspected == [("main", "company.example")] * 2
    for suspect in suspected:
        disputer.suspect(*suspect)
    await disputer.round()
    assert len(await house.events("domain.disputed")) == 1


async def test_a_worker_that_died_after_the_word_is_succeeded_by_another(house: House) -> None:
    """The domain was disputed, its addresses were not taken back: any worker finds it within a minute."""
    await house.fails(Category.MAILBOX_UNKNOWN, GOOD[0], ACTIVE)
    house.clock.forward(days=30)
    await wave(house)
    now = house.clock.now
    assert await house.chores().dispute("main", "company.example", now, now + timedelta(hours=24), 5)
    await Disputer(house.present, house.chores()).round()
    assert (await house.state(GOOD[0])).state is State.HELD


async def test_the_wave_is_taken_back_whatever_the_profiles(house: House) -> None:
    """Who came before the fifth good address was wronged as much as they."""
    await house.fails(Category.MAILBOX_UNKNOWN, "first@company.example")
    await house.fails(Category.MAILBOX_UNKNOWN, "first@another.example")
    await wave(house)
    await worker(house).round()
    assert (await house.state("first@company.example")).state is State.HELD
    assert (await house.state("first@another.example")).state is State.SUPPRESSED


async def test_a_complaint_within_the_wave_stays(house: House) -> None:
    """A dispute is about unknown users."""
    await wave(house)
    await house.fails(Category.MAILBOX_UNKNOWN, GOOD[0], type=EvidenceType.COMPLAINED, verdict=None, kind=None)
    await worker(house).round()
    assert (await house.state(GOOD[0])).state is State.SUPPRESSED


async def test_hashed_addresses_are_taken_back_too(hashed_house: House) -> None:
    """Those of good profile, whose hashes the wave keeps."""
    await hashed_house.fails(Category.MAILBOX_UNKNOWN, GOOD[0], ACTIVE)
    hashed_house.clock.forward(days=30)
    await wave(hashed_house)
    assert (await hashed_house.state(GOOD[0])).state is State.SUPPRESSED
    await worker(hashed_house).round()
    assert (await hashed_house.state(GOOD[0])).state is State.HELD


async def test_a_domain_that_goes_on_is_looked_at_once_a_minute(house: House) -> None:
    """Each look reads a week's counters and an hour's events; who came in between is not forgotten."""
    disputer = worker(house)
    await wave(house)
    await disputer.round()
    now, until = house.clock.now, house.clock.now + timedelta(hours=24)
    await house.ask("DEL", house.keys.disputed)
    disputer.suspect("main", "company.example")
    await disputer.round()
    assert await house.chores().dispute("main", "company.example", now, until, 5), "looked at again at once"
    await house.ask("DEL", house.keys.disputed)
    house.clock.forward(minutes=1)
    await disputer.round()
    assert not await house.chores().dispute("main", "company.example", now, until, 5), "forgotten"


async def test_a_suspect_stays_one_while_the_store_is_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost with the round that failed."""
    await wave(house)
    chores = house.chores()
    disputer = Disputer(house.present, chores)
    disputer.suspect("main", "company.example")
    with monkeypatch.context() as patch:
        patch.setattr(chores, "unknowns", _away)
        with pytest.raises(StoreUnavailable):
            await disputer.round()
    await disputer.round()
    assert len(await house.events("domain.disputed")) == 1


async def _away(*_: object) -> list[AddressId]:
    raise StoreUnavailable("away")


async def test_an_address_that_cannot_be_read_keeps_no_other_from_being_taken_back(house: House) -> None:
    """Neither a key of another type nor a state of rubbish; the domain is not looked at again and again for it."""
    await house.fails(Category.MAILBOX_UNKNOWN, GOOD[0], ACTIVE)
    house.clock.forward(days=30)
    await wave(house)
    await house.ask("SET", house.keys.address(GOOD[1]), "by mistake")
    await house.ask("HSET", house.keys.address(GOOD[2]), "until", "soon")
    disputer = worker(house)
    with capture_logs() as logs:
        await disputer.round()
        await disputer.round()
    assert (await house.state(GOOD[0])).state is State.HELD
    failed = [log["address"] for log in logs if log["event"] == "job.failed"]
    assert sorted(failed) == sorted(GOOD[1:3])
