"""What the scripts of Redis are given is the same with msgspec and without, octet for octet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounced.core.contract.hourly_counters import HourlyCounter, Quota
from bounced.core.mailbox import AddressId
from bounced.core.terms import State
from bounced.edges.redis.compact_json import encode, in_python

TEXTS = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(VALUES)
def test_octets_are_those_of_pythons_own_encoder(value: object) -> None:
    """Controls, quotes, surrogates, large numbers: msgspec writes what Python writes, or leaves it to Python."""
    assert encode(value) == in_python(value)


@pytest.mark.parametrize(
    "value",
    [
        State.HELD,
        State.read("of_a_later_version"),
        AddressId("0" * 64),
        HourlyCounter("class:hard", Quota.OWN),
        {Quota.DOMAINS: 10_000},
        "\x7f\x85\u2028/<>",
    ],
)
def test_words_and_ids_stand_as_their_texts(value: object) -> None:
    """Values of our own types are written as the plain values that they are made of."""
    assert encode([value]) == in_python([value])


def test_half_of_a_surrogate_pair_becomes_a_question_mark() -> None:
    """UTF-8 cannot carry it, and the commit must not fail for it."""
    assert encode({"diagnostic": "a\ud800b"}) == b'{"diagnostic":"a?b"}'
