"""What events of SparkPost say."""

import json
from typing import Any

import pytest

from bounced.core.exchange.hooks import SERVICES, Entry, Heard, Silence, Silent, Unclear

BASE = {
    "event_id": "92356927693813856",
    "timestamp": "1781524800",
    "rcpt_to": "jane@example.net",
    "raw_rcpt_to": "Jane@example.net",
    "campaign_id": "spring",
    "injection_time": "2026-06-15T11:58:00.000Z",
    "msg_from": "sender@bounce.example.com",
    "rcpt_meta": {"bounced_path": "tabc"},
}


def heard(*events: dict[str, Any], class_: str = "message_event") -> list[Heard]:
    """Return what a batch says."""
    return list(
        SERVICES["sparkpost"].read(json.dumps([{"msys": {class_: {**BASE, **each}}} for each in events]).encode())
    )


def entry(event: dict[str, Any], class_: str = "message_event") -> dict[str, str]:
    """Return the one entry that an event makes."""
    (said,) = heard(event, class_=class_)
    assert isinstance(said, Entry)
    return dict(said.fields)


@pytest.mark.parametrize("type_", ["bounce", "out_of_band"])
def test_a_bounce_has_reply_server_message_and_campaign(type_: str):
    """What SparkPost made of the reply (``reason``) is not asked where the reply itself is there."""
    event = {
        "type": type_,
        "bounce_class": "10",
        "raw_reason": "550 5.1.1 <jane@example.net>: no such user here",
        "reason": "550 5.1.1 <...>: no such user here",
        "error_code": "550",
        "ip_address": "192.0.2.7",
    }
    assert entry(event) == {
        "type": "rejected",
        "address": "Jane@example.net",
        "at": "1781524800",
        "sent_at": "2026-06-15T11:58:00.000Z",
        "id": "sparkpost:92356927693813856",
        "reply": "550 5.1.1 <jane@example.net>: no such user here",
        "mta": "192.0.2.7",
        "category": "mailbox_unknown",
        "action": "failed",
        "campaign": "spring",
        "return_path": "tabc",
    }


def test_a_code_that_stands_apart_belongs_to_the_reply():
    """The text alone would be SparkPost's."""
    assert entry({"type": "bounce", "raw_reason": "no such user", "error_code": "550"})["reply"] == "550 no such user"
    assert "reply" not in entry({"type": "bounce", "raw_reason": "no such user"})
    assert "reply" not in entry({"type": "bounce", "error_code": "550"})


@pytest.mark.parametrize(
    ("number", "category"),
    [
        ("10", "mailbox_unknown"),
        (22, "mailbox_full"),
        ("51", "reputation_block"),
        ("30", "undetermined"),
        ("999", "undetermined"),
    ],
)
def test_a_bounce_class_is_the_last_resort(number: str | int, category: str):
    """Also one that is new."""
    assert entry({"type": "bounce", "bounce_class": number})["category"] == category


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"type": "bounce", "bounce_class": "25", "raw_reason": "554 5.7.1 recipient suppressed"}, Silence.NOT_SENT),
        ({"type": "policy_rejection", "error_code": "550", "raw_reason": "550 5.1.1 bad"}, Silence.NOT_SENT),
        ({"type": "generation_failure"}, Silence.NOT_SENT),
        ({"type": "generation_rejection"}, Silence.NOT_SENT),
        ({"type": "out_of_band", "bounce_class": "60"}, Silence.NO_EVIDENCE),
        ({"type": "delay", "raw_reason": "451 4.7.1 try later"}, Silence.NO_EVIDENCE),
        ({"type": "spam_complaint", "fbtype": "not-spam"}, Silence.NO_EVIDENCE),
        ({"type": "initial_open", "is_prefetched": True}, Silence.NO_EVIDENCE),
        ({"type": "relay_delivery"}, Silence.NO_EVIDENCE),
    ],
)
def test_what_is_no_evidence_says_nothing(event: dict[str, Any], why: Silence):
    """What SparkPost did not send, what it still tries, and what no recipient did."""
    assert heard(event) == [Silent(why)]


@pytest.mark.parametrize(
    ("type_", "class_", "says"),
    [
        ("delivery", "message_event", "delivered"),
        ("spam_complaint", "message_event", "complained"),
        ("list_unsubscribe", "unsubscribe_event", "unsubscribed"),
        ("link_unsubscribe", "unsubscribe_event", "unsubscribed"),
        ("open", "track_event", "engaged"),
        ("click", "track_event", "engaged"),
        ("injection", "message_event", "sent"),
    ],
)
def test_other_events_are_what_they_are_called(type_: str, class_: str, says: str):
    """Whatever class they stand in."""
    assert entry({"type": type_}, class_)["type"] == says


@pytest.mark.parametrize("body", [b'[{"msys":{}}]', b"[]"])
def test_an_empty_batch_is_a_test(body: bytes):
    """SparkPost posts one when a webhook is made."""
    assert list(SERVICES["sparkpost"].read(body)) == [Silent(Silence.NO_EVIDENCE)]


@pytest.mark.parametrize(
    "body", [b'[{"msys":{"message_event":{"type":"novel"}}}]', b'[{"msys":{"x":null}}]', b'[{"msys":7}]', b"[7]"]
)
def test_what_is_not_understood_is_kept(body: bytes):
    """It is no reason to post it again."""
    (said,) = SERVICES["sparkpost"].read(body)
    assert isinstance(said, Unclear)
