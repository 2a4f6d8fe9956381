"""The words of replies with what varies masked."""

import pytest

from bounced import rules
from bounced.learning.words import Masker

MASKER = Masker(rules.packaged())
NAMES = ("alice@example.org",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("550 <alice@example.org>: quux", "550 <bob@example.net>: quux"),
        ("550 alice is quuxed", "550 bob is quuxed"),
        ("550 mailbox 'alice' is quuxed", "550 mailbox 'bob' is quuxed"),
        ("550 mx1.example.net says quux", "550 mx2.example.com says quux"),
        ("550 [192.0.2.1] is quuxed", "550 [198.51.100.7] is quuxed"),
        ("550 quux (id=ab12cd34)", "550 quux (id=ff99aa00)"),
        ("550 quux, see https://example.net/a?b=1", "550 quux, see https://example.com/c"),
        ("550 Quux after 17 tries", "550 quux after 3 tries"),
        ("550 user=alice is quuxed", "550 user=bob is quuxed"),
        ("550 quux after 24 hours", "550 quux after 10 hours"),
        ("host mx.example.net said: 550 quux", "550 quux"),
        ("550-5.7.1 quux", "550 5.7.1 quux"),
    ],
)
def test_what_varies_does_not_part_replies(one: str, other: str) -> None:
    """Names, hosts, numbers and ids are not words."""
    bob = ("bob@example.net",)
    assert (MASKER.mask(one, NAMES).key, MASKER.mask(one, NAMES).code) == (
        MASKER.mask(other, bob).key,
        MASKER.mask(other, bob).code,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("550 mailbox is full", "550 mailbox is unknown"),
        ("550 5.7.1 quux", "550 5.1.1 quux"),
        ("550 quux", "450 quux"),
    ],
)
def test_a_word_or_a_code_parts_replies(one: str, other: str) -> None:
    """It may be the reason."""
    assert MASKER.mask(one, NAMES)[:2] != MASKER.mask(other, NAMES)[:2]


def test_a_mailbox_with_a_name_that_is_a_word_hides_no_reason() -> None:
    """Somebody may be called ``full``."""
    assert "full" in MASKER.mask("552 mailbox is full", ("full@example.org",)).key


@pytest.mark.parametrize(
    "reply",
    [
        "550 <alice@example.org> quux",
        "550 alice quux",
        "550 Alice: quux",
        "550 quux (id=alice123def, user=alice)",
        "550 'alice@example.org' quux, not alice.",
        "550 someone.else@example.com quux",
        "550 <Alice@EXAMPLE.org> quux at example.org [203.0.113.9]",
    ],
)
def test_an_example_names_nobody(reply: str) -> None:
    """Neither the recipient nor another address, nor an IP address."""
    example = MASKER.without_people(reply, NAMES[0], NAMES).lower()
    assert not any(each in example for each in ("alice", "someone", "203.0.113.9"))
    assert "quux" in example
