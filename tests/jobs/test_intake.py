"""What senders tell takes effect, once, whoever reads it."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from structlog.testing import capture_logs

from bounced.client import AsyncClient
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import hour
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.state import AddressState, EvidenceType, ReportId
from bounced.core.terms import Category, Class, Engagement, OptIn, Profile, State
from bounced.edges.memory_store import MemoryStore
from bounced.edges.redis.erasing import erase
from bounced.jobs import IntakeReader, Releaser, intake
from bounced.jobs.intake import BATCH, FIRST_PAUSE_S, LAST_PAUSE_S
from bounced.pipeline import ListSettings, kept_hash
from bounced.ports import Committed, Decide, StoreUnavailable

from .conftest import ALICE, Bench

UNKNOWN = "550 5.1.1 <alice@company.example>: Recipient address rejected: User unknown"


def reader(bench: Bench) -> IntakeReader:
    """Return another worker's."""
    return IntakeReader(bench.present, bench.job_store())


async def tell(bench: Bench, type_: str, **fields: object) -> str:
    """Write an entry as a sender does, by default about Alice and now."""
    told = {"type": type_, "at": int(bench.clock.now.timestamp()), "address": ALICE, **fields}
    flat = [word for name, value in told.items() if value is not None for word in (name, value)]
    entry: bytes = await bench.ask("XADD", bench.keys.intake, "*", *flat)
    return entry.decode()


async def left(bench: Bench) -> int:
    """Return how many entries wait in the stream."""
    length: int = await bench.ask("XLEN", bench.keys.intake)
    return length


@pytest.mark.parametrize(
    ("type_", "category"),
    [("complained", "complaint"), ("unsubscribed", "unsubscribed"), ("suppress", "operator"), ("rejected", None)],
)
async def test_what_suppresses(bench: Bench, type_: str, category: str | None) -> None:
    """A complaint, an unsubscription, an operator's word, a refusal of an unknown user."""
    bench.settings(intake_may_release=True)
    await tell(bench, type_, reply=UNKNOWN if type_ == "rejected" else None, reason="asked")
    await reader(bench).round()
    state = await bench.state()
    assert (state.state, state.category) == (State.SUPPRESSED, category or "mailbox_unknown")
    assert state.origin == "intake"


@pytest.mark.parametrize("type_", ["subscribed", "release"])
async def test_what_lifts(bench: Bench, type_: str) -> None:
    """A confirmed opt-in, an operator's word."""
    bench.settings(intake_may_release=True)
    await bench.fails(Category.MAILBOX_UNKNOWN)
    bench.clock.forward(days=1)
    await tell(bench, type_, reason="wrote to us")
    await reader(bench).round()
    assert (await bench.state()).state is State.ACTIVE


async def test_engaged_releases_at_once(bench: Bench) -> None:
    """Somebody reads mail there."""
    await bench.hold()
    bench.clock.forward(days=1)
    await tell(bench, "engaged")
    await reader(bench).round()
    assert (await bench.state()).state is State.ACTIVE


async def test_delivered_is_provisional(bench: Bench) -> None:
    """It releases after 72 hours without a failure for mail of that day."""
    await bench.hold()
    bench.clock.forward(days=1)
    await tell(bench, "delivered")
    await reader(bench).round()
    assert (await bench.state()).state is State.HELD
    bench.clock.forward(hours=72)
    await Releaser(bench.present, bench.job_store()).round()
    assert (await bench.state()).state is State.ACTIVE


async def test_a_failure_of_that_day_takes_a_delivery_back(bench: Bench) -> None:
    """Accepted first, bounced later."""
    await bench.hold()
    bench.clock.forward(days=1)
    await tell(bench, "delivered")
    await reader(bench).round()
    sent_on = bench.clock.now.date()
    bench.clock.forward(days=2)
    await bench.fails(Category.MAILBOX_FULL, sent_on=sent_on)
    bench.clock.forward(days=2)
    await Releaser(bench.present, bench.job_store()).round()
    assert (await bench.state()).state is State.HELD


