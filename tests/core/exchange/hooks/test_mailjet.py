"""What events of Mailjet say."""

import json
from typing import Any

import pytest

from bounced.core.exchange.hooks import SERVICES, Entry, Heard, Silence, Silent, Unclear

BASE = {
    "email": "jane@example.net",
    "time": 1781524800,
    "MessageID": 19421777835146490,
    "Message_GUID": "1ab23cd4",
    "customcampaign": "spring",
    "CustomID": "",
    "Payload": '{"bounced_path":"tabc"}',
}


def heard(event: dict[str, Any]) -> list[Heard]:
    """Return what an event says."""
    return list(SERVICES["mailjet"].read(json.dumps({**BASE, **event}).encode()))


def entry(event: dict[str, Any]) -> dict[str, str]:
    """Return the one entry that an event makes."""
    (said,) = heard(event)
    assert isinstance(said, Entry)
    return dict(said.fields)


def test_a_bounce_has_reply_message_and_campaign():
    """The reply stands in the comment."""
    event = {
        "event": "bounce",
        "hard_bounce": True,
        "error_related_to": "recipient",
        "error": "user unknown",
        "comment": "550 5.1.1 no such user here",
    }
    assert entry(event) == {
        "type": "rejected",
        "address": "jane@example.net",
        "at": "1781524800",
        "id": "mailjet:19421777835146490/bounce/1781524800",
        "reply": "550 5.1.1 no such user here",
        "category": "mailbox_unknown",
        "action": "failed",
        "campaign": "spring",
        "return_path": "tabc",
    }


@pytest.mark.parametrize(
    ("error", "hard", "category"),
    [
        ("user unknown", True, "mailbox_unknown"),
        ("user unknown", False, "undetermined"),
        ("User Unknown", True, "mailbox_unknown"),
        ("quota exceeded", False, "mailbox_full"),
        ("sender blocked", True, "reputation_block"),
        ("novel", True, "undetermined"),
        ("", True, "undetermined"),
    ],
)
def test_an_error_is_the_last_resort(error: str, hard: bool, category: str):
    """One that Mailjet itself takes for temporary is no reason against an address."""
    told = entry({"event": "bounce", "error": error, "hard_bounce": hard, "comment": "user unknown"})
    assert "reply" not in told
    assert told["category"] == category


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("sent", "delivered"),
        ("open", "engaged"),
        ("click", "engaged"),
        ("spam", "complained"),
        ("unsub", "unsubscribed"),
    ],
)
def test_other_events_are_what_they_are_called(event: str, says: str):
    """``sent`` is said when the recipient's server has accepted the message."""
    assert entry({"event": event, "smtp_reply": "sent (250 ok)"})["type"] == says


@pytest.mark.parametrize(
    "event",
    [
        {"event": "blocked", "error": "user unknown", "error_related_to": "recipient"},
        {"event": "blocked", "error": "preblocked", "error_related_to": "mailjet"},
        {"event": "bounce", "error": "preblocked", "comment": "550 5.1.1 no such user"},
        {"event": "bounce", "error": "duplicate in campaign"},
    ],
)
def test_what_mailjet_did_not_send_says_nothing(event: dict[str, Any]):
    """Whatever it remembers of the address."""
    assert heard(event) == [Silent(Silence.NOT_SENT)]


@pytest.mark.parametrize(
    ("payload", "custom", "path"),
    [
        ("tabc", "", "tabc"),
        ("", "tabc", "tabc"),
        ("{}", "tabc", "tabc"),
        ("7", "tabc", "tabc"),
        ("{", "x", "{"),
        (None, None, None),
    ],
)
def test_the_return_path_stands_in_payload_or_custom_id(payload: str | None, custom: str | None, path: str | None):
    """What is no return path is none for whoever looks it up."""
    assert entry({"event": "sent", "Payload": payload, "CustomID": custom}).get("return_path") == path


def test_a_group_is_read_and_what_is_not_understood_is_kept():
    """Mailjet groups the events of a second where that is chosen."""
    sent, novel = SERVICES["mailjet"].read(json.dumps([{**BASE, "event": "sent"}, {**BASE, "event": "novel"}]).encode())
    assert isinstance(sent, Entry)
    assert isinstance(novel, Unclear)
