"""Domains whose "user unknown" is not believed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bounced.core.contract.times import hour
from bounced.core.mailbox import AddressId
from bounced.core.policy.dispute import DisputeRule
from bounced.core.state import EvidenceType
from bounced.core.terms import Action, Category, Class, Engagement, OptIn, Profile, Proof, State, Verdict
from bounced.jobs import Disputer, Releaser
from bounced.ports import StoreUnavailable

from .conftest import Bench

ACTIVE = Profile(OptIn.SINGLE, Engagement.ACTIVE)
IMPORTED = Profile(OptIn.IMPORTED, Engagement.ACTIVE)
GOOD = [f"{name}@company.example" for name in ("ann", "ben", "cat", "dan", "eve")]


def worker(bench: Bench) -> Disputer:
    """Return a worker that suspects the domain."""
    disputer = Disputer(bench.present, bench.job_store())
    disputer.suspect("main", "company.example")
    return disputer


async def wave(bench: Bench, addresses: list[str] = GOOD, profile: Profile = ACTIVE) -> None:
    """Let the domain call addresses unknown, one every five minutes."""
    for address in addresses:
        await bench.fails(Category.MAILBOX_UNKNOWN, address, profile)
        bench.clock.forward(minutes=5)


async def test_five_good_addresses_within_an_hour_dispute_the_domain(bench: Bench) -> None:
    """Further ones are held, whatever is known of them."""
    await wave(bench)
    await worker(bench).round()
    await bench.fails(Category.MAILBOX_UNKNOWN, "new@company.example")
    assert (await bench.state("new@company.example")).state is State.HELD


@pytest.mark.parametrize(
    ("told", "disputed", "state"),
    [({"proof": Proof.AFTER_DATA}, True, State.HELD), ({"doubt": "it is a guess"}, False, State.BOUNCING)],
)
async def test_a_wave_is_made_of_what_is_proven(
    bench: Bench, told: dict[str, str], disputed: bool, state: State
) -> None:
    """Also of refusals after DATA, which are taken back before there is a second one; what is doubtful is soft."""
    unknown = Verdict(Category.MAILBOX_UNKNOWN, "test", "text", Action.FAILED, "5.0.0", **told)
    for address in GOOD:
        await bench.fails(Category.MAILBOX_UNKNOWN, address, ACTIVE, verdict=unknown)
    await worker(bench).round()
    assert bool(await bench.events("domain.disputed")) is disputed
    assert {(await bench.state(address)).state for address in GOOD} == {state}


async def test_what_a_domain_leaves_in_doubt_is_not_what_it_usually_calls_unknown(bench: Bench) -> None:
    """Else many guesses on all days would hide the hour in which it lost its directory."""
    unknown = Verdict(Category.MAILBOX_UNKNOWN, "test", "text", Action.FAILED, "5.0.0", doubt="it is a guess")
    for number in range(400):
        await bench.fails(Category.MAILBOX_UNKNOWN, f"user{number}@company.example", verdict=unknown)
    bench.clock.forward(days=1)
    await wave(bench)
    await worker(bench).round()
    assert await bench.events("domain.disputed")


async def test_what_the_wave_suppressed_is_held(bench: Bench) -> None:
    """Those for whom it was the second failure, and who would never have come back."""
    await bench.fails(Category.MAILBOX_UNKNOWN, GOOD[0], ACTIVE)
    bench.clock.forward(days=30)
    await wave(bench)
    assert (await bench.state(GOOD[0])).state is State.SUPPRESSED
    await worker(bench).round()
    state = await bench.state(GOOD[0])
    assert state.state is State.HELD
    assert state.streaks[Class.HARD].count == 1
    bench.clock.forward(hours=25)
    await Releaser(bench.present, bench.job_store()).round()
    assert (await bench.state(GOOD[0])).state is State.BOUNCING


async def test_lists_that_share_its_hard_verdicts_do_not_believe_the_domain_either(bench: Bench) -> None:
    """What the wave brought down there is held too, and so is who comes after it."""
    bench.store.use({"main": bench.keys, "other": replace(bench.keys, list_="other")})
    main = bench.pipeline.lists["main"]
    lists = {"main": replace(main, shares_hard_with=("other",)), "other": main}
    bench.pipeline = replace(bench.pipeline, lists=lists)
    await bench.fails(Category.MAILBOX_UNKNOWN, "unknown@company.example")
    await wave(bench)
    assert (await bench.store.load("other", "unknown@company.example")).state is State.SUPPRESSED
    await worker(bench).round()
    await bench.fails(Category.MAILBOX_UNKNOWN, "new@company.example")
    for address in ("unknown@company.example", "new@company.example"):
        assert (await bench.store.load("other", address)).state is State.HELD


async def test_the_dispute_is_told_once(bench: Bench) -> None:
    """However many workers find it, and however often; what becomes of each address is told in `bulk`."""
    await wave(bench)
    await asyncio.gather(*(worker(bench).round() for _ in range(4)))
    await worker(bench).round()
    (event,) = await bench.events("domain.disputed")
    assert (event["domain"], event["addresses"]) == ("company.example", "5")
    assert await bench.events("dispute") == [], "the stream that everybody follows is not flooded"
    assert sorted(entry["address"] for entry in await bench.stream(bench.keys.bulk)) == GOOD


async def test_a_dispute_ends_and_may_begin_again(bench: Bench) -> None:
    """24 hours, then the domain is believed until the next wave."""
    await wave(bench)
    await worker(bench).round()
    bench.clock.forward(days=10)
    await bench.fails(Category.MAILBOX_UNKNOWN, "new@company.example")
    assert (await bench.state("new@company.example")).state is State.SUPPRESSED
    await wave(bench, [f"second-{address}" for address in GOOD])
    await worker(bench).round()
    assert len(await bench.events("domain.disputed")) == 2


@pytest.mark.parametrize(
    ("addresses", "profile"), [(GOOD[:4], ACTIVE), (GOOD[:1] * 8, ACTIVE), (GOOD, IMPORTED), (GOOD, Profile())]
)
async def test_what_is_no_wave(bench: Bench, addresses: list[str], profile: Profile) -> None:
    """Four addresses, one address many times, an imported list, recipients of whom nothing is known."""
    await wave(bench, addresses, profile)
    await worker(bench).round()
    assert await bench.events("domain.disputed") == []


async def test_five_in_a_day_are_no_wave(bench: Bench) -> None:
    """People leave companies."""
    for address in GOOD:
        await bench.fails(Category.MAILBOX_UNKNOWN, address, ACTIVE)
        bench.clock.forward(minutes=61)
    await worker(bench).round()
    assert await bench.events("domain.disputed") == []


async def test_a_domain_that_always_calls_many_unknown_is_believed(bench: Bench) -> None:
    """One in an hour is usual here: five are not ten times as many."""
    for back in range(2, 170):
        at = bench.clock.now - timedelta(hours=back)
        await bench.ask("HSET", bench.keys.counts(hour(at)), "domain:company.example:mailbox_unknown", 1)
    await wave(bench)
    await worker(bench).round()
    assert await bench.events("domain.disputed") == []


async def test_a_shared_provider_is_never_disputed(bench: Bench) -> None:
    """The pipeline does not even suspect it."""
    bench.settings(disputes=DisputeRule(shared=frozenset({"company.example"})))
    await wave(bench)
    await worker(bench).round()
    assert await bench.events("domain.disputed") == []


async def test_the_fifth_bounce_makes_the_pipeline_suspect_the_domain(bench: Bench) -> None:
    """No sooner, and each one after it."""
    disputer = Disputer(bench.present, bench.job_store())
    suspected: list[tuple[str, str]] = []
    bench.pipeline = replace(bench.pipeline, suspect=lambda *suspect: suspected.append(suspect))
    await wave(bench, [*GOOD, "fay@company.example"])
    assert suspected == [("main", "company.example")] * 2
    for suspect in suspected:
        disputer.suspect(*suspect)
    await disputer.round()
    assert len(await bench.events("domain.disputed")) == 1


async def test_a_worker_that_died_after_the_word_is_succeeded_by_another(bench: Bench) -> None:
    """The domain was disputed, its addresses were not taken back: any worker finds it within a minute."""
    await bench.fails(Category.MAILBOX_UNKNOWN, GOOD[0], ACTIVE)
    bench.clock.forward(days=30)
    await wave(bench)
    now = bench.clock.now
    assert await bench.job_store().dispute("main", "company.example", now, now + timedelta(hours=24), 5)
    await Disputer(bench.present, bench.job_store()).round()
    assert (await bench.state(GOOD[0])).state is State.HELD


async def test_the_wave_is_taken_back_whatever_the_profiles(bench: Bench) -> None:
    """Who came before the fifth good address was wronged as much as they."""
    await bench.fails(Category.MAILBOX_UNKNOWN, "first@company.example")
    await bench.fails(Category.MAILBOX_UNKNOWN, "first@another.example")
    await wave(bench)
    await worker(bench).round()
    assert (await bench.state("first@company.example")).state is State.HELD
    assert (await bench.state("first@another.example")).state is State.SUPPRESSED


async def test_a_complaint_within_the_wave_stays(bench: Bench) -> None:
    """A dispute is about unknown users."""
    await wave(bench)
    await bench.fails(Category.MAILBOX_UNKNOWN, GOOD[0], type=EvidenceType.COMPLAINED, verdict=None, kind=None)
    await worker(bench).round()
    assert (await bench.state(GOOD[0])).state is State.SUPPRESSED


async def test_hashed_addresses_are_taken_back_too(hashed_bench: Bench) -> None:
    """Those of good profile, whose hashes the wave keeps."""
    await hashed_bench.fails(Category.MAILBOX_UNKNOWN, GOOD[0], ACTIVE)
    hashed_bench.clock.forward(days=30)
    await wave(hashed_bench)
    assert (await hashed_bench.state(GOOD[0])).state is State.SUPPRESSED
    await worker(hashed_bench).round()
    assert (await hashed_bench.state(GOOD[0])).state is State.HELD


async def test_a_domain_that_goes_on_is_looked_at_once_a_minute(bench: Bench) -> None:
    """Each look reads a week's counters and an hour's events; who came in between is not forgotten."""
    disputer = worker(bench)
    await wave(bench)
    await disputer.round()
    now, until = bench.clock.now, bench.clock.now + timedelta(hours=24)
    await bench.ask("DEL", bench.keys.disputed)
    disputer.suspect("main", "company.example")
    await disputer.round()
    assert await bench.job_store().dispute("main", "company.example", now, until, 5), "looked at again at once"
    await bench.ask("DEL", bench.keys.disputed)
    bench.clock.forward(minutes=1)
    await disputer.round()
    assert not await bench.job_store().dispute("main", "company.example", now, until, 5), "forgotten"


async def test_a_suspect_stays_one_while_the_store_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost with the round that failed."""
    await wave(bench)
    store_of_jobs = bench.job_store()
    disputer = Disputer(bench.present, store_of_jobs)
    disputer.suspect("main", "company.example")
    with monkeypatch.context() as patch:
        patch.setattr(store_of_jobs, "unknowns", _away)
        with pytest.raises(StoreUnavailable):
            await disputer.round()
    await disputer.round()
    assert len(await bench.events("domain.disputed")) == 1


async def _away(*_: object) -> list[AddressId]:
    raise StoreUnavailable("away")


async def test_an_address_that_cannot_be_read_keeps_no_other_from_being_taken_back(bench: Bench) -> None:
    """Neither a key of another type nor a state of rubbish; the domain is not looked at again and again for it."""
    await bench.fails(Category.MAILBOX_UNKNOWN, GOOD[0], ACTIVE)
    bench.clock.forward(days=30)
    await wave(bench)
    await bench.ask("SET", bench.keys.address(GOOD[1]), "by mistake")
    await bench.ask("HSET", bench.keys.address(GOOD[2]), "until", "soon")
    disputer = worker(bench)
    with capture_logs() as logs:
        await disputer.round()
        await disputer.round()
    assert (await bench.state(GOOD[0])).state is State.HELD
    failed = [log["address"] for log in logs if log["event"] == "job.failed"]
    assert sorted(failed) == sorted(GOOD[1:3])
