"""The one path, from a message to a commit, on the store in memory and with a fixed clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest

from bounced.core.contract.digest import older_digests, report_digest
from bounced.core.contract.hourly_counters import feedback_of
from bounced.core.contract.keys import Keyspace
from bounced.core.limits import MAX_CONTENT_BYTES
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.return_path import Directory, Keyring, Pattern, ReturnPaths, SigningKey, new_token
from bounced.core.return_path.keyring import KeyStatus
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Envelope, Kind, Origin, State
from bounced.demo.scenes import Scene
from bounced.edges.memory_store import MemoryStore
from bounced.explain import packaged_rules
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import PathRefused

NOW = datetime(2026, 11, 21, 12, 0, 0, 999_999, tzinfo=UTC)
ALICE = "alice@example.org"
DOMAIN = "bounce.example.com"
KEYS = Keyring(SigningKey("a", b"a secret of enough octets", KeyStatus.SIGNING))
PATHS = ReturnPaths("main", (DOMAIN,), KEYS, patterns=(Pattern("bounces+{local}={domain}"),), roles=frozenset({"fbl"}))
OTHER_PATHS = ReturnPaths("other", ("bounce.example.net",), KEYS)
RULES = packaged_rules()
PLAIN = b"From: someone@example.net\r\nSubject: hello\r\nMessage-ID: <1@example.net>\r\n\r\nIs this address read?\r\n"
UNPROVEN = (
    b"From: Alice <alice@example.org>\r\nSubject: WG: failure notice\r\nMessage-ID: <2@example.net>\r\n"
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain\r\n\r\nWhat does this mean?\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: MAILER-DAEMON@mail.example.net\r\n\r\n"
    b"<alice@example.org>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n--x--\r\n"
)
NO_REASON = (
    b"From: MAILER-DAEMON@mail.example.net\r\nSubject: Undelivered Mail Returned to Sender\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain\r\n\r\nIt did not work.\r\n"
    b"--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.net\r\n\r\n"
    b"Final-Recipient: rfc822; alice@example.org\r\nAction: failed\r\nStatus: 5.0.0\r\n\r\n--x--\r\n"
)


@pytest.fixture
def store():
    """Return an empty store that knows two lists."""
    return MemoryStore({name: Keyspace(list_=name) for name in ("main", "other")})


@pytest.fixture
def pipeline(store):
    """Return a pipeline of two lists."""
    lists = {"main": ListSettings(DEFAULT_POLICY), "other": ListSettings(DEFAULT_POLICY)}
    return Pipeline(Directory((PATHS, OTHER_PATHS)), RULES, lists, store, lambda: NOW)


def signed(recipient=ALICE, issued=NOW):
    """Return a return path for mail to a recipient."""
    return PATHS.encode(recipient, issued=issued.date())


async def deliver(pipeline, forward_path, content, reverse_path=""):
    """Hand one message in, as a door does."""
    destination = await pipeline.admit(forward_path)
    return await pipeline.process(destination, Envelope("192.0.2.1", reverse_path, forward_path, content, NOW))


async def test_an_unknown_user_is_suppressed(pipeline, store):
    """The main job."""
    committed = await deliver(pipeline, signed(), Scene("unknown_user", ALICE).content(signed()))
    assert committed.transition.after.state is State.SUPPRESSED
    assert (await store.load("main", ALICE)).category is Category.MAILBOX_UNKNOWN


async def test_times_are_whole_seconds(pipeline, store):
    """What is written is what is read again."""
    committed = await deliver(pipeline, signed(), Scene("unknown_user", ALICE).content(signed()))
    assert committed.transition.evidence.at == NOW.replace(microsecond=0)


async def test_a_report_about_others_counts_hard_as_soft(pipeline, store):
    """An alias whose one member left must stay."""
    team = signed("team@example.org")
    await deliver(pipeline, team, Scene("unknown_user", ALICE).content(team))
    assert (await store.load("main", "team@example.org")).state is State.BOUNCING
    assert (await store.load("main", ALICE)).state is State.ACTIVE


async def test_an_unsigned_path_changes_no_state(pipeline, store):
    """Anybody could have sent it; the event is recorded all the same."""
    path = f"bounces+alice=example.org@{DOMAIN}"
    committed = await deliver(pipeline, path, Scene("unknown_user", ALICE).content(path))
    assert committed.transition.reason == "untrusted"
    assert (await store.load("main", ALICE)).state is State.ACTIVE


@pytest.mark.parametrize(("named", "state"), [(ALICE, State.SUPPRESSED), ("bob@example.org", State.ACTIVE)])
async def test_an_unsigned_path_that_is_trusted_counts_where_the_report_names_the_same_recipient(
    pipeline, store, named, state
):
    """Not where it names another."""
    trusting = ListSettings(DEFAULT_POLICY, trust_unsigned=True)
    pipeline = replace(pipeline, lists={**pipeline.lists, "main": trusting})
    path = f"bounces+alice=example.org@{DOMAIN}"
    await deliver(pipeline, path, Scene("unknown_user", named).content(path))
    assert (await store.load("main", ALICE)).state is state


async def test_a_complaint_at_a_feedback_address_is_attributed_by_the_return_path_in_the_original(pipeline, store):
    """The recipient it names may be hidden; the return path is ours."""
    content = Scene("complaint", "redacted@example.org").content(signed())
    await deliver(pipeline, f"fbl@{DOMAIN}", content)
    assert (await store.load("main", ALICE)).category is Category.COMPLAINT


@pytest.mark.parametrize("type_", ["abuse", "opt-out", "Abuse (user marked it)"])
@pytest.mark.parametrize(
    ("field", "returned"),
    [
        ("Original-Mail-From: <{path}>", "rfc822"),
        ("Original-Mail-From:\n <{path}>", ""),
        ("Original-Mail-From: <>\nOriginal-Mail-From: <{path}>", ""),
        ("Original-Rcpt-To: <{path}>", "rfc822"),
        ("Reported-URI: https://shop.example/u?p={percent}", ""),
        ("CFBL-Feedback-ID: {path}", ""),
        ("", "rfc822|Return-Path: <{path}>"),
        ("", "rfc822-headers|Sender: {path}"),
        ("", "rfc822-headers|X-Hidden: <>\nX-Hidden: {path}"),
        ("", "rfc822-headers|List-Unsubscribe: <https://shop.example/u>,\n <mailto:{percent}?subject=leave>"),
        ("", "rfc822-headers|Message-ID: <{path}>"),
        ("", "rfc822-headers|Feedback-ID: nov:main:{path}"),
        ("", "rfc822-headers|CFBL-Feedback-ID: {quoted}"),
        ("", "plain|Return-Path: <{path}>"),
    ],
)
async def test_a_complaint_is_attributed_by_a_return_path_in_any_field(pipeline, store, field, returned, type_):
    """Of the report, or of the header that came back as a message, as a header, or in plain text."""
    path = signed()
    percent = path.replace("=", "%3D").replace("@", "%40")
    quoted = f"=?utf-8?q?{path.replace('=', '=3D')}?="
    kind, _, fields = returned.format(path=path, percent=percent, quoted=quoted).partition("|")
    media = {"rfc822": "message/rfc822", "rfc822-headers": "text/rfc822-headers", "plain": "text/plain"}.get(kind)
    part = f"--b\nContent-Type: {media}\n\nTo: redacted\n{fields}\nSubject: November news\n\nHello.\n" if media else ""
    feedback = f"Feedback-Type: {type_}\nVersion: 1\n{field.format(path=path, percent=percent)}\n"
    content = (
        "From: feedback@isp.example\nSubject: complaint\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        "--b\n\nThis is an abuse report.\n"
        f"--b\nContent-Type: message/feedback-report\n\n{feedback}\n{part}--b--\n"
    )
    await deliver(pipeline, f"fbl@{DOMAIN}", content.encode())
    category = Category.UNSUBSCRIBED if type_ == "opt-out" else Category.COMPLAINT
    assert (await store.load("main", ALICE)).category is category


async def test_an_opt_out_at_the_return_path_is_an_unsubscription_that_a_new_subscription_lifts(pipeline, store):
    """It is no complaint, and raises no rate of complaints.  (RFC 5965 section 7.3)"""
    content = Scene("complaint", ALICE).content(signed()).replace(b"Feedback-Type: abuse", b"Feedback-Type: opt-out")
    await deliver(pipeline, signed(), content)
    assert (await store.load("main", ALICE)).category is Category.UNSUBSCRIBED
    counted = store._lists["main"].counts[f"{NOW:%Y%m%d%H}"]
    assert counted["category:unsubscribed"] == 1
    assert not [name for name in counted if "complaint" in name and name != "kind:complaint"]
    opt_in = Evidence(EvidenceType.SUBSCRIBED, NOW + timedelta(hours=1), Origin.INTAKE)
    await pipeline.commit(ReportId("main", "", "opt-in"), ALICE, opt_in)
    assert (await store.load("main", ALICE)).state is State.ACTIVE


async def test_a_complaint_that_names_nobody_is_told_apart(pipeline, store):
    """Among the complaints of the list, by its provider, without the recipient."""
    content = Scene("complaint", ALICE).content("b-forged@elsewhere.example")
    await deliver(pipeline, f"fbl@{DOMAIN}", content)
    held = store._lists["main"]
    (kept,) = held.complaints
    assert kept["category"] == "complaint"
    assert not [value for value in kept.values() if "alice" in value or "@" in value]
    assert held.events[-1]["provider"] == kept["provider"]
    counted = held.counts[f"{NOW:%Y%m%d%H}"]
    assert counted["rate:unattributed:list"] == 1
    assert feedback_of(counted) == {kept["provider"]: {"attributed": 0, "unattributed": 1}}


async def test_a_complaint_of_ours_is_counted_by_its_provider_and_kept_nowhere(pipeline, store):
    """So that one sees the share of those that name nobody."""
    await deliver(pipeline, f"fbl@{DOMAIN}", Scene("complaint", ALICE).content(signed()))
    held = store._lists["main"]
    assert held.complaints == []
    assert feedback_of(held.counts[f"{NOW:%Y%m%d%H}"]) == {"example.org": {"attributed": 1, "unattributed": 0}}


async def test_where_a_list_keeps_no_addresses_nothing_is_kept_of_complaints_that_name_nobody(pipeline, store):
    """Whichever list the feedback address belongs to; they are counted by provider all the same."""
    store._keys = {**store._keys, "other": Keyspace(list_="other", pepper=b"pepper")}
    await deliver(pipeline, f"fbl@{DOMAIN}", Scene("complaint", ALICE).content("b-forged@elsewhere.example"))
    held = store._lists["main"]
    assert held.complaints == []
    assert held.counts[f"{NOW:%Y%m%d%H}"]["rate:unattributed:list"] == 1


async def test_hundreds_of_complaints_that_name_nobody_are_counted_in_a_day_and_each_once(pipeline, store):
    """More than the twenty that are taken for one return path."""
    complaint = Scene("complaint", ALICE).content("b-forged@elsewhere.example")
    head, body = complaint.split(b"\r\n\r\n", 1)
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"message-id:"))
    for number in [*range(300), 0, 1, 2]:
        content = b"Message-ID: <%d@isp.example>\r\n%s\r\n\r\n%s" % (number, head, body)
        await deliver(pipeline, f"fbl@{DOMAIN}", content)
    assert store._lists["main"].counts[f"{NOW:%Y%m%d%H}"]["rate:unattributed:list"] == 300


async def test_a_complaint_comes_late(pipeline, store):
    """A return path inside a report is believed for 400 days, at RCPT for 30."""
    long_ago = signed(issued=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(PathRefused):
        await pipeline.admit(long_ago)
    await deliver(pipeline, f"fbl@{DOMAIN}", Scene("complaint", ALICE).content(long_ago))
    assert (await store.load("main", ALICE)).category is Category.COMPLAINT


async def test_a_complaint_without_a_return_path_of_ours_is_an_event_and_touches_nobody(pipeline, store):
    """It could name anybody."""
    content = Scene("complaint", ALICE).content("b-forged@elsewhere.example")
    committed = await deliver(pipeline, f"fbl@{DOMAIN}", content)
    assert committed.transition.evidence.kind is Kind.COMPLAINT
    assert (await store.load("main", ALICE)).state is State.ACTIVE


async def test_a_bounce_at_a_feedback_address_touches_nobody(pipeline, store):
    """Only complaints are looked into for a return path."""
    await deliver(pipeline, f"fbl@{DOMAIN}", Scene("unknown_user", ALICE).content(signed()))
    assert (await store.load("main", ALICE)).state is State.ACTIVE


@pytest.mark.parametrize(
    ("forward_path", "content", "kept"),
    [
        (f"postmaster@{DOMAIN}", PLAIN, True),
        (signed(), NO_REASON, True),
        (signed(), PLAIN, False),
        (f"fbl@{DOMAIN}", PLAIN, False),
        (signed(), UNPROVEN, True),
        (signed(), Scene("unknown_user", ALICE).content(signed()), False),
    ],
    ids=["postmaster", "bounce without a reason", "no report", "no complaint", "unproven", "understood"],
)
async def test_what_is_kept_to_be_looked_at(pipeline, forward_path, content, kept):
    """The postmaster's mail, and bounces that nobody understood."""
    committed = await deliver(pipeline, forward_path, content)
    assert (committed.transition.evidence.content is not None) is kept