async def test_an_entry_is_acknowledged_and_deleted_with_its_commit(bench: Bench) -> None:
    """The stream holds what is still to be done, nothing else."""
    entry = await tell(bench, "complained")
    await reader(bench).round()
    assert await left(bench) == 0
    assert (await bench.ask("XPENDING", bench.keys.intake, "bounced"))["pending"] == 0
    (event,) = await bench.events("complained")
    assert event["address"] == ALICE
    assert entry


async def test_a_temporary_refusal_is_a_delay(bench: Bench) -> None:
    """The sender's MTA tries again; even "450 4.1.1 unverified address" says nothing yet."""
    for reply in ("450 4.1.1 unverified address", "452 4.2.2 mailbox full", "451 4.7.1 greylisted"):
        await tell(bench, "rejected", reply=reply)
    await reader(bench).round()
    assert (await bench.state()).state is State.ACTIVE
    assert {event["action"] for event in await bench.events("rejected")} == {"delayed"}


async def test_a_refusal_for_spam_is_told_and_never_touches_the_address(bench: Bench) -> None:
    """It is classified by the same rules as a report."""
    await tell(bench, "rejected", reply="554 5.7.1 message looks like spam")
    await reader(bench).round()
    assert (await bench.state()).state is State.ACTIVE
    (block,) = await bench.stream(bench.keys.blocks)
    assert (block["category"], block["provider"]) == ("spam_content", "company.example")


async def test_a_sender_may_say_what_it_knows_of_the_recipient(bench: Bench) -> None:
    """A refusal has no return path that could tell."""
    await tell(bench, "rejected", reply=UNKNOWN, profile=str(Profile(OptIn.CONFIRMED, Engagement.ACTIVE)))
    await reader(bench).round()
    assert (await bench.state()).state is State.HELD


async def test_sent_is_counted_for_list_campaign_and_domain(bench: Bench) -> None:
    """And leaves no event: it is said of millions."""
    await tell(bench, "sent", address=None, count=300, campaign="spring")
    await tell(bench, "sent", address=None, count=200, campaign="spring", domain="Company.Example")
    await reader(bench).round()
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert counts["rate:sent:list"] == 500
    assert counts["rate:sent:campaign:spring"] == 500
    assert counts["rate:sent:domain:company.example"] == 200
    assert await bench.events() == []


async def test_good_news_that_changes_nothing_leaves_no_trace(bench: Bench) -> None:
    """Millions of deliveries must not drive the few events that matter out of the stream."""
    await tell(bench, "delivered")
    await tell(bench, "engaged")
    await reader(bench).round()
    assert await bench.events() == []
    assert await bench.store.history("main", ALICE) == []
    assert await left(bench) == 0


async def test_mail_to_a_suppressed_address_is_noticed(bench: Bench) -> None:
    """The sender does not ask the list."""
    await bench.fails(Category.MAILBOX_UNKNOWN)
    bench.clock.forward(days=7)
    await tell(bench, "delivered")
    await reader(bench).round()
    assert len(await bench.events("mailed_while_suppressed")) == 1
    assert await bench.ask("HGET", bench.keys.counts(f"{bench.clock():%Y%m%d%H}"), "mailed_while_suppressed") == b"1"
    assert (await bench.state()).state is State.SUPPRESSED


ACCESS_DENIED = "550 5.4.1 Recipient address rejected: Access denied"


@pytest.mark.parametrize(
    ("told", "category"),
    [
        ({"reply": ACCESS_DENIED}, Category.RECIPIENT_REFUSED),
        ({"reply": ACCESS_DENIED, "mta": "mx.company.example"}, Category.RECIPIENT_REFUSED),
        ({"reply": ACCESS_DENIED, "mta": "what is this? \x1b" * 40}, Category.RECIPIENT_REFUSED),
        (
            {"reply": ACCESS_DENIED, "mta": "company-example.mail.protection.outlook.com"},
            Category.MAILBOX_UNKNOWN,
        ),
    ],
)
async def test_a_provider_s_rows_apply_where_the_entry_names_its_server(
    bench: Bench, told: dict[str, str], category: Category
) -> None:
    """The same words mean an unknown recipient at Microsoft, and nothing of the kind elsewhere."""
    await tell(bench, "rejected", **told)
    await reader(bench).round()
    (event,) = await bench.events("rejected")
    assert event["category"] == category


