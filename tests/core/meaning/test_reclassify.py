"""Today's rules over kept evidence: a reply can only acquit, a whole message counts."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bounced import rules
from bounced.core.meaning.reclassify import Reclassifier
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, Engagement, OptIn, Origin, Profile, State
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
