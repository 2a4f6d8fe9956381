"""Each format's sample file imports as its row in docs/import.md says.

The addresses of the samples say what is to become of them: ``mailbox_unknown+2@`` is suppressed with that category,
``left-out.some-mail-only@`` is left out for that reason.
"""

import csv
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bounced.core.exchange import FORMATS, Format, Reader, Row, SkippedRow, SkipReason, detect, read_rows
from bounced.core.exchange.formats import plain
from bounced.core.exchange.records import records
from bounced.core.exchange.services import OWN
from bounced.core.meaning.bare import Known
from bounced.core.meaning.classify import classify_reply
from bounced.core.terms import Category
from bounced.explain import packaged_rules

SAMPLES = sorted((Path(__file__).parent / "samples").iterdir())
PAGE = Path(__file__).parents[3] / "docs/import.md"
RULES = packaged_rules()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CELL = re.compile(r"(?<=\|)[^|]*(?=\|)")
FLAGS = {"true", "yes", "false", "no"}


def rows_of_page() -> dict[str, list[str]]:
    """Return the cells of each row of the table, by the format's name."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")][2:]
    table = [[cell.strip() for cell in CELL.findall(line)] for line in lines]
    return {cells[1].strip("`"): cells for cells in table}


TABLE = rows_of_page()


def quoted(cell: str) -> set[str]:
    """Return what stands in code in a cell."""
    return set(re.findall(r"`([^`]+)`", cell))


def imported(file: Path) -> tuple[Format, list[Row | SkippedRow]]:
    """Return the format of a sample, and what becomes of its rows."""
    with file.open(encoding="utf-8") as lines:
        columns, _ = records(lines)
    format_ = detect(columns, FORMATS)
    said = None if format_.says_why else Category.UNSUBSCRIBED
    reader = Reader(lambda reply, address: classify_reply(reply, RULES, Known(about=address)), NOW, said)
    with file.open(encoding="utf-8") as lines:
        return format_, list(read_rows(lines, reader))


def expected(address: str) -> str:
    """Return what an address of a sample says of itself."""
    return re.split(r"[+@]", address, maxsplit=1)[0]


def outcome(row: Row | SkippedRow) -> str:
    """Return what became of a row, as the addresses of the samples say it."""
    return str(row.said.category) if isinstance(row, Row) else f"left-out.{row.why.replace(' ', '-')}"


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_each_sample_imports_as_its_addresses_say(file):
    """Whatever carries it: a table, JSON lines, or an API's answer."""
    format_, rows = imported(file)
    assert format_.name == file.name.partition(".")[0]
    assert rows
    for row in rows:
        address = row.address if isinstance(row, Row) else row.text.partition(": ")[0]
        assert outcome(row) == expected(address), row


def test_each_format_has_a_row_on_the_page_and_a_sample():
    """Nothing is read that the page does not name, and nothing is promised that no test imports."""
    names = {each.name for each in FORMATS}
    assert set(TABLE) == names
    assert {file.name.partition(".")[0] for file in SAMPLES} == names - {OWN}


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_the_page_says_by_which_columns_a_format_is_told(format_):
    """As the service spells them."""
    told_by = {name.lower() for name in quoted(TABLE[format_.name][3])}
    wanted = {*format_.addresses, *format_.columns}
    assert wanted <= told_by
    assert told_by <= wanted | {"tag", "tags"}


@pytest.mark.parametrize("name", sorted({each.name for each in FORMATS} - {OWN}))
def test_the_page_says_what_is_taken_as_what_and_what_is_left_out(name):
    """Exactly the categories and the reasons that come of the samples."""
    _, _, _, _, taken, left_out, _ = TABLE[name]
    became = {outcome(row) for file in SAMPLES if file.name.partition(".")[0] == name for row in imported(file)[1]}
    reasons = {str(each) for each in SkipReason}
    assert became - {each for each in became if each.startswith("left-out.")} <= quoted(taken)
    assert {each for each in became if each.startswith("left-out.")} == {
        f"left-out.{each.replace(' ', '-')}" for each in quoted(left_out) & reasons
    }


@pytest.mark.parametrize("format_", [each for each in FORMATS if each.name != "categories"], ids=lambda each: each.name)
def test_the_page_names_each_word_that_is_understood(format_):
    """An operator finds the word of the file on the page."""
    _, _, _, _, taken, left_out, _ = TABLE[format_.name]
    named = {plain(word) for word in quoted(taken) | quoted(left_out)}
    words = {part for words in format_.words for word in words.means for part in word.split("+") if part}
    assert words - FLAGS <= named


@pytest.mark.parametrize("name", sorted({each.name for each in FORMATS} - {OWN, "categories", "addresses"}))
def test_the_page_says_where_a_format_was_looked_up(name):
    """With a month, or by the row above."""
    assert re.search(r"[A-Z][a-z]+ 20\d\d|the same|above", TABLE[name][6])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["mailgun-bounces.csv", "sendgrid-bounces.csv", "hubspot.csv"])
def test_what_stands_between_the_cells_makes_no_difference(name, delimiter, tmp_path):
    """A spreadsheet may have written the file again."""
    (file,) = (each for each in SAMPLES if each.name == name)
    with file.open(newline="") as given, (tmp_path / name).open("w", newline="") as written:
        csv.writer(written, delimiter=delimiter).writerows(csv.reader(given))
    assert [outcome(row) for row in imported(tmp_path / name)[1]] == [outcome(row) for row in imported(file)[1]]