async def test_what_is_not_proven_to_be_a_bounce_changes_nothing_and_is_counted(pipeline, store):
    """A bounce that a person hands on names somebody else."""
    committed = await deliver(pipeline, signed(), UNPROVEN)
    evidence = committed.transition.evidence
    assert (evidence.kind, evidence.verdict) == (Kind.UNPROVEN, None)
    [counts] = store._lists["main"].counts.values()
    assert counts == {"type:report": 1, "kind:unproven": 1}
    assert (await store.load("main", ALICE)).state is State.ACTIVE


@pytest.mark.parametrize(
    ("reverse_path", "kind"), [("", Kind.BOUNCE), (None, Kind.UNPROVEN), ("dana@example.net", Kind.UNPROVEN)]
)
async def test_the_reverse_path_of_the_envelope_proves_a_bounce(pipeline, reverse_path, kind):
    """What a mail system alone may send by the null one, anybody may send by another."""
    content = b"From: postmaster@example.net\r\nSubject: your mail\r\n\r\nalice@example.org: whom do you mean?\r\n"
    committed = await deliver(pipeline, signed(), content, reverse_path)
    assert committed.transition.evidence.kind is kind


@pytest.mark.parametrize("reverse_path", ["", "alice@example.org"])
@pytest.mark.parametrize(
    "content",
    [
        b"Subject: Automatic reply: News\r\n\r\n",
        b"Subject: Hello\r\nAuto-Submitted: auto-replied\r\n\r\n",
        b"Subject: Please confirm your message\r\n\r\n",
        b"Subject: unsubscribe\r\n\r\n",
        b"Subject: Re: News\r\n\r\n",
        b"Subject: Fwd: failure notice\r\n\r\nThis is the mail system at host mx.example.net.\r\n",
    ],
    ids=["vacation", "marked", "challenge", "request", "person", "unproven"],
)
async def test_no_word_of_what_people_wrote_is_recorded(pipeline, store, content, reverse_path):
    """Health and telephone numbers stand there.  What may be a bounce is kept for the operator, and nowhere else."""
    said = (
        b"From: Alice <alice@example.org>\r\n"
        + content
        + b"<alice@example.org>: 550 5.1.1 user unknown, for I am in hospital.\r\n"
    )
    await deliver(pipeline, signed(), said, reverse_path)
    held = store._lists["main"]
    held.unrecognised.clear()
    assert "hospital" not in repr(held)


