"""Key names are what the contract says, since other programs spell them out."""

import pytest

from bounced.core.contract.keys import Keyspace

KEYS = Keyspace()


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (KEYS.suppressed, "suppressed"),
        (KEYS.address("alice@example.org"), "address:alice@example.org"),
        (KEYS.history("alice@example.org"), "history:alice@example.org"),
        (KEYS.due, "due"),
        (KEYS.seen("mac"), "seen:mac"),
        (KEYS.events, "events"),
        (KEYS.intake, "intake"),
        (KEYS.intake_failed, "intake-failed"),
        (KEYS.token("t"), "token:t"),
        (KEYS.counts("2026112122"), "counts:2026112122"),
        (KEYS.blocks, "blocks"),
        (KEYS.alarms, "alarms"),
        (KEYS.disputed, "disputed"),
        (KEYS.unknowns("example.org"), "unknowns:example.org"),
        (KEYS.unrecognised, "unrecognised"),
    ],
)
def test_key_names(key: str, name: str) -> None:
    """Each starts with the prefix and the list in braces."""
    assert key == f"bounced:{{main}}:{name}"


def test_prefix_and_list_are_the_operators() -> None:
    """Several daemons and lists may share one server."""
    assert Keyspace("staging", "news-de").suppressed == "staging:{news-de}:suppressed"


@pytest.mark.parametrize(
    ("prefix", "list_"),
    [
        ("", "main"),
        ("a{b", "main"),
        ("a b", "main"),
        ("bounced", "Main"),
        ("bounced", ""),
        ("bounced", "a" * 33),
        ("bounced", "a}b"),
    ],
)
def test_names_that_would_break_the_hash_tag_are_refused(prefix: str, list_: str) -> None:
    """Braces in a name would scatter a list over a cluster."""
    with pytest.raises(ValueError, match=r"key prefix|list is named"):
        Keyspace(prefix, list_)


def test_a_pepper_is_never_shown() -> None:
    """A key space may be logged."""
    assert "secret" not in repr(Keyspace(pepper=b"secret"))


def test_addresses_stand_in_plain_or_under_a_pepper() -> None:
    """``address_form`` decides."""
    assert KEYS.address_id("alice@example.org") == "alice@example.org"
    assert len(Keyspace(pepper=b"secret").address_id("alice@example.org")) == 64


def test_a_pepper_is_the_same_with_the_line_end_of_its_file() -> None:
    """The daemon leaves it out; a sender that did not would ask for hashes that nobody wrote."""
    read, meant = Keyspace(pepper=b"a pepper\r\n", erasure_pepper=b"another\n"), Keyspace(pepper=b"a pepper")
    assert read.address_id("alice@example.org") == meant.address_id("alice@example.org")
    assert read.erasure_pepper == b"another"
