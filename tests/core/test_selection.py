"""Which addresses on a list are meant: by what their states, and the events that led to them, say."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from bounced.core.selection import Selection, deciding_event, why_it_stays
from bounced.core.terms import Category

ALICE = "alice@yahoo.com"
HELD: Mapping[str, str] = {
    "state": "suppressed",
    "category": "mailbox_unknown",
    "class": "hard",
    "since": "2026-03-02T12:00:00Z",
    "diagnostic": "550 5.1.1 No Such User",
    "reporting_mta": "mx.relay.example",
    "campaign": "spring",
    "origin": "smtp",
}
DECIDED: Mapping[str, str] = {
    "type": "report",
    "category": "mailbox_unknown",
    "diagnostic": "550 5.1.1 No Such User",
    "rule": "mailbox.unknown-user",
    "provider": "google",
}


def at(hour: int) -> datetime:
    """Return an hour of the day on which the state began, at noon."""
    return datetime(2026, 3, 2, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("selection", "fits"),
    [
        (Selection(), True),
        (Selection(since=at(12)), True),
        (Selection(since=at(13)), False),
        (Selection(until=at(13)), True),
        (Selection(until=at(12)), False),
        (Selection(since=at(11), until=at(13)), True),
        (Selection(domain="yahoo.com"), True),
        (Selection(domain="aol.com"), False),
        (Selection(category=Category.MAILBOX_UNKNOWN), True),
        (Selection(category=Category.MAILBOX_FULL), False),
        (Selection(campaign="spring"), True),
        (Selection(campaign="autumn"), False),
        (Selection(match="no such user"), True),
        (Selection(match="over quota"), False),
        (Selection(domain="yahoo.com", campaign="autumn"), False),
    ],
    ids=str,
)
def test_a_state_fits_what_is_asked_for(selection: Selection, fits: bool) -> None:
    """All that is asked for has to fit; the end of the time is no part of it."""
    assert selection.fits(ALICE, HELD) is fits


def test_a_state_without_a_beginning_fits_no_time() -> None:
    """Nobody knows whether it was then."""
    held = {name: value for name, value in HELD.items() if name != "since"}
    assert Selection(campaign="spring").fits(ALICE, held)
    assert not Selection(since=at(1)).fits(ALICE, held)
    assert not Selection(until=at(23)).fits(ALICE, held)


def test_what_is_asked_for_is_told_to_people() -> None:
    """Each in its place; nothing of what does not matter."""
    selection = Selection(since=at(6), provider="yahoo", category=Category.MAILBOX_UNKNOWN)
    assert str(selection) == "since 2026-03-02T06:00:00Z, provider yahoo, category mailbox_unknown"
    assert selection
    assert not Selection()


@pytest.mark.parametrize(
    ("provider", "address", "server", "asks"),
    [
        ("yahoo", ALICE, "", False),
        ("yahoo", "alice@company.example", "mx.mail.yahoo.com", False),
        ("yahoo", "alice@company.example", "mx.company.example", True),
        ("google", ALICE, "", True),
        ("", ALICE, "", False),
    ],
)
def test_only_where_the_state_does_not_tell_the_provider_its_history_is_asked(
    provider: str, address: str, server: str, asks: bool
) -> None:
    """The server that said so tells it, else the domain; else the event may."""
    assert Selection(provider=provider).needs_history(address, {**HELD, "reporting_mta": server}) is asks


def test_a_rule_stands_in_the_event_alone() -> None:
    """The state does not say which row judged the failure."""
    selection = Selection(rule="mailbox.unknown-user")
    assert selection.needs_history(ALICE, HELD)
    assert selection.fits_history(ALICE, HELD, [json.dumps(DECIDED)])
    assert not selection.fits_history(ALICE, HELD, [json.dumps({**DECIDED, "rule": "another"})])
    assert not selection.fits_history(ALICE, HELD, [])


def test_a_provider_may_stand_in_the_event_alone() -> None:
    """As in a list that keeps hashes."""
    selection = Selection(provider="google")
    assert selection.fits_history("0f" * 32, HELD, [json.dumps(DECIDED)])
    assert not selection.fits_history("0f" * 32, HELD, [json.dumps({**DECIDED, "provider": "microsoft"})])


def test_the_event_that_decided_is_the_latest_that_gave_this_reason() -> None:
    """Not a later one with other words, and none that judged nothing."""
    older, other, silent = {**DECIDED, "rule": "older"}, {**DECIDED, "diagnostic": "552 full"}, {**DECIDED, "rule": ""}
    assert deciding_event(HELD, [older, DECIDED, other, silent]) == DECIDED
    assert deciding_event(HELD, [other, silent]) == {}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"category": "complaint"}, "complaint"),
        ({"category": "unsubscribed"}, "unsubscribed"),
        ({"category": "operator", "origin": "operator"}, "operator"),
        ({"origin": "operator"}, "imported"),
        ({"state": "active"}, "unreadable"),
        ({"state": "not a word"}, "unreadable"),
        ({"state": "quarantined"}, "of a later version"),
    ],
)
def test_what_a_person_said_stays_and_so_does_what_nobody_here_can_read(changed: dict[str, str], why: str) -> None:
    """No filter releases it."""
    assert why_it_stays({**HELD, **changed}, imported_too=False) == why


def test_what_was_imported_is_released_where_that_is_asked_for() -> None:
    """The operator says which."""
    assert why_it_stays({**HELD, "origin": "operator"}, imported_too=True) == ""