async def test_mail_that_is_no_report_is_counted_as_other(pipeline, store):
    """It is acknowledged and changes nothing; only a bounce can be one that gives no reason."""
    committed = await deliver(pipeline, signed(), PLAIN)
    evidence = committed.transition.evidence
    assert (evidence.kind, evidence.verdict) == (Kind.OTHER, None)
    [counts] = store._lists["main"].counts.values()
    assert counts == {"type:report": 1, "kind:other": 1}
    assert (await store.load("main", ALICE)).state is State.ACTIVE


async def test_a_hard_verdict_counts_in_the_lists_that_share_it(pipeline, store):
    """A full mailbox does not."""
    sharing = ListSettings(DEFAULT_POLICY, shares_hard_with=("other",))
    pipeline = replace(pipeline, lists={**pipeline.lists, "main": sharing})
    await deliver(pipeline, signed(), Scene("unknown_user", ALICE).content(signed()))
    bob = signed("bob@example.org")
    await deliver(pipeline, bob, Scene("full_mailbox", "bob@example.org").content(bob))
    assert (await store.load("other", ALICE)).state is State.SUPPRESSED
    assert (await store.load("main", "bob@example.org")).state is State.BOUNCING
    assert (await store.load("other", "bob@example.org")).state is State.ACTIVE