@pytest.mark.parametrize(
    ("stage", "state"),
    [
        (None, State.SUPPRESSED),
        ("RCPT", State.SUPPRESSED),
        ("rcpt", State.SUPPRESSED),
        ("DATA", State.ACTIVE),
        ("MAIL", State.ACTIVE),
        ("EHLO", State.ACTIVE),
    ],
)
async def test_what_a_refusal_means_depends_on_the_command_that_it_answers(
    bench: Bench, stage: str | None, state: State
) -> None:
    """After DATA a bad address is that of a header; before a recipient was named it is about the sender."""
    await tell(bench, "rejected", reply="550 5.1.3 Bad recipient address syntax", stage=stage)
    await reader(bench).round()
    assert (await bench.state()).state is state
    assert await bench.stream(bench.keys.intake_failed) == []


async def test_a_refusal_is_about_the_address_of_the_entry(bench: Bench) -> None:
    """A provider's rows apply to its own domains too, whatever the server is called."""
    await tell(bench, "rejected", reply=ACCESS_DENIED, address="alice@outlook.com")
    await reader(bench).round()
    (event,) = await bench.events("rejected")
    assert (event["address"], event["category"]) == ("alice@outlook.com", Category.MAILBOX_UNKNOWN)


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
        {"type_": "rejected", "reply": UNKNOWN, "stage": "lunch"},
        {"type_": "sent", "count": "-1"},
        {"type_": "sent", "domain": "..."},
    ],
)
async def test_what_nobody_understands_is_set_aside_with_the_error(bench: Bench, poison: dict[str, str]) -> None:
    """It does not stop those behind it."""
    entry = await tell(bench, **poison)
    await tell(bench, "complained")
    await reader(bench).round()
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert failed["entry"] == entry
    assert failed["error"]
    assert failed["type"] == poison["type_"]
    assert await left(bench) == 0
    assert (await bench.ask("XPENDING", bench.keys.intake, "bounced"))["pending"] == 0
    assert (await bench.state()).state is State.SUPPRESSED


async def test_an_error_that_nobody_foresaw_costs_the_entry_and_not_the_job(bench: Bench) -> None:
    """Such as a state that somebody else wrote by hand: the entry is set aside, the others take effect."""
    bob = "bob@company.example"
    await bench.ask("HSET", bench.keys.address(bob), "state", "held", "until", "soon", "version", "1")
    entry = await tell(bench, "complained", address=bob)
    await tell(bench, "complained")
    await reader(bench).round()
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert (failed["entry"], failed["address"], failed["type"]) == (entry, bob, "complained")
    assert failed["error"] == "UnreadableState: Invalid isoformat string: 'soon'"
    assert await left(bench) == 0
    assert (await bench.state()).state is State.SUPPRESSED


