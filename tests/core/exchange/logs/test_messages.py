"""Which messages are remembered."""

import json

import pytest

from bounced.core.exchange.logs.messages import MAX_DAYS, MAX_DEFERRED, Deferral, OpenMessages


def test_the_message_that_was_begun_first_is_forgotten_where_there_are_too_many():
    """It is counted, because its end will not be heard."""
    known = OpenMessages(most=2)
    for number in range(3):
        known.begin(("mx1", str(number)), "b-abc@bounce.example.com", "2026-06-15T12:00:00Z", 1)
    assert (len(known), known.forgotten, known.get(("mx1", "0"))) == (2, 1, None)


def test_a_message_that_never_ended_is_forgotten_in_time():
    """Its end was in lines that nobody read."""
    known = OpenMessages()
    for day in (1, 2, MAX_DAYS + 2):
        known.begin(("mx1", str(day)), "b-abc@bounce.example.com", "1", day)
    assert (len(known), known.forgotten, known.get(("mx1", "1"))) == (2, 1, None)


def test_a_message_that_is_known_keeps_its_time():
    """A deferred one is begun again at every attempt."""
    known = OpenMessages()
    for at in ("1", "2"):
        known.begin(("mx1", "a"), "b-abc@bounce.example.com", at, 1)
    message = known.get(("mx1", "a"))
    assert message is not None
    assert message.sent_at == "1"


def test_what_is_remembered_of_a_message_is_bounded():
    """So many recipients, and so much of a reply."""
    known = OpenMessages()
    known.begin(("mx1", "a"), "b-abc@bounce.example.com", "1", 1)
    message = known.get(("mx1", "a"))
    assert message is not None
    for number in range(100):
        message.defer(f"user{number}@example.net", Deferral("x" * 100_000))
    assert len(message.deferred) == MAX_DEFERRED
    assert len(json.dumps(known.as_json())) < 10_000


@pytest.mark.parametrize(
    "rows",
    [None, 7, "x", {}, [7], [[]], [["mx1", "a", "path", 7, 1, {}]], [["mx1", "a", "path", "1", 1, {"x": [1]}, 2]]],
)
def test_malformed_rows_are_left_out(rows: object):
    """Somebody may have edited them."""
    known = OpenMessages()
    known.restore(rows)
    assert len(known) == 0


@pytest.mark.parametrize("said", [7, None, "abc", ["a"], ["a", "b", "c", "d"]])
def test_a_malformed_deferral_is_left_out(said: object):
    """The message stays known."""
    known = OpenMessages()
    known.restore([["mx1", "a", "path", "1", 1, {"jane@example.net": said}]])
    message = known.get(("mx1", "a"))
    assert message is not None
    assert message.deferred == {}
