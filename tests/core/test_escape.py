"""What somebody else wrote is seen, and does nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounced.core.escape import escaped, json_escaped, spelled, unspelled, visible

HOSTILE = {
    "NUL": "\0",
    "ESC": "\x1b[2J",
    "OSC": "\x1b]0;title\x07",
    "line break": "\r\n",
    "DEL": "\x7f",
    "C1": "\x9b31m",
    "next line": "\x85",
    "bidi": "\u202e",
    "isolate": "\u2066",
    "zero width": "\u200b",
    "byte order mark": "\ufeff",
    "line separator": "\u2028",
    "tag": "\U000e0041",
    "surrogate": "\ud800",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_acts_is_made_visible(text: str) -> None:
    """On a terminal, in a log, in JSON."""
    for shown in (visible(text), escaped(text), json_escaped(json.dumps(text, ensure_ascii=False)), spelled(text)):
        assert shown.isprintable()
        assert shown.encode()


@given(st.text(st.characters()))
def test_json_stays_the_same_document(text: str) -> None:
    """Whoever parses it finds what was there."""
    assert json.loads(json_escaped(json.dumps({text: [text]}, ensure_ascii=False))) == {text: [text]}


@given(st.text(st.characters()))
def test_an_address_is_spelled_and_read_back(text: str) -> None:
    """Between quotes backslashes stand in pairs, or before a quote; elsewhere there is none."""
    for address in (text.replace("\\", ""), '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'):
        assert unspelled(spelled(address)) == address


@given(st.text(st.characters()))
def test_escaping_twice_is_escaping_once(text: str) -> None:
    """A state is read and written again and again."""
    assert visible(visible(text)) == visible(text)
    assert escaped(escaped(text)) == escaped(text)
    assert len(escaped(text, 10)) <= 10
