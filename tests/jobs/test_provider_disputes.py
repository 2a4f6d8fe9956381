"""Providers whose "user unknown" is not believed."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bounced.core.contract.times import hour
from bounced.core.policy.outage import ProviderRule
from bounced.core.state import EvidenceType
from bounced.core.terms import Action, Category, Class, Engagement, OptIn, Profile, State, Verdict
from bounced.edges.redis import job_store
from bounced.jobs import AlarmUpdater, ProviderDisputer, Releaser
from bounced.ports import StoreUnavailable

from .conftest import Bench

ACTIVE = Profile(OptIn.SINGLE, Engagement.ACTIVE)
IMPORTED = Profile(OptIn.IMPORTED, Engagement.UNKNOWN)
NOTHING = Profile()
RULE = ProviderRule(addresses=6)
SIX = [f"{name}@{domain}" for name in ("ann", "ben") for domain in ("yahoo.com", "aol.com", "ymail.com")]


def worker(bench: Bench) -> ProviderDisputer:
    """Return a worker that hears of what the pipeline suspects from now on."""
    disputer = ProviderDisputer(bench.present, bench.job_store())
    bench.settings(providers=RULE)
    bench.pipeline = replace(bench.pipeline, suspect_provider=disputer.suspect)
    return disputer


async def rounds(disputer: ProviderDisputer) -> None:
    """Let a worker do all that is to be done now."""
    while not await disputer.round():
        pass


async def outage(bench: Bench, addresses: list[str] = SIX, profile: Profile = NOTHING) -> None:
    """Let a provider call addresses unknown, one every minute."""
    for address in addresses:
        await bench.fails(Category.MAILBOX_UNKNOWN, address, profile)
        bench.clock.forward(minutes=1)


async def usually(bench: Bench, days: int, count: int, sent: int = 0) -> None:
    """Let the provider have called so many unknown in one hour, so many days ago."""
    key = bench.keys.counts(hour(bench.clock.now - timedelta(days=days)))
    await bench.ask("HSET", key, "unknown:yahoo:other", count, "rate:sent:domain:aol.com", sent)


@pytest.mark.parametrize("profile", [ACTIVE, NOTHING])
async def test_a_provider_that_calls_far_more_unknown_than_usual_is_disputed(bench: Bench, profile: Profile) -> None:
    """With a good profile or without: aol is Yahoo.  What it suppressed is held, and so is who comes after."""
    disputer = worker(bench)
    await outage(bench, profile=profile)
    await rounds(disputer)
    await bench.fails(Category.MAILBOX_UNKNOWN, "new@yahoo.co.uk", profile)
    for address in (*SIX, "new@yahoo.co.uk"):
        state = await bench.state(address)
        assert (state.state, state.streaks) == (State.HELD, {})
    assert await bench.ask("ZSCORE", bench.keys.disputed, "provider:yahoo")


async def test_other_providers_are_believed_meanwhile(bench: Bench) -> None:
    """And so is the same provider for other reasons."""
    disputer = worker(bench)
    await outage(bench)
    await rounds(disputer)
    await bench.fails(Category.MAILBOX_UNKNOWN, "gone@gmail.com")
    await bench.fails(Category.MAILBOX_FULL, "full@yahoo.com")
    assert (await bench.state("gone@gmail.com")).state is State.SUPPRESSED
    assert (await bench.state("full@yahoo.com")).state is State.BOUNCING


async def test_an_address_that_has_failed_before_is_held_too(bench: Bench) -> None:
    """Its earlier failure counts, this one does not."""
    disputer = worker(bench)
    await bench.fails(Category.MAILBOX_UNKNOWN, "gone@yahoo.com", ACTIVE)
    await bench.fails(Category.MAILBOX_UNKNOWN, "late@yahoo.com", ACTIVE)
    bench.clock.forward(days=40)
    await outage(bench, ["gone@yahoo.com", *SIX])
    assert (await bench.state("gone@yahoo.com")).state is State.SUPPRESSED
    await rounds(disputer)
    await bench.fails(Category.MAILBOX_UNKNOWN, "late@yahoo.com", ACTIVE)
    for address in ("gone@yahoo.com", "late@yahoo.com"):
        state = await bench.state(address)
        assert (state.state, state.streaks[Class.HARD].count) == (State.HELD, 1)
    bench.clock.forward(hours=25)
    await Releaser(bench.present, bench.job_store()).round()
    assert (await bench.state("gone@yahoo.com")).state is State.BOUNCING


async def test_it_is_told_once(bench: Bench) -> None:
    """However many workers find it, and however often; each address is taken back once."""
    workers = [worker(bench) for _ in range(4)]
    await outage(bench)
    for each in workers:
        each.suspect("main", "yahoo")
    with capture_logs() as logs:
        await asyncio.gather(*map(rounds, workers))
        await asyncio.gather(*map(rounds, workers))
    (event,) = await bench.events("provider.disputed")
    assert (event["provider"], event["addresses"]) == ("yahoo", "6")
    assert await bench.events("dispute") == [], "the stream that everybody follows is not flooded"
    assert await bench.ask("XLEN", bench.keys.bulk) == len(SIX)
    assert [log["provider"] for log in logs if log["event"] == "provider.disputed"] == ["yahoo"]


async def test_a_wave_across_the_hour_is_seen(bench: Bench) -> None:
    """Three before the hour, three after it."""
    disputer = worker(bench)
    bench.clock.forward(minutes=57)
    await outage(bench)
    await rounds(disputer)
    assert await bench.events("provider.disputed")


async def test_one_path_counts_once(bench: Bench) -> None:
    """However many reports come for it."""
    disputer = worker(bench)
    for address in SIX:
        await bench.fails(Category.MAILBOX_UNKNOWN, address, path="one")
    await rounds(disputer)
    assert await bench.events("provider.disputed") == []


@pytest.mark.parametrize(
    ("profile", "verdict"),
    [
        (IMPORTED, None),
        (NOTHING, Verdict(Category.MAILBOX_UNKNOWN, "test", "text", Action.FAILED, doubt="it is a guess")),
    ],
)
async def test_neither_an_import_nor_guesses_make_an_outage(
    bench: Bench, profile: Profile, verdict: Verdict | None
) -> None:
    """Old lists are full of dead addresses, and what is doubtful suppresses nobody."""
    disputer = worker(bench)
    for number in range(200):
        facts = {"verdict": verdict} if verdict else {}
        await bench.fails(Category.MAILBOX_UNKNOWN, f"old-{number}@aol.com", profile, **facts)
    await rounds(disputer)
    assert await bench.events("provider.disputed") == []


async def test_an_import_is_held_with_the_others(bench: Bench) -> None:
    """Who is imported while the provider is down is not lost either."""
    disputer = worker(bench)
    await outage(bench, ["old@aol.com"], IMPORTED)
    await outage(bench)
    await rounds(disputer)
    assert (await bench.state("old@aol.com")).state is State.HELD


@pytest.mark.parametrize(
    ("days", "count", "sent", "disputed"),
    [
        (7, 1, 0, True),
        (7, 2, 0, False),
        (31, 2, 0, False),
        (1, 100, 0, True),
        (2, 100, 0, True),
        (7, 100, 10_000, True),
    ],
)
async def test_what_is_usual(bench: Bench, days: int, count: int, sent: int, disputed: bool) -> None:
    """Five times the highest hours of the last month; not of the last days, or an outage would hide the next day's.

    A hundred among ten thousand messages are one among the hundred that were sent today.
    """
    disputer = worker(bench)
    await usually(bench, days, count, sent)
    if sent:
        await usually(bench, 0, 0, sent // 100)
    await outage(bench)
    await rounds(disputer)
    assert bool(await bench.events("provider.disputed")) is disputed


async def test_it_ends_by_itself_and_may_begin_again(bench: Bench) -> None:
    """The provider is believed a day later, and disputed anew when it fails again the same day."""
    disputer = worker(bench)
    await outage(bench)
    await rounds(disputer)
    bench.clock.forward(hours=24)
    await bench.fails(Category.MAILBOX_UNKNOWN, "gone@yahoo.com")
    await rounds(disputer)
    assert (await bench.state("gone@yahoo.com")).state is State.SUPPRESSED
    await outage(bench, [f"second-{address}" for address in SIX])
    await rounds(disputer)
    assert len(await bench.events("provider.disputed")) == 2
    assert (await bench.state("gone@yahoo.com")).state is State.HELD


async def test_what_a_provider_goes_on_to_say_is_believed(bench: Bench) -> None:
    """Where nothing was known of it, its dead mailboxes are held once, and suppressed by the next weekly mail."""
    disputer = worker(bench)
    await outage(bench)
    await rounds(disputer)
    bench.clock.forward(days=7)
    await Releaser(bench.present, bench.job_store()).round()
    await outage(bench)
    await rounds(disputer)
    assert {(await bench.state(address)).state for address in SIX} == {State.SUPPRESSED}
    assert len(await bench.events("provider.disputed")) == 1


async def test_what_came_before_it_was_seen_is_taken_back(bench: Bench) -> None:
    """An outage that begins slowly suppressed some of the day before."""
    disputer = worker(bench)
    await bench.fails(Category.MAILBOX_UNKNOWN, "long-ago@yahoo.com")
    bench.clock.forward(hours=20)
    await bench.fails(Category.MAILBOX_UNKNOWN, "early@yahoo.com")
    bench.clock.forward(hours=5)
    await outage(bench)
    await rounds(disputer)
    assert (await bench.state("early@yahoo.com")).state is State.HELD
    assert (await bench.state("long-ago@yahoo.com")).state is State.SUPPRESSED


@pytest.mark.parametrize("type_", [EvidenceType.COMPLAINED, EvidenceType.UNSUBSCRIBED, EvidenceType.SUPPRESS])
async def test_what_a_person_said_stays(bench: Bench, type_: EvidenceType) -> None:
    """A dispute is about unknown users."""
    disputer = worker(bench)
    await outage(bench)
    await bench.fails(Category.MAILBOX_UNKNOWN, SIX[0], type=type_, verdict=None, kind=None)
    await rounds(disputer)
    assert (await bench.state(SIX[0])).state is State.SUPPRESSED


async def test_lists_that_share_its_hard_verdicts_do_not_believe_the_provider_either(bench: Bench) -> None:
    """What it brought down there is held too, and so is who comes after it."""
    disputer = worker(bench)
    bench.store.use({"main": bench.keys, "other": replace(bench.keys, list_="other")})
    main = bench.pipeline.lists["main"]
    lists = {"main": replace(main, shares_hard_with=("other",)), "other": main}
    bench.pipeline = replace(bench.pipeline, lists=lists)
    await outage(bench)
    assert (await bench.store.load("other", SIX[0])).state is State.SUPPRESSED
    await rounds(disputer)
    await bench.fails(Category.MAILBOX_UNKNOWN, "new@yahoo.com")
    for address in (*SIX, "new@yahoo.com"):
        assert (await bench.store.load("other", address)).state is State.HELD


async def test_hashed_addresses_are_taken_back_too(hashed_bench: Bench) -> None:
    """The event names the provider, and the address by its hash."""
    disputer = worker(hashed_bench)
    await outage(hashed_bench)
    await rounds(disputer)
    assert {(await hashed_bench.state(address)).state for address in SIX} == {State.HELD}


async def test_events_are_taken_back_page_by_page(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round takes one page, so that mail goes on; where the store is away, the next round takes the same page."""
    monkeypatch.setattr(job_store, "EVENTS_IN_PAGE", 4)
    disputer = worker(bench)
    await outage(bench)
    assert await disputer.round() == 0
    held = [address for address in SIX if (await bench.state(address)).state is State.HELD]
    assert 0 < len(held) < len(SIX)
    with monkeypatch.context() as patch:
        patch.setattr(type(bench.store), "commit", _away)
        with pytest.raises(StoreUnavailable):
            await disputer.round()
    await rounds(disputer)
    assert {(await bench.state(address)).state for address in SIX} == {State.HELD}


