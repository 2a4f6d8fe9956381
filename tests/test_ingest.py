"""Stored mail takes the one path, at the time at which it was stored."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from bounced.core.contract.keys import Keyspace
from bounced.core.limits import MAX_CONTENT_BYTES
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.reading.stored import forward_paths, received_at
from bounced.core.return_path import Directory, Keyring, Registration, ReturnPaths, SigningKey, new_token
from bounced.core.terms import Kind, Origin, State
from bounced.demo.scenes import SCENES, Scene
from bounced.edges.memory_store import MemoryStore
from bounced.explain import packaged_rules
from bounced.ingest import ingest
from bounced.pipeline import ListSettings, Pipeline
from tests.support.door import open_door

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
THEN = NOW - timedelta(days=60)
ALICE = "alice@example.org"
PATHS = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("a", b"a secret of enough octets")))
RULES = packaged_rules()


@pytest.fixture
def pipeline():
    """Return a pipeline with a store of its own."""
    store = MemoryStore({"main": Keyspace()})
    return Pipeline(Directory((PATHS,)), RULES, {"main": ListSettings(DEFAULT_POLICY)}, store, lambda: NOW)


def stored(path, at, *fields):
    """Return a bounce as an MTA stores it."""
    trace = f"Received: from mx.example.net by mail; {at:%a, %d %b %Y %H:%M:%S} +0000"
    head = "\r\n".join([*fields, trace, ""]).encode()
    return head + Scene("unknown_user", ALICE).content(path, at)


async def test_a_stored_bounce_counts_at_the_time_at_which_it_came(pipeline):
    """A return path that was young enough then is young enough."""
    path = PATHS.encode(ALICE, issued=THEN.date())
    ingested = await ingest(pipeline, stored(path, THEN), NOW)
    assert ingested.committed.transition.evidence.at == THEN
    assert ingested.committed.transition.evidence.origin is Origin.INGEST
    assert (await pipeline.store.load("main", ALICE)).state is State.SUPPRESSED


PLAIN = (
    b"From: MAILER-DAEMON@mx.example.net\r\nMessage-ID: <1@mx.example.net>\r\nSubject: failure notice\r\n\r\n"
    b"Hi. This is the qmail-send program at mx.example.net.\r\n"
    b"I'm afraid I wasn't able to deliver your message to the following addresses.\r\n"
    b"This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n"
    b"<alice@example.org>:\r\n192.0.2.7 does not like recipient.\r\n"
    b"Remote host said: 550 5.1.1 <alice@example.org>: Recipient address rejected: User unknown\r\n"
    b"Giving up on 192.0.2.7.\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
    b"Subject: hello\r\n\r\nHello.\r\n"
)
"""A notice that no closing boundary ends."""


@pytest.mark.parametrize("name", ["unknown_user", "full_mailbox", "plain"])
async def test_a_message_that_was_cut_off_does_not_hide_the_whole_one(pipeline, name):
    """A program that fetches mail may lose its connection anywhere: then it brings the message again."""
    path = PATHS.encode(ALICE, issued=THEN.date())
    head = f"Received: from mx.example.net by mail; {THEN:%a, %d %b %Y %H:%M:%S} +0000\r\nTo: {path}\r\n".encode()
    whole = head + (PLAIN if name == "plain" else Scene(name, ALICE).content(path, THEN))
    expected = await _state_after(pipeline, whole)
    for cut in range(len(head), len(whole), 97):
        assert await _state_after(pipeline, whole[:cut], whole) == expected, whole[:cut]
        assert await _state_after(pipeline, whole, whole[:cut], whole) == expected, whole[:cut]


async def _state_after(pipeline, *messages):
    store = MemoryStore({"main": Keyspace()})
    for message in messages:
        await ingest(replace(pipeline, store=store), message, NOW, reverse_path="")
    state = await store.load("main", ALICE)
    return state.state, sum(streak.count for streak in state.streaks.values())


async def test_a_copy_that_says_less_than_what_was_counted_is_a_duplicate(pipeline):
    """So what is read twice changes nothing, whichever copy comes first."""
    path = PATHS.encode(ALICE, issued=THEN.date())
    whole = stored(path, THEN)
    cut = whole[: whole.index(b"550 5.1.1")]
    assert [(await ingest(pipeline, each, NOW)).committed.duplicate for each in (cut, cut, whole, whole, cut)] == [
        *(False, True, False, True, True)
    ]


async def test_a_big_message_that_came_by_smtp_is_a_duplicate_when_it_is_ingested(pipeline):
    """Both doors keep the same part: without a Message-ID, that part tells one report from another."""
    path = PATHS.encode(ALICE, issued=THEN.date())
    message = re.sub(rb"Message-Id: [^\n]*\n", b"", Scene("unknown_user", ALICE).content(path, THEN))
    big = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"x" * 998 + b"\r\n" * 2 * (MAX_CONTENT_BYTES // 2)
    async with open_door() as opened:
        peer = await opened.greeted()
        await peer.begin()
        peer.send(big + b".\r\n")
        assert (await peer.reply()).startswith("250")
        (envelope,) = opened.receiver.taken
    destination = await pipeline.admit(path, THEN)
    by_smtp = await pipeline.process(destination, replace(envelope, received_at=THEN))
    assert not by_smtp.duplicate
    assert (await ingest(pipeline, big, NOW, path)).committed.duplicate


@pytest.mark.parametrize("days_before", [2, 20, 300])
async def test_a_message_dated_before_the_mail_it_is_about_counts_on_the_paths_day(pipeline, days_before):
    """The date is what some machine's clock says; the path's day is signed."""
    path = PATHS.encode(ALICE, issued=THEN.date())
    ingested = await ingest(pipeline, stored(path, THEN - timedelta(days=days_before)), NOW)
    assert ingested.committed.transition.evidence.at == THEN.replace(hour=0)
    assert (await pipeline.store.load("main", ALICE)).state is State.SUPPRESSED


async def test_a_message_dated_before_its_tokens_day_counts_on_that_day(pipeline):
    """The same for what is registered in Redis."""
    token = new_token(bytes(17))
    fields = Registration(ALICE, NOW.date()).to_fields()
    pipeline.store._lists["main"].tokens[token] = fields
    ingested = await ingest(pipeline, stored(PATHS.token_path(token), NOW - timedelta(days=9)), NOW)
    assert ingested.committed.transition.evidence.at == NOW.replace(hour=0)


@pytest.mark.parametrize("message_age_days", [0, 40])
async def test_a_path_of_a_day_to_come_is_put_off(pipeline, message_age_days):
    """Our clock may be behind; tomorrow's is as good as at RCPT."""
    at = NOW - timedelta(days=message_age_days)
    for days, committed in ((1, True), (2, False)):
        path = PATHS.encode(ALICE, issued=(NOW + timedelta(days=days)).date())
        ingested = await ingest(pipeline, stored(path, at), NOW)
        assert (ingested.committed is not None, ingested.for_now) == (committed, not committed)


