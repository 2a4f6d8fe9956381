"""What a service says in its own words is no reply of a server."""

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
