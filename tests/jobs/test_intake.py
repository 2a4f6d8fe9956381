"""What senders tell takes effect, once, whoever reads it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bounced.client import AsyncClient
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import hour
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.state import EvidenceType, ReportId
from bounced.core.terms import Category, Class, Engagement, OptIn, Profile, State
from bounced.edges.memory_store import MemoryStore
from bounced.edges.redis.erasing import erase
from bounced.jobs import IntakeReader, Releaser, intake
from bounced.jobs.intake import BATCH, FIRST_PAUSE_S, LAST_PAUSE_S
from bounced.pipeline import ListSettings, kept_hash
from bounced.ports import Committed, Decide, StoreUnavailable

from .conftest import ALICE, House

UNKNOWN = "550 5.1.1 <alice@company.example>: Recipient address rejected: User unknown"


def reader(house: House) -> IntakeReader:
    """Return another worker's."""
    return IntakeReader(house.present, house.chores())


async def tell(house: House, type_: str, **fields: object) -> str:
    """Write an entry as a sender does, by default about Alice and now."""
    told = {"type": type_, "at": int(house.clock.now.timestamp()), "address": ALICE, **fields}
    flat = [word for name, value in told.items() if value is not None for word in (name, value)]
    entry: bytes = await house.ask("XADD", house.keys.intake, "*", *flat)
    return entry.decode()


async def left(house: House) -> int:
    """Return how many entries wait in the stream."""
    length: int = await house.ask("XLEN", house.keys.intake)
    return length


@pytest.mark.parametrize(
    ("type_", "category"),
    [("complained", "complaint"), ("unsubscribed", "unsubscribed"), ("suppress", "operator"), ("rejected", None)],
)
async def test_what_suppresses(house: House, type_: str, category: str | None) -> None:
    """A complaint, an unsubscription, an operator's word, a refusal of an unknown user."""
    await tell(house, type_, reply=UNKNOWN if type_ == "rejected" else None)
    await reader(house).round()
    state = await house.state()
    assert (state.state, state.category) == (State.SUPPRESSED, category or "mailbox_unknown")
    assert state.origin == "intake"


@pytest.mark.parametrize("type_", ["subscribed", "release"])
async def test_what_lifts(house: House, type_: str) -> None:
    """A confirmed opt-in, an operator's word."""
    await house.fails(Category.MAILBOX_UNKNOWN)
    house.clock.forward(days=1)
    await tell(house, type_, reason="wrote to us")
    await reader(house).round()
    assert (await house.state()).state is State.ACTIVE


async def test_engaged_releases_at_once(house: House) -> None:
    """Somebody reads mail there."""
    await house.hold()
    house.clock.forward(days=1)
    await tell(house, "engaged")
    await reader(house).round()
    assert (await house.state()).state is State.ACTIVE


async def test_delivered_is_provisional(house: House) -> None:
    """It releases after 72 hours without a failure for mail of that day."""
    await house.hold()
    house.clock.forward(days=1)
    await tell(house, "delivered")
    await reader(house).round()
    assert (await house.state()).state is State.HELD
    house.clock.forward(hours=72)
    await Releaser(house.present, house.chores()).round()
    assert (await house.state()).state is State.ACTIVE


async def test_a_failure_of_that_day_takes_a_delivery_back(house: House) -> None:
    """Accepted first, bounced later."""
    await house.hold()
    house.clock.forward(days=1)
    await tell(house, "delivered")
    await reader(house).round()
    sent_on = house.clock.now.date()
    house.clock.forward(days=2)
    await house.fails(Category.MAILBOX_FULL, sent_on=sent_on)
    house.clock.forward(days=2)
    await Releaser(house.present, house.chores()).round()
    assert (await house.state()).state is State.HELD


async def test_an_entry_is_acknowledged_and_deleted_with_its_commit(house: House) -> None:
    """The stream holds what is still to be done, nothing else."""
    entry = await tell(house, "complained")
    await reader(house).round()
    assert await left(house) == 0
    assert (await house.ask("XPENDING", house.keys.intake, "bounced"))["pending"] == 0
    (event,) = await house.events("complained")
    assert event["address"] == ALICE
    assert entry


