"""A provider that is wrong about everybody: what is counted, what is usual, what is taken back."""

from dataclasses import replace

import pytest

from bounced.core.policy.outage import (
    Highest,
    ProviderRule,
    Standing,
    Unknowns,
    disputed_provider,
    highest,
    standing,
    to_take_back,
    unknown_by,
    usual,
    weight,
)
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Action, Category, Engagement, Kind, OptIn, Origin, Profile, Verdict

from .conftest import START

UNKNOWN_USER = Verdict(Category.MAILBOX_UNKNOWN, "test", "text", Action.FAILED)
BOUNCE = Evidence(EvidenceType.REPORT, START, Origin.SMTP, kind=Kind.BOUNCE, verdict=UNKNOWN_USER)
RULE = ProviderRule()
EVENT = {
    "type": "report",
    "address": "ann@gmail.com",
    "category": "mailbox_unknown",
    "after": "suppressed",
    "reason": "threshold",
    "provider": "google",
}


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", "google"),
        ("aol.com", "yahoo"),
        ("live.com", "microsoft"),
        ("mac.com", "apple"),
        ("company.example", ""),
    ],
)
def test_a_provider_is_known_by_the_recipients_domain(domain, provider):
    """A company's own domain stays with the guard by domain."""
    assert unknown_by(BOUNCE, domain) == provider


def test_the_server_that_said_it_names_the_provider():
    """A company's domain at Google's servers is Google."""
    said = UNKNOWN_USER._replace(remote_mta="aspmx.l.google.com")
    assert unknown_by(replace(BOUNCE, verdict=said), "company.example") == "google"


@pytest.mark.parametrize(
    "facts",
    [
        {"trusted": False},
        {"names_recipient": False},
        {"kind": Kind.DELAYED},
        {"verdict": UNKNOWN_USER._replace(category=Category.MAILBOX_FULL)},
        {"verdict": UNKNOWN_USER._replace(doubt="it is a guess")},
        {"verdict": None},
        {"type": EvidenceType.ENGAGED},
    ],
)
def test_what_no_provider_calls_unknown(facts):
    """Forgeries, other recipients, delays, other reasons, and what is not proven and so suppresses nobody."""
    assert unknown_by(replace(BOUNCE, **facts), "gmail.com") == ""


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (Profile(OptIn.CONFIRMED, Engagement.UNKNOWN), Standing.KNOWN),
        (Profile(OptIn.SINGLE, Engagement.ACTIVE), Standing.KNOWN),
        (Profile(), Standing.OTHER),
        (Profile(OptIn.SINGLE, Engagement.INACTIVE), Standing.OTHER),
        (Profile(OptIn.IMPORTED, Engagement.ACTIVE), Standing.NEW),
        (Profile(OptIn.SINGLE, Engagement.FIRST_MAIL), Standing.NEW),
    ],
)
def test_where_nothing_is_known_an_address_counts(profile, expected):
    """Only imports and first mails are new."""
    assert standing(profile) is expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([Unknowns(3, 4)], 7),
        ([Unknowns(3, 4), Unknowns(1, 2)], 10),
        ([Unknowns(3, 4, 100)], 12),
        ([Unknowns(3, 4, 100_000)], 14),
        ([Unknowns(new=100_000)], 0),
    ],
)
def test_new_addresses_weigh_little_and_never_more_than_the_others(hours, expected):
    """The import of an old list is no outage, however many of it are dead."""
    assert weight(hours) == expected


@pytest.mark.parametrize(
    ("called", "past", "disputed"), [(4, 0, False), (5, 0, True), (20, 4, False), (21, 4, True), (500, 100, False)]
)
def test_disputed_is_who_is_above_the_floor_and_far_above_what_is_usual(called, past, disputed):
    """Where nothing is known of the past, it is disputed: a hold costs a day."""
    assert RULE.disputed(called, past) is disputed


def test_the_highest_two_consecutive_hours_are_usual():
    """So that a wave across the hour is compared with one across the hour."""
    assert highest([Unknowns(1), Unknowns(5), Unknowns(0, 4), Unknowns(), Unknowns(8)]) == Highest(9, 0)
    assert highest([]) == Highest()


def test_usual_grows_with_what_is_sent():
    """Ten times as many messages bring ten times as many dead mailboxes; where nobody told what is sent, as many."""
    day = [Unknowns(sent=500)] * 2 + [Unknowns(10)] + [Unknowns()] * 30
    assert highest(day) == Highest(10, 1000)
    assert usual(highest(day), 10_000) == 100
    assert usual(highest(day), 100) == 1
    assert usual(highest(day), 0) == 10
    assert usual(Highest(10, 0), 10_000) == 10


def test_messages_of_another_day_are_not_the_highest_hours():
    """The 24 hours up to them are counted."""
    assert highest([Unknowns(sent=7)] + [Unknowns()] * 23 + [Unknowns(10)]).sent == 0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"after": "held", "reason": "not_believed_yet"}, True),
        ({"after": "bouncing"}, True),
        ({"address": "3f2a", "provider": "google"}, True),
        ({"provider": ""}, True),
        ({"provider": "", "address": "ann@yahoo.com"}, False),
        ({"provider": "yahoo"}, False),
        ({"after": "held", "reason": "disputed"}, False),
        ({"after": "active"}, False),
        ({"doubt": "it is a guess"}, False),
        ({"type": "transition"}, False),
        ({"category": "mailbox_full"}, False),
        ({"type": "unsubscribed"}, False),
    ],
)
def test_what_is_taken_back(change, expected):
    """What a provider said and was believed, by hash too; an older event names none, so its domain does."""
    event = {name: value for name, value in (EVENT | change).items() if value}
    assert to_take_back(event, "google") is expected


def test_a_disputed_provider_is_told_from_a_domain():
    """They stand in one sorted set."""
    assert (disputed_provider("provider:mail.ru"), disputed_provider("mail.ru")) == ("mail.ru", "")
