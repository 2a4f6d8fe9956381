"""Today's rules over kept evidence: a reply can only acquit, a whole message counts."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bounced import rules
from bounced.core.meaning.reclassify import Reclassifier
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, Engagement, Kind, OptIn, Origin, Profile, State
from bounced.demo.scenes import Scene

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = Reclassifier(rules.load())
BLOCKED = "550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org"
SUPPRESSED = AddressState(
    State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, NOW, diagnostic=BLOCKED, origin=Origin.SMTP
)
ENTRY = {
    "address": "alice@example.org",
    "at": "2026-11-20T12:00:00Z",
    "origin": "smtp",
    "sent_on": "2026-11-19",
    "profile": "confirmed active",
    "campaign": "nov",
    "reason": "counted",
}


def test_who_was_suppressed_for_what_is_a_block_is_acquitted():
    """The words of the reply say so."""
    assert TODAY.acquitted(SUPPRESSED).category is Category.REPUTATION_BLOCK


def test_a_reply_that_is_hard_from_some_servers_only_acquits_nobody():
    """Which server said it is not kept: Microsoft's "Access denied" means that there is no such mailbox."""
    denied = "550 5.4.1 Recipient address rejected: Access denied"
    assert TODAY.acquitted(replace(SUPPRESSED, diagnostic=denied), "alice@example.org") is None


def test_a_reply_that_alone_proves_nothing_acquits_nobody():
    """The stage, the Status field or the user's name may have proven it."""
    for reply in ("550 unknown user bob", "550 the mailbox may not exist"):
        assert TODAY.acquitted(replace(SUPPRESSED, diagnostic=reply), "alice@example.org") is None


def test_who_was_suppressed_for_what_is_about_the_sender_is_acquitted():
    """The words say whom they are about."""
    about_sender = replace(SUPPRESSED, diagnostic="550 5.1.1 Sender mailbox does not exist")
    assert TODAY.acquitted(about_sender, "alice@example.org").category is Category.SENDER_REJECTED


@pytest.mark.parametrize(
    "changes",
    [
        {"diagnostic": "550 5.1.1 no such user here"},
        {"diagnostic": "550 5.7.1"},
        {"diagnostic": ""},
        {"origin": Origin.OPERATOR},
        {"category": Category.COMPLAINT, "class_": Class.COMPLAINT},
        {"category": Category.UNSUBSCRIBED, "class_": Class.NONE},
        {"state": State.BOUNCING},
    ],
)
def test_everybody_else_stays(changes):
    """Where the reply still says it, where only a code speaks, and where a person spoke."""
    assert TODAY.acquitted(replace(SUPPRESSED, **changes)) is None


def test_a_message_that_is_understood_now_counts_at_its_time():
    """With everything that its return path knew."""
    evidence = TODAY.understood(ENTRY, Scene("unknown_user", "alice@example.org").content("b-x@bounce.example.com"))
    assert evidence.verdict.category is Category.MAILBOX_UNKNOWN
    assert (evidence.at.day, evidence.sent_on, evidence.campaign) == (20, date(2026, 11, 19), "nov")
    assert evidence.profile == Profile(OptIn.CONFIRMED, Engagement.ACTIVE)


@pytest.mark.parametrize(
    ("changes", "content"),
    [
        ({"reason": "untrusted"}, Scene("unknown_user", "alice@example.org").content("b-x@bounce.example.com")),
        ({"address": ""}, Scene("unknown_user", "alice@example.org").content("b-x@bounce.example.com")),
        ({}, b"Subject: hello\r\n\r\nnobody knows what this is\r\n"),
    ],
)
def test_what_nobody_signed_or_understands_counts_for_nothing(changes, content):
    """As when it came."""
    assert TODAY.understood(ENTRY | changes, content) is None


def notice(words):
    """Return a notice of an author that a person may have as well."""
    return f"From: postmaster@mx.example\r\nSubject: your mail\r\n\r\n{words}\r\n".encode()


def test_what_was_proven_when_it_came_is_not_doubted_for_want_of_its_reverse_path():
    """The reverse path that proved it is not kept."""
    content = notice("<alice@example.org>: 550 5.1.1 user unknown")
    assert TODAY.understood(ENTRY | {"kind": "bounce"}, content).kind is Kind.BOUNCE


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("<alice@example.org>: 550 5.1.1 user unknown", None),
        ("This is the mail system at host mx.example.\r\n\r\n<alice@example.org>: 550 5.1.1 user unknown", Kind.BOUNCE),
    ],
)
def test_what_was_not_proven_is_read_again(words, kind):
    """It counts where today's phrases prove it."""
    evidence = TODAY.understood(ENTRY | {"kind": "unproven"}, notice(words))
    assert (evidence and evidence.kind) is kind
