"""The limits that the pages tell are those of the code."""

import re
from pathlib import Path

import pytest

from bounced.core import limits
from bounced.core.limits import KIB, MIB
from bounced.edges.smtp import SessionSettings

DOCS = Path(__file__).parents[2] / "docs"
UNITS = {"": 1, " KiB": KIB, " MiB": MIB}


@pytest.mark.parametrize(
    ("page", "words", "limit"),
    [
        ("smtp.md", r"over ([\d,]+)( MiB|): the first part is kept", limits.MAX_CONTENT_BYTES),
        ("smtp.md", r"over the advertised SIZE \((\d+)( MiB)\)", limits.MAX_MESSAGE_BYTES),
        ("smtp.md", r"a command line over (\d+)() octets", limits.MAX_COMMAND_BYTES),
        ("smtp.md", r"over (\d+)() octets `421", limits.MAX_LINE_BYTES),
        ("reading.md", r"(\d+)( MiB) of content", limits.MAX_CONTENT_BYTES),
        ("reading.md", r"(\d+)( KiB) and 1000 lines of header", limits.MAX_HEADER_BYTES),
        ("reading.md", r"(\d+)( KiB) of each text", limits.MAX_TEXT_BYTES),
        ("reading.md", r"(\d+)( KiB) and 4000 lines of status fields", limits.MAX_STATUS_CHARS),
        ("privacy.md", r"the diagnostic \((\d+)() characters\)", limits.MAX_STORED_CHARS),
        ("privacy.md", r"the first (\d+)( KiB) of messages that gave no reason", limits.MAX_UNRECOGNISED_BYTES),
        ("operate.md", r"values end after (\d+)() characters", limits.MAX_LOGGED_CHARS),
    ],
)
def test_a_page_tells_the_limit_that_holds(page: str, words: str, limit: int) -> None:
    """Figures in prose are forgotten when a constant changes."""
    found = re.search(words, (DOCS / page).read_text("utf-8"))
    assert found, f"{page} no longer says {words}"
    assert int(found[1].replace(",", "")) * UNITS[found[2]] == limit


def test_what_is_advertised_is_more_than_what_is_kept() -> None:
    """A bounce with the whole message in it must not be refused for what nobody reads."""
    assert SessionSettings("mx.example").max_message_bytes > limits.MAX_CONTENT_BYTES