async def test_a_path_that_was_spent_when_the_message_came_is_refused(pipeline):
    """For good: no clock is in doubt."""
    path = PATHS.encode(ALICE, issued=(THEN - timedelta(days=31)).date())
    ingested = await ingest(pipeline, stored(path, THEN), NOW)
    assert (ingested.refused, ingested.for_now) == ("expired", False)


@pytest.mark.parametrize("name", sorted({scene.message for scene in SCENES}))
def test_a_shipped_message_holds_no_date_of_its_own(name):
    """It is as old as the moment at which it is used, whenever that is."""
    at = datetime(2031, 5, 7, 8, 9, 10, tzinfo=UTC)
    text = Scene(name, ALICE).content("b-x@bounce.example.com", at).decode()
    assert "{{" not in text
    assert set(re.findall(r"(?<![0-9a-f])(?:19|20)\d\d(?![0-9a-f])", text)) <= {"2031"}, "an id may hold such digits"
    moments = [parsedate_to_datetime(date) for date in re.findall(r"\w{3}, \d\d? \w{3} \d{4} [\d:]{8} \S+", text)]
    assert moments
    assert all(timedelta() <= at - moment.astimezone(UTC) <= timedelta(minutes=5) for moment in moments)
    stamps = [int(number) for number in re.findall(r"(?<![0-9a-f])(1[6-9]\d{8})(?:\d{3})?(?![0-9a-f])", text)]
    assert set(stamps) <= {int(at.timestamp())}