async def test_an_unregistered_token_is_refused(pipeline):
    """A token stands for somebody only while it is registered."""
    with pytest.raises(PathRefused, match="unregistered"):
        await pipeline.admit(PATHS.token_path(new_token(bytes(17))))


@pytest.mark.parametrize(
    ("path", "reason", "foreign"),
    [
        ("alice@example.org", "foreign", True),
        (f"nobody@{DOMAIN}", "unsigned", False),
        (PATHS.encode(ALICE, issued=date(2026, 10, 1)), "expired", False),
        (signed().replace("alice", "elise"), "tampered", False),
    ],
)
async def test_who_gets_no_mail_here(pipeline, path, reason, foreign):
    """The reason is for our own log."""
    with pytest.raises(PathRefused) as refused:
        await pipeline.admit(path)
    assert (refused.value.reason, refused.value.foreign) == (reason, foreign)
    assert not refused.value.for_now


async def test_a_path_from_a_day_that_has_not_come_is_refused_for_now(pipeline):
    """The clock of a host that was just started may be weeks behind; its peers must not lose their bounces for that."""
    with pytest.raises(PathRefused, match="not_yet_valid") as refused:
        await pipeline.admit(signed(issued=NOW + timedelta(days=2)))
    assert refused.value.for_now


def test_a_resend_has_the_same_digest_whichever_way_it_took():
    """With a Message-ID by that, without one by the content but for trace fields."""
    message = b"Subject: failure\r\n\r\nIt failed.\r\n"
    travelled = b"Received: from a\r\n\tby b; now\r\nReturn-Path: <>\r\n" + message
    assert digest(None, message) == digest(None, travelled)
    assert digest(None, message) != digest(None, message + b"Received: in the body\r\n")
    assert digest("<1@a>", b"one") == digest("<1@a>", b"two")
    assert digest("<1@a>", b"one") != report_digest("q", Kind.BOUNCE, "<1@a>", b"one")


