"""What a service says in its own words is no reply of a server."""

import json

import pytest

from bounced.core.exchange.hooks import SERVICES, Entry
from bounced.core.exchange.hooks.events import server_reply
from tests.support.hooks import REFUSES, SAMPLES

MIXED = ("brevo", "mailjet", "postmark", "sendgrid", "sparkpost")
"""Services that have one field for both."""


@pytest.mark.parametrize("service", MIXED)
@pytest.mark.parametrize(
    ("words", "reply"),
    [
        ("user unknown", None),
        ("Unable to find the mail server of this address", None),
        ("550 5.1.1 user unknown", "550 5.1.1 user unknown"),
    ],
)
def test_words_without_a_code_of_a_server_are_those_of_the_service(service: str, words: str, reply: str | None) -> None:
    """A server's "user unknown" proves that a mailbox does not exist; a service's is its opinion of a reply."""
    event = SAMPLES[service].event(REFUSES[service], "jane@example.net", 1, reply=words)
    (said,) = SERVICES[service].read(SAMPLES[service].posted(event).body)
    assert isinstance(said, Entry)
    assert said.fields.get("reply") == reply


@pytest.mark.parametrize(
    ("code", "message", "reply"),
    [
        (498, "No MX for example.net", None),
        (602, "Too old", None),
        (603, "user unknown", None),
        (0, "mailbox does not exist", None),
        (550, "user unknown", "550 user unknown"),
        (550, "5.1.1 user unknown", "550 5.1.1 user unknown"),
    ],
)
def test_a_code_of_mailguns_own_makes_no_reply(code: int, message: str, reply: str | None) -> None:
    """No server said it, so what it sounds like proves nothing."""
    event = SAMPLES["mailgun"].event("failed/permanent", "jane@example.net", 1)
    event["event-data"]["delivery-status"] |= {"code": code, "message": message}
    (said,) = SERVICES["mailgun"].read(json.dumps(event).encode())
    assert isinstance(said, Entry)
    assert said.fields.get("reply") == reply


@pytest.mark.parametrize(
    "words",
    ["550 5.1.2 [internal] Domain Lookup Failed", "[internal] Domain Lookup Failed", "550 5.4.4 [internal] no MX"],
)
def test_what_the_mta_of_sparkpost_says_is_no_reply(words: str) -> None:
    """Its resolver may be at fault: the class of the bounce says what it was, and a name proves nothing."""
    event = SAMPLES["sparkpost"].event("bounce/21", "jane@example.net", 1, reply=words)
    event["msys"]["message_event"]["error_code"] = "550"
    (said,) = SERVICES["sparkpost"].read(json.dumps(event).encode())
    assert isinstance(said, Entry)
    assert "reply" not in said.fields
    assert said.fields["category"] == "dns_failure"


@pytest.mark.parametrize(
    ("text", "is_reply"),
    [
        ("550 no", True),
        ("smtp; 550-5.1.1 no", True),
        ("host mx.example.net said: 452 full", True),
        ("failed with 5.2.2", True),
        ("550", True),
        ("", False),
        ("delivered in 4500 ms", False),
        ("tried 5 times, 12.5.1.1 refused", False),
        ("250 ok", False),
    ],
)
def test_a_code_of_a_failure_makes_a_reply(text: str, is_reply: bool) -> None:
    """Reply-code or status-code, wherever it stands."""
    assert bool(server_reply(text)) is is_reply