async def test_a_temporary_refusal_is_a_delay(house: House) -> None:
    """The sender's MTA tries again; even "450 4.1.1 unverified address" says nothing yet."""
    for reply in ("450 4.1.1 unverified address", "452 4.2.2 mailbox full", "451 4.7.1 greylisted"):
        await tell(house, "rejected", reply=reply)
    await reader(house).round()
    assert (await house.state()).state is State.ACTIVE
    assert {event["action"] for event in await house.events("rejected")} == {"delayed"}


async def test_a_refusal_for_spam_is_told_and_never_touches_the_address(house: House) -> None:
    """It is classified by the same rules as a report."""
    await tell(house, "rejected", reply="554 5.7.1 message looks like spam")
    await reader(house).round()
    assert (await house.state()).state is State.ACTIVE
    (block,) = await house.stream(house.keys.blocks)
    assert (block["category"], block["provider"]) == ("spam_content", "company.example")


async def test_a_sender_may_say_what_it_knows_of_the_recipient(house: House) -> None:
    """A refusal has no return path that could tell."""
    await tell(house, "rejected", reply=UNKNOWN, profile=str(Profile(OptIn.CONFIRMED, Engagement.ACTIVE)))
    await reader(house).round()
    assert (await house.state()).state is State.HELD


async def test_sent_is_counted_for_list_campaign_and_domain(house: House) -> None:
    """And leaves no event: it is said of millions."""
    await tell(house, "sent", address=None, count=300, campaign="spring")
    await tell(house, "sent", address=None, count=200, campaign="spring", domain="Company.Example")
    await reader(house).round()
    (counts,) = await house.chores().counts("main", house.clock.now, 1)
    assert counts["rate:sent:list"] == 500
    assert counts["rate:sent:campaign:spring"] == 500
    assert counts["rate:sent:domain:company.example"] == 200
    assert await house.events() == []


async def test_good_news_that_changes_nothing_leaves_no_trace(house: House) -> None:
    """Millions of deliveries must not drive the few events that matter out of the stream."""
    await tell(house, "delivered")
    await tell(house, "engaged")
    await reader(house).round()
    assert await house.events() == []
    assert await house.store.history("main", ALICE) == []
    assert await left(house) == 0


async def test_mail_to_a_suppressed_address_is_noticed(house: House) -> None:
    """The sender does not ask the list."""
    await house.fails(Category.MAILBOX_UNKNOWN)
    house.clock.forward(days=7)
    await tell(house, "delivered")
    await reader(house).round()
    assert len(await house.events("mailed_while_suppressed")) == 1
    assert (await house.state()).state is State.SUPPRESSED


@pytest.mark.parametrize(
    "poison",
    [
        {"type_": "exploded"},
        {"type_": "engaged", "at": "yesterday"},
        {"type_": "rejected", "reply": UNKNOWN, "at": -62135596800},  # a time that was never set, in Go
        {"type_": "engaged", "address": "nobody"},
        {"type_": "engaged", "address": None},
        {"type_": "rejected"},
        {"type_": "rejected", "reply": UNKNOWN, "profile": "very good"},
        {"type_": "sent", "count": "-1"},
        {"type_": "sent", "domain": "..."},
    ],
)
async def test_what_nobody_understands_is_set_aside_with_the_error(house: House, poison: dict[str, str]) -> None:
    """It does not stop those behind it."""
    entry = await tell(house, **poison)
    await tell(house, "complained")
    await reader(house).round()
    (failed,) = await house.stream(house.keys.intake_failed)
    assert failed["entry"] == entry
    assert failed["error"]
    assert failed["type"] == poison["type_"]
    assert await left(house) == 0
    assert (await house.state()).state is State.SUPPRESSED


async def test_an_error_that_nobody_foresaw_costs_the_entry_and_not_the_job(house: House) -> None:
    """Such as a state that somebody else wrote by hand: the entry is set aside, the others take effect."""
    bob = "bob@company.example"
    await house.ask("HSET", house.keys.address(bob), "state", "held", "until", "soon", "version", "1")
    entry = await tell(house, "complained", address=bob)
    await tell(house, "complained")
    await reader(house).round()
    (failed,) = await house.stream(house.keys.intake_failed)
    assert (failed["entry"], failed["address"], failed["type"]) == (entry, bob, "complained")
    assert failed["error"] == "UnreadableState: Invalid isoformat string: 'soon'"
    assert await left(house) == 0
    assert (await house.state()).state is State.SUPPRESSED