async def test_an_entry_that_breaks_the_reading_is_set_aside(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged with where it happened; a sender's mistake is not."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(intake, "understand_entry", broken)
    await tell(bench, "engaged")
    with capture_logs() as logs:
        await reader(bench).round()
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert failed["error"] == "RuntimeError: a mistake of ours"
    assert [(log["event"], log["log_level"]) for log in logs] == [("intake.failed", "error")]
    assert isinstance(logs[0]["exc_info"], RuntimeError)


async def test_several_workers_share_the_stream(bench: Bench) -> None:
    """Each entry takes effect once."""
    addresses = [f"{number}@company.example" for number in range(2 * BATCH)]
    for address in addresses:
        await tell(bench, "complained", address=address)
    workers = [reader(bench) for _ in range(4)]
    while await left(bench):
        await asyncio.gather(*(worker.round() for worker in workers))
    assert len(await bench.events("complained")) == len(addresses)
    assert await bench.ask("SCARD", bench.keys.suppressed) == len(addresses)


async def test_what_a_dead_worker_had_is_taken_over(bench: Bench) -> None:
    """It read the entry and was killed before the commit."""
    await tell(bench, "complained")
    assert len(await bench.job_store().next_entries("main", BATCH)) == 1
    other = reader(bench)
    await other.round()
    assert (await bench.state()).state is State.ACTIVE
    await other.take_over(idle_s=0)
    assert (await bench.state()).state is State.SUPPRESSED
    assert await left(bench) == 0


async def test_an_entry_that_two_workers_have_counts_once(bench: Bench) -> None:
    """One took over while the other was only slow."""
    await tell(bench, "rejected", reply="552 5.2.2 mailbox full")
    slow, quick = bench.job_store(), bench.job_store()
    entries = await slow.next_entries("main", BATCH)
    assert await quick.abandoned("main", 0, BATCH) == entries
    worker = reader(bench)
    await asyncio.gather(*(worker._take_in(bench.pipeline, "main", entries) for _ in range(2)))
    assert len(await bench.events("rejected")) == 1
    assert (await bench.state()).version == 1


async def test_a_commit_that_failed_is_tried_again(bench: Bench) -> None:
    """The store was away for a moment: the entry waits."""

    class Away(MemoryStore):
        async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
            raise StoreUnavailable("away")

    await tell(bench, "complained")
    worker, present = reader(bench), bench.pipeline
    bench.pipeline = replace(present, store=Away({"main": bench.keys}))
    with pytest.raises(StoreUnavailable):
        await worker.round()
    bench.pipeline = present
    assert await left(bench) == 1
    await worker.take_over(idle_s=0)
    assert (await bench.state()).state is State.SUPPRESSED


async def test_the_stream_may_be_deleted_while_the_daemon_runs(bench: Bench) -> None:
    """The group is made again."""
    worker = reader(bench)
    await worker.round()
    await bench.ask("DEL", bench.keys.intake)
    await tell(bench, "complained")
    await worker.round()
    assert (await bench.state()).state is State.SUPPRESSED


async def test_entries_of_one_address_are_taken_in_the_order_of_their_time(bench: Bench) -> None:
    """Though they were written in another."""
    at = int(bench.clock.now.timestamp())
    await tell(bench, "subscribed", at=at)
    await tell(bench, "unsubscribed", at=at - 3600)
    await reader(bench).round()
    assert (await bench.state()).state is State.ACTIVE


async def test_failures_of_one_address_count_in_whatever_order_they_were_written(bench: Bench) -> None:
    """The older one would be none after the newer: it is less than 24 hours later."""
    bench.clock.forward(days=8)
    now = int(bench.clock.now.timestamp())
    for at in (now, now - 8 * 86_400):
        await tell(bench, "rejected", at=at, reply="552 5.2.2 mailbox full")
    await reader(bench).round()
    assert (await bench.state()).streaks[Class.SOFT].count == 2


async def test_a_round_takes_over_what_was_left_for_long_and_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to ask for it."""
    monkeypatch.setattr("bounced.jobs.intake.TAKE_OVER_EVERY_S", 0.0)
    old = await tell(bench, "complained", address="old@company.example")
    await tell(bench, "complained", address="young@company.example")
    assert len(await bench.job_store().next_entries("main", BATCH)) == 2
    await bench.ask("XCLAIM", bench.keys.intake, "bounced", "a dead worker", 0, old, "IDLE", 20_000)
    await reader(bench).round()
    assert (await bench.state("old@company.example")).state is State.SUPPRESSED
    assert (await bench.state("young@company.example")).state is State.ACTIVE


async def test_where_something_came_more_is_looked_for_soon(bench: Bench) -> None:
    """And ever more rarely while nothing comes."""
    worker = reader(bench)
    idle = [await worker.round() for _ in range(9)]
    assert idle == sorted(idle)
    assert idle[0] < idle[-1] == await worker.round() == LAST_PAUSE_S
    await tell(bench, "complained")
    assert await worker.round() == FIRST_PAUSE_S


async def test_older_evidence_in_a_later_batch_does_not_override_newer(bench: Bench) -> None:
    """The order of arrival says nothing."""
    at = int(bench.clock.now.timestamp())
    for type_, when in (("subscribed", at), ("unsubscribed", at - 3600)):
        await tell(bench, type_, at=when)
        await reader(bench).round()
    assert (await bench.state()).state is State.ACTIVE


async def test_a_time_in_the_future_is_now(bench: Bench) -> None:
    """A sender's clock that runs ahead must not make everything else older."""
    await tell(bench, "unsubscribed", at=int((bench.clock.now + timedelta(days=400)).timestamp()))
    await reader(bench).round()
    assert (await bench.state()).since == bench.clock.now


async def test_a_hard_refusal_counts_in_the_lists_that_share(bench: Bench) -> None:
    """As a report does; the sender's rates are those of the list that sent."""
    lists = {"main": ListSettings(DEFAULT_POLICY, shares_hard_with=("other",)), "other": ListSettings(DEFAULT_POLICY)}
    bench.store.use({"main": bench.keys, "other": Keyspace(bench.keys.prefix, "other")})
    bench.pipeline = replace(bench.pipeline, lists=lists)
    await tell(bench, "rejected", reply=UNKNOWN)
    worker = reader(bench)
    await worker._take_in(bench.pipeline, "main", await bench.job_store().next_entries("main", BATCH))
    assert (await bench.store.load("other", ALICE)).state is State.SUPPRESSED
    (counts,) = await bench.job_store().counts("other", bench.clock.now, 1)
    assert not [name for name in counts if name.startswith("rate:")]


async def test_a_release_lifts_what_stayed_of_an_erased_complainer(bench: Bench) -> None:
    """As the command does: the client's word is an operator's too.  A subscription does not lift a complaint."""
    bench.settings(intake_may_release=True)
    bench.keys = replace(bench.keys, erasure_pepper=b"an example pepper")
    bench.store.use({"main": bench.keys})
    await tell(bench, "complained")
    await reader(bench).round()
    await erase(bench.store, "main", ALICE, lambda _seen: None, kept=bench.keys.erased_id(ALICE))
    await tell(bench, "subscribed")
    await reader(bench).round()
    assert await kept_hash(bench.store, "main", ALICE)
    bench.clock.forward(hours=1)
    await tell(bench, "release", reason="wrote to us")
    await reader(bench).round()
    assert await bench.ask("SCARD", bench.keys.suppressed) == 0
    assert await left(bench) == 0


async def test_the_client_and_the_daemon_speak_of_the_same_things(bench: Bench, redis_url: str) -> None:
    """Everything that the client library can tell is understood, and who did what people do."""
    bench.settings(intake_may_release=True)
    async with AsyncClient.from_url(redis_url, keys=bench.keys) as client:
        at = bench.clock.now
        await client.report_delivered(ALICE, campaign="spring", at=at)
        profile = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
        await client.report_rejected(ALICE, "550 5.1.1 no such user", profile=profile, at=at)
        await client.report_engaged(ALICE, at=at)
        await client.report_subscribed(ALICE, actor="page", at=at)
        await client.report_unsubscribed(ALICE, actor="page", at=at)
        await client.report_complained(ALICE, actor="helpdesk", at=at)
        await client.report_sent(500, campaign="spring", domain="company.example", at=at)
        await client.suppress(ALICE, "legal asked", actor="lena")
        await client.release(ALICE, "legal changed its mind", actor="lena")
    bench.clock.forward(days=365)
    await reader(bench).round()
    assert await bench.stream(bench.keys.intake_failed) == []
    assert await left(bench) == 0
    told = {event["type"] for event in await bench.events()}
    assert {EvidenceType.REJECTED, EvidenceType.COMPLAINED, EvidenceType.SUPPRESS} <= told
    actors = {event["type"]: event.get("actor") for event in await bench.events() if event["type"] != "transition"}
    assert actors["unsubscribed"] == "claimed:page"
    assert actors["suppress"] == actors["release"] == "claimed:lena"


@pytest.mark.parametrize("type_", ["suppress", "release"])
async def test_an_operator_s_decision_is_taken_only_where_the_list_says_so(bench: Bench, type_: str) -> None:
    """Whoever may report must not be able to lift a complaint."""
    await tell(bench, type_, reason="because")
    await reader(bench).round()
    assert await bench.state() == AddressState()
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert "intake_may_release = true" in failed["error"]
    assert failed["address"] == ALICE


@pytest.mark.parametrize("reason", [None, " "])
async def test_an_operator_s_decision_through_the_intake_needs_a_reason(bench: Bench, reason: str | None) -> None:
    """Nobody could tell later why it was so."""
    bench.settings(intake_may_release=True)
    await tell(bench, "suppress", reason=reason)
    await reader(bench).round()
    assert await bench.state() == AddressState()
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert failed["error"] == "suppress needs a reason"


@pytest.mark.parametrize("claimed", ["root", "claimed:root", "\x1b[2Jroot", "x" * 1000])
async def test_nobody_can_claim_to_be_somebody_who_was_authenticated(bench: Bench, claimed: str) -> None:
    """What the intake says of an actor is marked, escaped and bounded: in events, history and state."""
    await tell(bench, "unsubscribed", actor=claimed)
    await reader(bench).round()
    told = [event["actor"] for event in await bench.events()] + [(await bench.state()).actor]
    assert len(told) == 3
    assert all(actor.startswith("claimed:") and actor.isprintable() and len(actor) <= 64 for actor in told)


async def test_where_addresses_are_hashed_nothing_that_failed_is_kept(hashed_bench: Bench) -> None:
    """But that it failed, and which type it was."""
    await tell(hashed_bench, "rejected", address="alice@company.example")
    await reader(hashed_bench).round()
    (failed,) = await hashed_bench.stream(hashed_bench.keys.intake_failed)
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
async def test_a_count_that_is_no_whole_number_in_bounds_is_set_aside(bench: Bench, count: str) -> None:
    """All of it is looked at, and nothing of it is counted."""
    await tell(bench, "sent", address=None, campaign="spring", count=count)
    await reader(bench).round()
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert failed["error"].startswith("count must be a whole number from 1 to 1000000000")
    assert await bench.job_store().counts("main", bench.clock.now, 1) == [{}]


@pytest.mark.parametrize(("count", "counted"), [("1000000000", 10**9), ("000000000012", 12), ("0" * 5000 + "7", 7)])
async def test_leading_zeros_are_no_part_of_a_count(bench: Bench, count: str, counted: int) -> None:
    """Some languages pad."""
    await tell(bench, "sent", address=None, campaign="spring", count=count)
    await reader(bench).round()
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert counts["rate:sent:list"] == counted


def as_written(form: str, at: datetime) -> object:
    """Return a time as somebody writes it by hand."""
    return {
        "seconds": int(at.timestamp()),
        "milliseconds": int(at.timestamp()) * 1000 + 999,
        "milliseconds as a language prints them": f"{at.timestamp() * 1000:.9e}",
        "fractions": f"{int(at.timestamp())}.999",
        "UTC": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "small letters": f"{at:%Y-%m-%dt%H:%M:%S.999999999z}",
        "another zone": at.astimezone(timezone(timedelta(hours=-5, minutes=-30))).isoformat(),
        "no zone": f"{at:%Y-%m-%d %H:%M:%S}",
    }[form]


FORMS = (
    "seconds",
    "milliseconds",
    "milliseconds as a language prints them",
    "fractions",
    "UTC",
    "small letters",
    "another zone",
    "no zone",
)


@pytest.mark.parametrize("form", FORMS)
async def test_a_time_is_read_however_it_is_written(bench: Bench, form: str) -> None:
    """As a unix time in seconds or milliseconds, or as ISO 8601, which is UTC where it names no zone."""
    at = bench.clock.now.replace(microsecond=0) - timedelta(hours=30)
    await tell(bench, "complained", at=as_written(form, at))
    await reader(bench).round()
    assert (await bench.state()).since == at


async def test_an_entry_without_a_time_happened_when_redis_took_it(bench: Bench) -> None:
    """The ID of the entry says when, to the millisecond."""
    at = bench.clock.now.replace(microsecond=0) - timedelta(hours=3)
    id_ = f"{int(at.timestamp()) * 1000 + 250}-7"
    await bench.ask("XADD", bench.keys.intake, id_, "type", "unsubscribed", "address", ALICE)
    await reader(bench).round()
    state = await bench.state()
    assert (state.state, state.since) == (State.SUPPRESSED, at)


async def test_an_entry_without_a_time_that_waited_does_not_undo_what_came_after_it(bench: Bench) -> None:
    """It is as old as its ID, and not as young as the worker that reads it."""
    written = int(bench.clock.now.timestamp()) * 1000
    bench.clock.forward(days=1)
    await bench.fails(Category.MAILBOX_UNKNOWN)
    await bench.ask("XADD", bench.keys.intake, f"{written}-1", "type", "subscribed", "address", ALICE)
    await reader(bench).round()
    assert await left(bench) == 0
    assert (await bench.state()).state is State.SUPPRESSED


@pytest.mark.parametrize("id_", ["1000000000000000-0", "18446744073709551614-1"])
async def test_an_entry_without_a_time_whose_id_is_no_time_happened_now(bench: Bench, id_: str) -> None:
    """An ID of up to 20 digits, which somebody chose, is later than now; Redis numbers all entries after it by it."""
    for entry, address in ((id_, ALICE), ("*", "bob@example.org")):
        await bench.ask("XADD", bench.keys.intake, entry, "type", "complained", "address", address)
    await reader(bench).round()
    assert await left(bench) == 0
    assert (await bench.state()).since == bench.clock.now.replace(microsecond=0)
    assert await bench.ask("EXISTS", bench.keys.intake_failed) == 0


async def test_an_address_that_is_no_utf_8_is_set_aside(bench: Bench) -> None:
    """Else another address would be suppressed, and whoever told of this one would not hear of it."""
    await bench.ask("XADD", bench.keys.intake, "*", "type", "complained", "address", b"j\xfcrgen@example.org")
    await reader(bench).round()
    ((_, fields),) = await bench.ask("XRANGE", bench.keys.intake_failed, "-", "+")
    assert "address must be in UTF-8" in str(fields)


@pytest.mark.parametrize("id_", ["1-0", "1790812800-0"])
async def test_an_entry_without_a_time_is_as_old_as_an_id_that_somebody_chose(bench: Bench, id_: str) -> None:
    """An ID of small numbers says 1970: what it tells is older than everything else."""
    await bench.ask("XADD", bench.keys.intake, id_, "type", "complained", "address", ALICE)
    await reader(bench).round()
    assert (await bench.state()).since.year == 1970


@pytest.mark.parametrize(
    "at",
    [
        *("inf", "nan", "-1", "1_772_000_000", "\u0661" * 10, "9" * 400, "1e99", "", "soon"),
        *("9" * 14, "2026-05-01", "2026-13-01T00:00:00Z", "2026-05-01T25:00", "1969-12-31T23:59:59Z"),
        *("0001-01-01T00:00:00+14:00", "2026-05-01T12:00:00 Europe/Paris", "2026-05-01T12:00\n", "1790812800\n"),
    ],
)
async def test_a_time_that_is_none_is_set_aside(bench: Bench, at: str) -> None:
    """Whatever a language would take for a number."""
    await tell(bench, "complained", at=at)
    await reader(bench).round()
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert failed["error"].startswith("at must be a unix time in seconds")


async def test_an_entry_without_end_is_set_aside_and_the_others_go_on(bench: Bench) -> None:
    """So many fields that no script could hand them on."""
    many = [word for number in range(9000) for word in (f"field-{number}", "x")]
    await bench.ask("XADD", bench.keys.intake, "*", "type", "nonsense", *many)
    await tell(bench, "complained")
    await reader(bench).round()
    assert await left(bench) == 0
    assert (await bench.state()).state is State.SUPPRESSED
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert "type must be one of" in failed["error"]


async def test_an_entry_whose_address_is_a_key_of_another_type_is_set_aside(bench: Bench) -> None:
    """The server will say the same each time; the others are taken in."""
    await bench.ask("SET", bench.keys.address("mallory@company.example"), "what a mistake")
    await tell(bench, "complained", address="mallory@company.example")
    await reader(bench).round()
    await tell(bench, "complained")
    await reader(bench).round()
    assert await left(bench) == 0
    assert (await bench.state()).state is State.SUPPRESSED
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert "holds a value of another type" in failed["error"]


@pytest.mark.parametrize("name", ["events", "suppressed", "disputed", "counts"])
async def test_a_key_of_the_whole_list_that_is_of_another_type_costs_no_entry(bench: Bench, name: str) -> None:
    """It is nobody's fault who told something: all entries wait until it is mended."""
    wrong = bench.keys.counts(hour(bench.clock.now)) if name == "counts" else getattr(bench.keys, name)
    await bench.ask("SET", wrong, "what a mistake")
    await tell(bench, "complained")
    with pytest.raises(StoreUnavailable, match="holds a value of another type"):
        await reader(bench).round()
    assert await bench.stream(bench.keys.intake_failed) == []
    await bench.ask("DEL", wrong)
    await reader(bench).take_over(idle_s=0)
    assert await left(bench) == 0
    assert (await bench.state()).state is State.SUPPRESSED


async def test_a_stored_state_of_rubbish_numbers_is_written_anew(bench: Bench) -> None:
    """What decides whether the address may be mailed stands; the rest counts as missing."""
    await bench.fails(Category.MAILBOX_FULL)
    rubbish = {"version": "inf", "streaks": "soft:x:y:z:1:1 hard", "last_released_at": "yesterday", "bounces": "many"}
    await bench.ask("HSET", bench.keys.address(ALICE), *(word for pair in rubbish.items() for word in pair))
    await bench.ask("HSET", bench.keys.bouncing, *(word for day in range(20500, 21200) for word in (day, "nan")))
    await bench.ask("ZADD", bench.keys.disputed, "inf", "company.example")
    await tell(bench, "complained")
    await reader(bench).round()
    assert await left(bench) == 0
    assert (await bench.state()).state is State.SUPPRESSED
    assert (await bench.state()).version == 2


async def test_an_event_that_is_told_twice_counts_once(bench: Bench) -> None:
    """By whichever entry: the second one is acknowledged and deleted, and nothing comes of it."""
    for type_, id_ in (("engaged", "a"), ("unsubscribed", "b"), ("unsubscribed", "b"), ("subscribed", "c")):
        await tell(bench, type_, id=id_)
        await reader(bench).round()
    bench.clock.forward(hours=1)
    await tell(bench, "unsubscribed", id="b")
    await reader(bench).round()
    assert (await bench.state()).state is State.ACTIVE
    assert len(await bench.events("unsubscribed")) == 1
    assert await left(bench) == 0
    assert (await bench.ask("XPENDING", bench.keys.intake, "bounced"))["pending"] == 0


async def test_a_release_with_an_id_lifts_an_erased_complainer_and_the_address(bench: Bench) -> None:
    """The id stands for the whole decision, not for the first of its writes."""
    bench.settings(intake_may_release=True)
    bench.keys = replace(bench.keys, erasure_pepper=b"an example pepper")
    bench.store.use({"main": bench.keys})
    await tell(bench, "complained")
    await reader(bench).round()
    await erase(bench.store, "main", ALICE, lambda _seen: None, kept=bench.keys.erased_id(ALICE))
    await tell(bench, "suppress", reason="asked", id="a")
    await reader(bench).round()
    assert await bench.ask("SCARD", bench.keys.suppressed) == 2
    bench.clock.forward(hours=1)
    await tell(bench, "release", reason="asked again", id="b")
    await reader(bench).round()
    assert await bench.ask("SCARD", bench.keys.suppressed) == 0


async def test_an_id_has_an_end(bench: Bench) -> None:
    """It is set aside, and says why."""
    await tell(bench, "unsubscribed", id="x" * 201)
    await reader(bench).round()
    (failed,) = await bench.stream(bench.keys.intake_failed)
    assert "id has at most 200 characters" in failed["error"]


async def test_who_unsubscribes_again_is_counted_once_and_heard(bench: Bench) -> None:
    """The time of the last one decides: a subscription from before it lifts nothing, even if it is read later."""
    began = bench.clock.now
    await tell(bench, "unsubscribed")
    await reader(bench).round()
    bench.clock.forward(minutes=10)
    await tell(bench, "unsubscribed")
    await reader(bench).round()
    await tell(bench, "subscribed", at=int((began + timedelta(minutes=5)).timestamp()))
    await reader(bench).round()
    assert (await bench.state()).category is Category.UNSUBSCRIBED
    assert await bench.ask("HGET", bench.keys.counts(hour(began)), "type:unsubscribed") == b"1"


async def test_one_id_for_several_events_hides_none_of_them(bench: Bench) -> None:
    """Services name a message, which is delivered to several and complained about later."""
    bob = "bob@company.example"
    for type_, address in (("delivered", ALICE), ("complained", ALICE), ("complained", bob), ("complained", bob)):
        await tell(bench, type_, address=address, id="message-1")
        await reader(bench).round()
    assert [event["address"] for event in await bench.events("complained")] == [ALICE, bob]