async def _away(*_: object) -> None:
    raise StoreUnavailable("away")


async def test_a_suspect_stays_one_while_the_store_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost with the round that failed."""
    disputer = worker(bench)
    await outage(bench)
    with monkeypatch.context() as patch:
        patch.setattr(job_store.JobStore, "provider_hours", _away)
        with pytest.raises(StoreUnavailable):
            await disputer.round()
    await rounds(disputer)
    assert await bench.events("provider.disputed")


async def test_a_worker_that_died_after_the_word_is_succeeded_by_another(bench: Bench) -> None:
    """The provider was disputed, its addresses were not taken back: any worker does it within ten minutes."""
    other = worker(bench)
    await rounds(other)
    worker(bench)
    await outage(bench)
    now = bench.clock.now
    assert await bench.job_store().dispute("main", "provider:yahoo", now, now + timedelta(hours=24), 6)
    bench.clock.forward(minutes=10)
    await rounds(other)
    assert {(await bench.state(address)).state for address in SIX} == {State.HELD}


async def test_a_state_that_cannot_be_read_keeps_no_other_from_being_taken_back(bench: Bench) -> None:
    """It is logged."""
    disputer = worker(bench)
    await outage(bench)
    await bench.ask("HSET", bench.keys.address(SIX[0]), "until", "soon")
    with capture_logs() as logs:
        await rounds(disputer)
    assert {(await bench.state(address)).state for address in SIX[1:]} == {State.HELD}
    assert [log["address"] for log in logs if log["event"] == "job.failed"] == [SIX[0]]


@pytest.mark.parametrize(("profile", "stands"), [(ACTIVE, True), (NOTHING, False)])
async def test_an_alarm_stands_where_good_addresses_are_called_unknown(
    bench: Bench, profile: Profile, stands: bool
) -> None:
    """As long as the dispute: mail to this provider is in vain now."""
    disputer = worker(bench)
    await outage(bench, profile=profile)
    await rounds(disputer)
    updater = AlarmUpdater(bench.present, bench.job_store())
    await updater.round()
    alarms = [event for event in await bench.events("alarm") if event["scope"] == "provider:yahoo"]
    assert [event["level"] for event in alarms] == ["pause"] * stands
    if stands:
        alarm = json.loads(await bench.ask("HGET", bench.keys.alarms, "provider:yahoo"))
        assert (alarm["level"], alarm["hard"]) == ("pause", 6)
        bench.clock.forward(hours=25)
        await updater.round()
        assert await bench.ask("HGET", bench.keys.alarms, "provider:yahoo") is None
        assert (await bench.events("alarm"))[-1]["level"] == "clear"


async def test_what_an_older_worker_suppressed_is_taken_back(bench: Bench) -> None:
    """While hosts are upgraded: its events name no provider, and it counts nothing for one."""
    disputer = worker(bench)
    await bench.fails(Category.MAILBOX_UNKNOWN, "old@yahoo.com")
    for id_, fields in await bench.ask("XRANGE", bench.keys.events, "-", "+"):
        without = [word for name, value in fields.items() if name != b"provider" for word in (name, value)]
        await bench.ask("XDEL", bench.keys.events, id_)
        await bench.ask("XADD", bench.keys.events, "*", *without)
    await bench.ask("HDEL", bench.keys.counts(hour(bench.clock.now)), "unknown:yahoo:other")
    await outage(bench)
    await rounds(disputer)
    assert (await bench.state("old@yahoo.com")).state is State.HELD