async def test_ingesting_again_changes_nothing(pipeline):
    """The digest tells, and so it does for what came by SMTP before."""
    message = stored(PATHS.encode(ALICE, issued=THEN.date()), THEN)
    await ingest(pipeline, message, NOW)
    assert (await ingest(pipeline, message, NOW)).committed.duplicate


async def test_what_the_mta_wrote_comes_before_to(pipeline):
    """A forwarded notice's To may be somebody else's."""
    path = PATHS.encode(ALICE, issued=THEN.date())
    message = stored("postmaster@elsewhere.example", THEN, f"X-Original-To: {path}")
    assert (await ingest(pipeline, message, NOW)).forward_path == path


@pytest.mark.parametrize(
    ("address", "reason"),
    [("someone@example.net", "foreign"), ("nobody@bounce.example.com", "unsigned"), ("undisclosed", "no_forward_path")],
)
async def test_mail_to_nobody_here_is_refused_and_said(pipeline, address, reason):
    """It changes nothing."""
    ingested = await ingest(pipeline, f"To: {address}\r\n\r\nhello\r\n".encode(), NOW)
    assert (ingested.committed, ingested.refused) == (None, reason)


async def test_a_named_recipient_replaces_the_header(pipeline):
    """As an MTA's pipe names it."""
    path = PATHS.encode(ALICE, issued=NOW.date())
    ingested = await ingest(pipeline, stored("x@example.net", NOW), NOW, path)
    assert ingested.committed is not None


def test_each_forward_path_is_tried_once():
    """In the order of their weight."""
    message = b"To: A <a@example.org>, b@example.org\r\nDelivered-To: b@example.org\r\n\r\n"
    assert forward_paths(message) == ["b@example.org", "a@example.org"]


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        (
            b"Received: by x; Sat, 21 Nov 2026 10:00:00 +0000\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000",
            NOW.replace(hour=10),
        ),
        (b"Date: Sat, 21 Nov 2026 11:00:00 +0100", NOW.replace(hour=10)),
        (b"Date: Sat, 21 Nov 2037 10:00:00 +0000", NOW),
        (b"Date: yesterday", NOW),
        (b"Date: Fri, 31 Dec 9999 23:59:59 -1200", NOW),
        (b"Subject: none", NOW),
    ],
)
def test_when_a_message_was_taken_in(header, moment):
    """The newest Received, else Date, never the future."""
    assert received_at(header + b"\r\n\r\n", NOW) == moment


@pytest.mark.parametrize(
    ("reverse_path", "kind"), [(None, Kind.UNPROVEN), ("", Kind.BOUNCE), ("dana@example.net", Kind.UNPROVEN)]
)
async def test_stored_mail_has_the_reverse_path_that_somebody_knows(pipeline, reverse_path, kind):
    """Its own Return-Path field is not asked."""
    content = b"Return-Path: <>\r\nFrom: postmaster@mx.example\r\nSubject: your mail\r\n\r\nalice@example.org: who?\r\n"
    path = PATHS.encode(ALICE, issued=NOW.date())
    ingested = await ingest(pipeline, content, NOW, path, reverse_path)
    assert ingested.committed.transition.evidence.kind is kind
