"""What one message says about the recipient that its return path stands for."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bounced import rules
from bounced.core.meaning.rules import RuleSet
from bounced.core.meaning.understand import understand
from bounced.core.reading.report import parse
from bounced.core.terms import Category, Envelope, ReturnPath

SIGNED = ReturnPath("main", "alice@example.org", "MAC", date(2026, 3, 1))
AT = datetime(2026, 3, 2, tzinfo=UTC)
LEAVING = b"From: Alice <alice@example.org>\r\nSubject: unsubscribe\r\n\r\nunsubscribe\r\n"
JOINING = LEAVING.replace(b"unsubscribe", b"subscribe")


@pytest.fixture(scope="module")
def ruleset() -> RuleSet:
    """Return the built-in rules."""
    return rules.load(())


@pytest.mark.parametrize(
    ("message", "return_path", "category"),
    [
        (LEAVING, SIGNED, Category.UNSUBSCRIBED),
        (LEAVING, replace(SIGNED, signed=False), Category.SUBSCRIPTION),
        (LEAVING, None, Category.SUBSCRIPTION),
        (JOINING, SIGNED, Category.SUBSCRIPTION),
    ],
)
def test_a_request_to_leave_at_a_signed_path_is_an_unsubscription(
    ruleset: RuleSet, message: bytes, return_path: ReturnPath | None, category: Category
) -> None:
    """Nobody else can say it for Alice; a request to join confirms nothing."""
    envelope = Envelope("192.0.2.1", "alice@example.org", "b-x@bounce.example.com", message, AT)
    _, evidence = understand(parse(message), return_path, envelope, ruleset, trust_unsigned=False)
    assert evidence.verdict is not None
    assert evidence.verdict.category is category
