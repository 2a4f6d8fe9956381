"""What events of Brevo say."""

import json
from typing import Any

import pytest

from bounced.core.exchange.hooks import SERVICES, Entry, Heard, Silence, Silent, Unclear

BASE = {
    "email": "jane@example.net",
    "id": 17,
    "date": "2026-06-15 14:00:00",
    "ts": 1781524700,
    "ts_event": 1781524800,
    "ts_epoch": 1781524700000,
    "message-id": "<202606151200.1@relay.example.com>",
    "tags": ["spring"],
    "X-Mailin-custom": "shop:42|bounced_path:tabc",
}


def heard(event: dict[str, Any]) -> list[Heard]:
    """Return what an event says."""
    return list(SERVICES["brevo"].read(json.dumps({**BASE, **event}).encode()))


def entry(event: dict[str, Any]) -> dict[str, str]:
    """Return the one entry that an event makes."""
    (said,) = heard(event)
    assert isinstance(said, Entry)
    return dict(said.fields)


def test_a_bounce_has_reply_message_and_campaign():
    """``id`` is that of the webhook, so it names no event."""
    assert entry({"event": "hard_bounce", "reason": "550 5.1.1 no such user here"}) == {
        "type": "rejected",
        "address": "jane@example.net",
        "at": "1781524800",
        "id": "brevo:<202606151200.1@relay.example.com>/hard_bounce/1781524800",
        "reply": "550 5.1.1 no such user here",
        "category": "mailbox_unknown",
        "action": "failed",
        "campaign": "spring",
        "return_path": "tabc",
    }


@pytest.mark.parametrize(("event", "category"), [("hard_bounce", "mailbox_unknown"), ("soft_bounce", "undetermined")])
def test_words_of_its_own_are_no_reply(event: str, category: str):
    """Then the name of the event is the last resort."""
    told = entry({"event": event, "reason": "user unknown"})
    assert "reply" not in told
    assert told["category"] == category


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("request", "sent"),
        ("delivered", "delivered"),
        ("spam", "complained"),
        ("unsubscribed", "unsubscribed"),
        ("unsubscribe", "unsubscribed"),
        ("opened", "engaged"),
        ("unique_opened", "engaged"),
        ("click", "engaged"),
    ],
)
def test_other_events_are_what_they_are_called(event: str, says: str):
    """Those of transactional mail, and of campaigns."""
    told = entry({"event": event, "reason": "sent"})
    assert told["type"] == says
    assert "reply" not in told


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("blocked", Silence.NOT_SENT),
        ("invalid_email", Silence.NOT_SENT),
        ("error", Silence.NOT_SENT),
        ("deferred", Silence.NO_EVIDENCE),
        ("proxy_open", Silence.NO_EVIDENCE),
        ("unique_proxy_open", Silence.NO_EVIDENCE),
        ("list_addition", Silence.NO_EVIDENCE),
    ],
)
def test_what_is_no_evidence_says_nothing(event: str, why: Silence):
    """What Brevo did not send, what it still tries, and what a machine opened."""
    assert heard({"event": event, "reason": "550 5.1.1 no such user"}) == [Silent(why)]


@pytest.mark.parametrize("custom", [None, "", "tabc", "|||", 7, "other:x"])
def test_a_custom_field_of_another_form_names_no_path(custom: object):
    """It is the sender's to use."""
    assert "return_path" not in entry({"event": "delivered", "X-Mailin-custom": custom})


def test_a_batch_is_read_and_what_is_not_understood_is_kept():
    """Brevo posts up to 500 events at once where that is chosen."""
    batch = json.dumps([{**BASE, "event": "delivered"}, {**BASE, "event": "novel"}, 7]).encode()
    delivered, novel, rubbish = SERVICES["brevo"].read(batch)
    assert isinstance(delivered, Entry)
    assert isinstance(novel, Unclear)
    assert isinstance(rubbish, Unclear)