async def test_an_entry_that_breaks_the_reading_is_set_aside(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged with where it happened; a sender's mistake is not."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(intake, "understand_entry", broken)
    await tell(house, "engaged")
    with capture_logs() as logs:
        await reader(house).round()
    (failed,) = await house.stream(house.keys.intake_failed)
    assert failed["error"] == "RuntimeError: a mistake of ours"
    assert [(log["event"], log["log_level"]) for log in logs] == [("intake.failed", "error")]
    assert isinstance(logs[0]["exc_info"], RuntimeError)


async def test_several_workers_share_the_stream(house: House) -> None:
    """Each entry takes effect once."""
    addresses = [f"{number}@company.example" for number in range(2 * BATCH)]
    for address in addresses:
        await tell(house, "complained", address=address)
    workers = [reader(house) for _ in range(4)]
    while await left(house):
        await asyncio.gather(*(worker.round() for worker in workers))
    assert len(await house.events("complained")) == len(addresses)
    assert await house.ask("SCARD", house.keys.suppressed) == len(addresses)


async def test_what_a_dead_worker_had_is_taken_over(house: House) -> None:
    """It read the entry and was killed before the commit."""
    await tell(house, "complained")
    assert len(await house.chores().next_entries("main", BATCH)) == 1
    other = reader(house)
    await other.round()
    assert (await house.state()).state is State.ACTIVE
    await other.take_over(idle_s=0)
    assert (await house.state()).state is State.SUPPRESSED
    assert await left(house) == 0


async def test_an_entry_that_two_workers_have_counts_once(house: House) -> None:
    """One took over while the other was only slow."""
    await tell(house, "rejected", reply="552 5.2.2 mailbox full")
    slow, quick = house.chores(), house.chores()
    entries = await slow.next_entries("main", BATCH)
    assert await quick.abandoned("main", 0, BATCH) == entries
    worker = reader(house)
    await asyncio.gather(*(worker._take_in(house.pipeline, "main", entries) for _ in range(2)))
    assert len(await house.events("rejected")) == 1
    assert (await house.state()).version == 1


async def test_a_commit_that_failed_is_tried_again(house: House) -> None:
    """The store was away for a moment: the entry waits."""

    class Away(MemoryStore):
        async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
            raise StoreUnavailable("away")

    await tell(house, "complained")
    worker, present = reader(house), house.pipeline
    house.pipeline = replace(present, store=Away({"main": house.keys}))
    with pytest.raises(StoreUnavailable):
        await worker.round()
    house.pipeline = present
    assert await left(house) == 1
    await worker.take_over(idle_s=0)
    assert (await house.state()).state is State.SUPPRESSED


async def test_the_stream_may_be_deleted_while_the_daemon_runs(house: House) -> None:
    """The group is made again."""
    worker = reader(house)
    await worker.round()
    await house.ask("DEL", house.keys.intake)
    await tell(house, "complained")
    await worker.round()
    assert (await house.state()).state is State.SUPPRESSED


async def test_entries_of_one_address_are_taken_in_the_order_of_their_time(house: House) -> None:
    """Though they were written in another."""
    at = int(house.clock.now.timestamp())
    await tell(house, "subscribed", at=at)
    await tell(house, "unsubscribed", at=at - 3600)
    await reader(house).round()
    assert (await house.state()).state is State.ACTIVE


async def test_failures_of_one_address_count_in_whatever_order_they_were_written(house: House) -> None:
    """The older one would be none after the newer: it is less than 24 hours later."""
    house.clock.forward(days=8)
    now = int(house.clock.now.timestamp())
    for at in (now, now - 8 * 86_400):
        await tell(house, "rejected", at=at, reply="552 5.2.2 mailbox full")
    await reader(house).round()
    assert (await house.state()).streaks[Class.SOFT].count == 2


async def test_a_round_takes_over_what_was_left_for_long_and_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to ask for it."""
    monkeypatch.setattr("bounced.jobs.intake.TAKE_OVER_EVERY_S", 0.0)
    old = await tell(house, "complained", address="old@company.example")
    await tell(house, "complained", address="young@company.example")
    assert len(await house.chores().next_entries("main", BATCH)) == 2
    await house.ask("XCLAIM", house.keys.intake, "bounced", "a dead worker", 0, old, "IDLE", 20_000)
    await reader(house).round()
    assert (await house.state("old@company.example")).state is State.SUPPRESSED
    assert (await house.state("young@company.example")).state is State.ACTIVE


async def test_where_something_came_more_is_looked_for_soon(house: House) -> None:
    """And ever more rarely while nothing comes."""
    worker = reader(house)
    idle = [await worker.round() for _ in range(9)]
    assert idle == sorted(idle)
    assert idle[0] < idle[-1] == await worker.round() == LAST_PAUSE_S
    await tell(house, "complained")
    assert await worker.round() == FIRST_PAUSE_S


async def test_older_evidence_in_a_later_batch_does_not_override_newer(house: House) -> None:
    """The order of arrival says nothing."""
    at = int(house.clock.now.timestamp())
    for type_, when in (("subscribed", at), ("unsubscribed", at - 3600)):
        await tell(house, type_, at=when)
        await reader(house).round()
    assert (await house.state()).state is State.ACTIVE


async def test_a_time_in_the_future_is_now(house: House) -> None:
    """A sender's clock that runs ahead must not make everything else older."""
    await tell(house, "unsubscribed", at=int((house.clock.now + timedelta(days=400)).timestamp()))
    await reader(house).round()
    assert (await house.state()).since == house.clock.now


async def test_a_hard_refusal_counts_in_the_lists_that_share(house: House) -> None:
    """As a report does; the sender's rates are those of the list that sent."""
    lists = {"main": ListSettings(DEFAULT_POLICY, shares_hard_with=("other",)), "other": ListSettings(DEFAULT_POLICY)}
    house.store.use({"main": house.keys, "other": Keyspace(house.keys.prefix, "other")})
    house.pipeline = replace(house.pipeline, lists=lists)
    await tell(house, "rejected", reply=UNKNOWN)
    worker = reader(house)
    await worker._take_in(house.pipeline, "main", await house.chores().next_entries("main", BATCH))
    assert (await house.store.load("other", ALICE)).state is State.SUPPRESSED
    (counts,) = await house.chores().counts("other", house.clock.now, 1)
    assert not [name for name in counts if name.startswith("rate:")]


async def test_a_release_lifts_what_stayed_of_an_erased_complainer(house: House) -> None:
    """As the command does: the client's word is an operator's too.  A subscription does not lift a complaint."""
    house.keys = replace(house.keys, erasure_pepper=b"an example pepper")
    house.store.use({"main": house.keys})
    await tell(house, "complained")
    await reader(house).round()
    await erase(house.store, "main", ALICE, lambda _seen: None, kept=house.keys.erased_id(ALICE))
    await tell(house, "subscribed")
    await reader(house).round()
    assert await kept_hash(house.store, "main", ALICE)
    house.clock.forward(hours=1)
    await tell(house, "release")
    await reader(house).round()
    assert await house.ask("SCARD", house.keys.suppressed) == 0
    assert await left(house) == 0


async def test_the_client_and_the_daemon_speak_of_the_same_things(house: House, redis_url: str) -> None:
    """Everything that the client library can tell is understood."""
    async with AsyncClient.from_url(redis_url, keys=house.keys) as client:
        at = house.clock.now
        await client.report_delivered(ALICE, campaign="spring", at=at)
        profile = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
        await client.report_rejected(ALICE, "550 5.1.1 no such user", profile=profile, at=at)
        await client.report_engaged(ALICE, at=at)
        await client.report_subscribed(ALICE, at=at)
        await client.report_unsubscribed(ALICE, at=at)
        await client.report_complained(ALICE, at=at)
        await client.report_sent(500, campaign="spring", domain="company.example", at=at)
        await client.suppress(ALICE, "legal asked")
        await client.release(ALICE, "legal changed its mind")
    house.clock.forward(days=365)
    await reader(house).round()
    assert await house.stream(house.keys.intake_failed) == []
    assert await left(house) == 0
    told = {event["type"] for event in await house.events()}
    assert {EvidenceType.REJECTED, EvidenceType.COMPLAINED, EvidenceType.SUPPRESS} <= told


async def test_where_addresses_are_hashed_nothing_that_failed_is_kept(hashed_house: House) -> None:
    """But that it failed, and which type it was."""
    await tell(hashed_house, "rejected", address="alice@company.example")
    await reader(hashed_house).round()
    (failed,) = await hashed_house.stream(hashed_house.keys.intake_failed)
    assert failed.keys() == {"type", "entry", "error"}
    assert "alice" not in str(failed)


@pytest.mark.parametrize(
    "count",
    [
        *("0", "-1", "+1", "1.0", "1e3", "", " 1", "inf", "nan", "1_000", "\u0661", "\u00b2", "1000000001"),
        "9" * 5000,
        "000000000001" + "9" * 400,
    ],
)
async def test_a_count_that_is_no_whole_number_in_bounds_is_set_aside(house: House, count: str) -> None:
    """All of it is looked at, and nothing of it is counted."""
    await tell(house, "sent", address=None, campaign="spring", count=count)
    await reader(house).round()
    (failed,) = await house.stream(house.keys.intake_failed)
    assert failed["error"].startswith("count must be a whole number from 1 to 1000000000")
    assert await house.chores().counts("main", house.clock.now, 1) == [{}]


@pytest.mark.parametrize(("count", "counted"), [("1000000000", 10**9), ("000000000012", 12), ("0" * 5000 + "7", 7)])
async def test_leading_zeros_are_no_part_of_a_count(house: House, count: str, counted: int) -> None:
    """Some languages pad."""
    await tell(house, "sent", address=None, campaign="spring", count=count)
    await reader(house).round()
    (counts,) = await house.chores().counts("main", house.clock.now, 1)
    assert counts["rate:sent:list"] == counted


@pytest.mark.parametrize("at", ["inf", "nan", "-1", "1_772_000_000", "\u0661" * 10, "9" * 400, "1e99", "", "soon"])
async def test_a_time_that_is_none_is_set_aside(house: House, at: str) -> None:
    """Whatever a language would take for a number."""
    await tell(house, "complained", at=at)
    await reader(house).round()
    (failed,) = await house.stream(house.keys.intake_failed)
    assert failed["error"].startswith("at must be a unix time in seconds")


async def test_an_entry_without_end_is_set_aside_and_the_others_go_on(house: House) -> None:
    """So many fields that no script could hand them on."""
    many = [word for number in range(9000) for word in (f"field-{number}", "x")]
    await house.ask("XADD", house.keys.intake, "*", "type", "nonsense", *many)
    await tell(house, "complained")
    await reader(house).round()
    assert await left(house) == 0
    assert (await house.state()).state is State.SUPPRESSED
    (failed,) = await house.stream(house.keys.intake_failed)
    assert "type must be one of" in failed["error"]


async def test_an_entry_whose_address_is_a_key_of_another_type_is_set_aside(house: House) -> None:
    """The server will say the same each time; the others are taken in."""
    await house.ask("SET", house.keys.address("mallory@company.example"), "what a mistake")
    await tell(house, "complained", address="mallory@company.example")
    await reader(house).round()
    await tell(house, "complained")
    await reader(house).round()
    assert await left(house) == 0
    assert (await house.state()).state is State.SUPPRESSED
    (failed,) = await house.stream(house.keys.intake_failed)
    assert "holds a value of another type" in failed["error"]


@pytest.mark.parametrize("name", ["events", "suppressed", "disputed", "counts"])
async def test_a_key_of_the_whole_list_that_is_of_another_type_costs_no_entry(house: House, name: str) -> None:
    """It is nobody's fault who told something: all entries wait until it is mended."""
    wrong = house.keys.counts(hour(house.clock.now)) if name == "counts" else getattr(house.keys, name)
    await house.ask("SET", wrong, "what a mistake")
    await tell(house, "complained")
    with pytest.raises(StoreUnavailable, match="holds a value of another type"):
        await reader(house).round()
    assert await house.stream(house.keys.intake_failed) == []
    await house.ask("DEL", wrong)
    await reader(house).take_over(idle_s=0)
    assert await left(house) == 0
    assert (await house.state()).state is State.SUPPRESSED


async def test_a_stored_state_of_rubbish_numbers_is_written_anew(house: House) -> None:
    """What decides whether the address may be mailed stands; the rest counts as missing."""
    await house.fails(Category.MAILBOX_FULL)
    rubbish = {"version": "inf", "streaks": "soft:x:y:z:1:1 hard", "last_released_at": "yesterday", "bounces": "many"}
    await house.ask("HSET", house.keys.address(ALICE), *(word for pair in rubbish.items() for word in pair))
    await house.ask("HSET", house.keys.bouncing, *(word for day in range(20500, 21200) for word in (day, "nan")))
    await house.ask("ZADD", house.keys.disputed, "inf", "company.example")
    await tell(house, "complained")
    await reader(house).round()
    assert await left(house) == 0
    assert (await house.state()).state is State.SUPPRESSED
    assert (await house.state()).version == 2
