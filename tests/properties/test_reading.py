"""Whatever comes is read without an exception, and what it says does not depend on how it was wrapped."""

import os
import random
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bounced.core.report import parse
from bounced.core.terms import Kind, Report
from bounced.explain import explain

SEEDS = sorted((Path(__file__).parents[1] / "corpus" / "mta").glob("*.eml"))
MUTATIONS = int(os.environ.get("BOUNCED_MUTATIONS", "1500"))


def truncated(message: bytes, chance: random.Random) -> bytes:
    """Cut a message anywhere."""
    return message[: chance.randrange(len(message))]


def flipped(message: bytes, chance: random.Random) -> bytes:
    """Change up to forty octets."""
    octets = bytearray(message)
    for _ in range(chance.randrange(1, 40)):
        octets[chance.randrange(len(octets))] = chance.randrange(256)
    return bytes(octets)


def shuffled(message: bytes, chance: random.Random) -> bytes:
    """Put the lines into any order."""
    lines = message.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def repeated(message: bytes, chance: random.Random) -> bytes:
    """Repeat one line many times."""
    lines = message.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join(lines[:at] + lines[at : at + 1] * chance.randrange(2, 500) + lines[at:])


def spliced(message: bytes, chance: random.Random) -> bytes:
    """Continue one message with another's second half."""
    other = chance.choice(SEEDS).read_bytes()
    return message[: chance.randrange(len(message))] + other[chance.randrange(len(other)) :]


def without_lines(message: bytes, chance: random.Random) -> bytes:
    """Drop a tenth of the lines, blank ones and boundaries among them."""
    return b"\n".join(line for line in message.split(b"\n") if chance.random() > 0.1)


MUTATORS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    truncated,
    flipped,
    shuffled,
    repeated,
    spliced,
    without_lines,
)


def test_mutated_bounces_raise_nothing() -> None:
    """A bounce that was cut, flipped, shuffled, repeated or spliced is still read and classified.

    ``BOUNCED_MUTATIONS=10000`` runs the long form.
    """
    chance = random.Random(3464)
    seeds = [seed.read_bytes() for seed in SEEDS]
    for _ in range(MUTATIONS):
        message = chance.choice(MUTATORS)(chance.choice(seeds), chance)
        assert explain(message).kind in Kind


@given(st.binary(max_size=2000))
def test_arbitrary_octets_raise_nothing(content: bytes) -> None:
    """What is no message at all is read as one that says nothing."""
    assert isinstance(parse(content), Report)


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=800))
def test_arbitrary_words_raise_nothing(author: str, subject: str, words: str) -> None:
    """A notice may say anything in any script."""
    content = f"From: Mailer-Daemon {author}\nSubject: Undeliverable {subject}\n\n{words}"
    assert isinstance(parse(content.encode("utf-8", "surrogatepass")), Report)


@given(st.sampled_from(SEEDS), st.sampled_from([b"\r\n", b"\n"]))
def test_line_ends_change_nothing(seed: Path, line_end: bytes) -> None:
    """CRLF and LF are the same message."""
    content = seed.read_bytes().replace(b"\r\n", b"\n")
    assert parse(content.replace(b"\n", line_end)) == parse(content)
