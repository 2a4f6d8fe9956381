"""Stored mail takes the one path, at the time at which it was stored."""

from datetime import UTC, datetime, timedelta

import pytest

from bounced import rules
from bounced.core.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.return_path import Directory, Keyring, ReturnPaths, SigningKey
from bounced.core.stored import forward_paths, received_at
from bounced.core.terms import Origin, State
from bounced.demo.scenes import Scene
from bounced.edges.memory_store import MemoryStore
from bounced.ingest import ingest
from bounced.pipeline import ListSettings, Pipeline

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
THEN = NOW - timedelta(days=60)
ALICE = "alice@example.org"
PATHS = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("a", b"a secret of enough octets")))
RULES = rules.load()


@pytest.fixture
def pipeline():
    """Return a pipeline with a store of its own."""
    store = MemoryStore({"main": Keyspace()})
    return Pipeline(Directory((PATHS,)), RULES, {"main": ListSettings(DEFAULT_POLICY)}, store, lambda: NOW)


def stored(path, at, *fields):
    """Return a bounce as an MTA stores it."""
    trace = f"Received: from mx.example.net by mail; {at:%a, %d %b %Y %H:%M:%S} +0000"
    head = "\r\n".join([*fields, trace, ""]).encode()
    return head + Scene("unknown_user", ALICE).content(path)


async def test_a_stored_bounce_counts_at_the_time_at_which_it_came(pipeline):
    """A return path that was young enough then is young enough."""
    path = PATHS.encode(ALICE, issued=THEN.date())
    ingested = await ingest(pipeline, stored(path, THEN), NOW)
    assert ingested.committed.transition.evidence.at == THEN
    assert ingested.committed.transition.evidence.origin is Origin.INGEST
    assert (await pipeline.store.load("main", ALICE)).state is State.SUPPRESSED


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
