"""Whatever comes is read without an exception, and what it says does not depend on how it was wrapped."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounced.core.reading.message.limits import WorkSpent
from bounced.core.reading.report import parse
from bounced.core.terms import Kind
from bounced.explain import explain
from tests.support.mutations import Mutator

TESTS = Path(__file__).parents[1]
DEMO = TESTS.parent / "bounced" / "demo" / "messages"
SEEDS = sorted((*(TESTS / "corpus" / "mta").glob("*.eml"), *DEMO.glob("*.eml")))


@pytest.mark.parametrize("count", [2_000, pytest.param(200_000, marks=pytest.mark.soak)])
def test_changed_bounces_are_read(count: int) -> None:
    """Whatever was changed in its fields, parts, encodings, charsets or numbers, reading raises nothing."""
    mutator = Mutator([seed.read_bytes() for seed in SEEDS], random.Random(3464))
    for _ in range(count):
        message = mutator.message()
        explanation = explain(message)
        assert explanation.kind in Kind
        assert isinstance(explanation.report.fault, WorkSpent | None), message
        assert explanation.report.fault is None or not explanation.findings


@given(st.binary(max_size=2000))
def test_arbitrary_octets_raise_nothing(content: bytes) -> None:
    """What is no message at all is read as one that says nothing."""
    assert parse(content).fault is None


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=800))
def test_arbitrary_words_raise_nothing(author: str, subject: str, words: str) -> None:
    """A notice may say anything in any script."""
    content = f"From: Mailer-Daemon {author}\nSubject: Undeliverable {subject}\n\n{words}"
    assert parse(content.encode("utf-8", "surrogatepass")).fault is None


@given(st.sampled_from(SEEDS), st.sampled_from([b"\r\n", b"\n"]))
def test_line_ends_change_nothing(seed: Path, line_end: bytes) -> None:
    """CRLF and LF are the same message."""
    content = seed.read_bytes().replace(b"\r\n", b"\n")
    assert parse(content.replace(b"\n", line_end)) == parse(content)