@pytest.mark.parametrize("line", [b"It failed.", b"", b"x" * 900])
@pytest.mark.parametrize("lines", [1, 2000, 700_000])
def test_crlf_and_lf_give_one_digest_also_where_the_door_kept_the_first_mebibyte_only(line, lines):
    """By SMTP a notice has CRLF, in a Maildir LF, and of a long one the two forms are cut in different places."""
    notice = b"Subject: failure\n\n" + b"\n".join([line] * min(lines, 2_000_000 // (len(line) + 1)))
    by_smtp = b"Received: from a\r\n\tby b; now\r\n" + notice.replace(b"\n", b"\r\n")
    stored = b"Return-Path: <>\nDelivered-To: bounces\n" + notice
    assert digest(None, by_smtp[:MAX_CONTENT_BYTES]) == digest(None, stored[:MAX_CONTENT_BYTES])
    assert digest(None, stored) != digest(None, stored.replace(b"failure", b"success"))


def test_what_0_1_0_counted_of_a_long_notice_by_smtp_is_known_with_either_line_end():
    """That version counted the first mebibyte as it came."""
    notice = b"Subject: failure\n\n" + b"It failed.\n" * 200_000
    by_smtp = notice.replace(b"\n", b"\r\n")[:MAX_CONTENT_BYTES]
    counted = sha256(b"p\0" + by_smtp).hexdigest()
    assert counted in older_digests("p", Kind.BOUNCE, None, by_smtp)
    assert counted in older_digests("p", Kind.BOUNCE, None, notice[:MAX_CONTENT_BYTES])
    assert sha256(b"p\0" + notice[:MAX_CONTENT_BYTES]).hexdigest() in older_digests(
        "p", Kind.BOUNCE, None, notice[:MAX_CONTENT_BYTES]
    )
    assert older_digests("p", Kind.COMPLAINT, "<1@a>", by_smtp) == ()


async def test_the_same_notice_by_smtp_and_from_a_maildir_is_counted_once(pipeline):
    """Without a Message-ID too: only the line ends differ, and what a relay and the last MTA added."""
    notice = b"From: <>\nSubject: failure\n\n<alice@example.org>: 552 5.2.2 Mailbox full\n"
    first = await deliver(pipeline, signed(), b"Received: from a\r\n" + notice.replace(b"\n", b"\r\n"))
    second = await deliver(pipeline, signed(), b"Delivered-To: bounces\n" + notice)
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.event_id == second.event_id


def test_a_failure_is_no_resend_of_the_warning_before_it():
    """Though some MTA may give both the same Message-ID."""
    assert digest("<1@a>", b"late") != report_digest("p", Kind.DELAYED, "<1@a>", b"late")


def digest(message_id, content):
    """Return the digest of a bounce for one path."""
    return report_digest("p", Kind.BOUNCE, message_id, content)


async def test_an_unsigned_path_does_not_run_out_of_reports(pipeline, store):
    """It is the same for all mail to an address, and automatic answers come every week."""
    trusting = ListSettings(DEFAULT_POLICY, trust_unsigned=True)
    pipeline = replace(pipeline, lists={**pipeline.lists, "main": trusting})
    path = f"bounces+alice=example.org@{DOMAIN}"
    destination = await pipeline.admit(path)
    for week in range(25):
        content = b"Subject: full mailbox\r\nFrom: <>\r\n\r\n<alice@example.org>: 552 5.2.2 Mailbox full\r\n"
        at = NOW + timedelta(weeks=week)
        committed = await pipeline.process(destination, Envelope("", "", path, content, at))
        assert not committed.duplicate
