"""The page about the names of other systems says what the table says."""

import json
import re
from pathlib import Path

from bounced.core.exchange.name_tables import SOURCES
from bounced.core.exchange.names import NAMES
from bounced.explain import explain_reply, reply_as_json
from docs.generate import pages

PAGE = Path(__file__).parents[2] / "docs/names.md"
TEXT = PAGE.read_text("utf-8")


def test_the_page_is_what_the_table_says() -> None:
    """`make docs` writes it; nobody changes it by hand, and nobody forgets to."""
    assert pages()[PAGE] == TEXT


def test_each_name_stands_in_the_section_of_its_system() -> None:
    """An operator finds the word of a log file on the page."""
    for system, names in NAMES.items():
        section = TEXT.partition(f"### {SOURCES[system][0]}\n")[2].partition("\n### ")[0]
        assert all(f"`{name.text}` |" in section for name in names), system


def test_each_system_says_where_its_names_stand() -> None:
    """With the month in which that was looked up."""
    assert all(re.search(r"[A-Z][a-z]+ 20\d\d", source) for _, source in SOURCES.values())


def test_the_example_of_the_page_is_what_is_printed() -> None:
    """To the last character."""
    (reply,) = re.findall(r'--reply "([^"]+)"', TEXT)
    (printed,) = re.findall(r"```json\n(.*)\n```", TEXT)
    assert reply_as_json(reply, explain_reply(reply))["names"] == json.loads(printed)
