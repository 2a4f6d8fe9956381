"""What events of SendGrid say."""

import json
from typing import Any

import pytest

from bounced.core.exchange.hooks import SERVICES, Entry, Heard, Silence, Silent, Unclear

BASE = {"email": "jane@example.net", "timestamp": 1781524800, "sg_event_id": "Ym91bmNl", "sg_message_id": "m.1"}


def heard(*events: dict[str, Any]) -> list[Heard]:
    """Return what a batch says."""
    return list(SERVICES["sendgrid"].read(json.dumps([{**BASE, **each} for each in events]).encode()))


def entry(event: dict[str, Any]) -> dict[str, str]:
    """Return the one entry that an event makes."""
    (said,) = heard(event)
    assert isinstance(said, Entry)
    return dict(said.fields)


def test_a_bounce_has_reply_and_campaign():
    """Its status alone is no reply."""
    event = {
        "event": "bounce",
        "type": "bounce",
        "status": "5.1.1",
        "reason": "550 5.1.1 <jane@example.net>: no such user here",
        "bounce_classification": "Invalid Address",
        "category": ["spring", "all"],
        "bounced_path": "tabc",
    }
    assert entry(event) == {
        "type": "rejected",
        "address": "jane@example.net",
        "at": "1781524800",
        "id": "sendgrid:Ym91bmNl",
        "reply": "550 5.1.1 <jane@example.net>: no such user here",
        "category": "mailbox_unknown",
        "action": "failed",
        "campaign": "spring",
        "return_path": "tabc",
    }
    assert "reply" not in entry({"event": "bounce", "status": "5.1.1"})


def test_words_of_its_own_are_no_reply():
    """SendGrid writes them where it reached no server, and they may name an address."""
    told = entry({"event": "bounce", "type": "blocked", "reason": "unable to get mx info: unrecognized address"})
    assert "reply" not in told
    assert told["category"] == "policy"


@pytest.mark.parametrize(
    ("type_", "classification", "category"),
    [
        ("bounce", "Invalid Address", "mailbox_unknown"),
        ("blocked", "Invalid Address", "policy"),
        ("bounce", "Mailbox Unavailable", "undetermined"),
        ("blocked", "Reputation", "reputation_block"),
        ("blocked", "Frequency or Volume Too High", "rate_limited"),
        ("bounce", "Unclassified", "undetermined"),
        ("bounce", "Novel", "undetermined"),
        ("novel", "", "undetermined"),
    ],
)
def test_a_classification_is_the_last_resort(type_: str, classification: str, category: str):
    """What was blocked may pass the next time, whatever SendGrid takes it for."""
    assert entry({"event": "bounce", "type": type_, "bounce_classification": classification})["category"] == category


@pytest.mark.parametrize(
    ("event", "type_"),
    [
        ("delivered", "delivered"),
        ("open", "engaged"),
        ("click", "engaged"),
        ("spamreport", "complained"),
        ("unsubscribe", "unsubscribed"),
    ],
)
def test_other_events_are_what_they_are_called(event: str, type_: str):
    """Of the recipient."""
    told = entry({"event": event, "response": "250 ok"})
    assert (told["type"], told["address"]) == (type_, "jane@example.net")
    assert "reply" not in told


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"event": "dropped", "reason": "Bounced Address"}, Silence.NOT_SENT),
        ({"event": "dropped", "reason": "550 5.1.1 no such user"}, Silence.NOT_SENT),
        ({"event": "deferred", "response": "451 4.7.1 try later"}, Silence.NO_EVIDENCE),
        ({"event": "group_unsubscribe", "asm_group_id": 7}, Silence.NO_EVIDENCE),
        ({"event": "group_resubscribe", "asm_group_id": 7}, Silence.NO_EVIDENCE),
        ({"event": "open", "sg_machine_open": True}, Silence.NO_EVIDENCE),
        ({"event": "account_status_change", "type": "compliance_suspend", "email": None}, Silence.NO_EVIDENCE),
    ],
)
def test_what_is_no_evidence_says_nothing(event: dict[str, Any], why: Silence):
    """What SendGrid did not send, what it still tries, what a machine opened, and what is some mail only."""
    assert heard(event) == [Silent(why)]


def test_a_batch_of_thousands_is_read():
    """In its order, and a stranger among them is kept."""
    events = [
        {"event": "delivered", "email": f"u{place}@example.net", "sg_event_id": f"e{place}"} for place in range(3000)
    ]
    said = heard(*events, {"event": "novel"})
    assert len(said) == 3001
    assert isinstance(said[-1], Unclear)
    assert [each.fields["address"] for each in said[:2] if isinstance(each, Entry)] == [
        "u0@example.net",
        "u1@example.net",
    ]
