"""What records in KumoMTA's log segments say."""

import json
from typing import Any

import pytest

from bounced.core.exchange.hooks import SERVICES, Unclear
from bounced.core.exchange.logs import Logged, Source
from tests.support.hooks import kumomta
from tests.support.logs import ADDRESS, NOW, PATH, parser, told


def record(name: str, reply: str = "250 2.0.0 ok", **fields: Any) -> dict[str, Any]:
    """Return a record of one message."""
    return {**kumomta(name, ADDRESS, 7, reply, PATH), **fields}


def said(of: dict[str, Any], source: Source | None = None) -> list[Logged]:
    """Return what a record says."""
    line = json.dumps(of, separators=(",", ":")).encode() + b"\n"
    return list(parser("kumomta", source or Source()).feed(line, NOW))


def test_a_delivery_is_told_under_the_return_path():
    """Every recipient of a batch has it."""
    both = told(said(record("Delivery", recipient=[ADDRESS, "joe@example.net"])))
    assert [entry.pop("address") for entry in both] == [ADDRESS, "joe@example.net"]
    assert both[0] == {"type": "delivered", "at": "1772449000", "return_path": PATH, "sent_at": "1772448000"}


@pytest.mark.parametrize("name", ["Bounce", "Expiration"])
def test_a_failure_is_what_the_log_hook_tells(name: str):
    """Whoever has both of them has one failure: ``id`` is the same."""
    failure = record(name, "550 5.1.1 no such user")
    (entry,) = told(said(failure))
    assert (entry["type"], entry["reply"], entry["stage"]) == ("rejected", "550 5.1.1 no such user", "RCPT")
    assert [entry] == told(SERVICES["kumomta"].read(json.dumps(failure).encode()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["Reception", "TransientFailure", "AdminBounce", "Delayed", "OOB", "Feedback", "Novel"]
)
@pytest.mark.parametrize("spaces", [(",", ":"), (", ", ": ")])
def test_other_records_say_nothing(name: str, spaces: tuple[str, str]):
    """Deferrals, what came in, and what an administrator ended."""
    line = json.dumps(record(name, "550 5.1.1 no"), separators=spaces).encode()
    assert parser("kumomta").feed(line, NOW) == ()


def test_the_path_may_stand_in_a_header_field():
    """Where the envelope sender is another one; else that is asked."""
    other = "b-xyz@bounce.example.com"
    for name in ("Delivery", "Bounce"):
        for sender, path in (("x@elsewhere.example", other), (PATH, PATH)):
            (entry,) = told(said(record(name, "550 no", sender=sender, headers={"X-Bounced-Path": other})))
            assert entry["return_path"] == path
        assert said(record(name, sender="x@elsewhere.example")) == []


def test_what_a_relay_took_is_no_delivery():
    """By its name or its address."""
    for relay in ("mx.company.example", "192.0.2.1"):
        assert said(record("Delivery"), Source(relays=frozenset({relay}))) == []


@pytest.mark.parametrize("line", [b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_record_is_not_understood(line: bytes):
    """Nothing is raised."""
    (unclear,) = parser("kumomta").feed(line, NOW)
    assert isinstance(unclear, Unclear)


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"7", b"[]", b'{"type":"Delivery"}', b'{"type":"Bounce","recipient":[7]}']
)
def test_a_record_without_a_sender_says_nothing(line: bytes):
    """Whatever it holds."""
    assert parser("kumomta").feed(line, NOW) == ()
