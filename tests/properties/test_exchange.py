"""An export is read back as it was, whatever peers wrote into it, and no spreadsheet runs it."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from bounced.core.contract.state_hash import to_fields
from bounced.core.exchange import COLUMNS, Reader, Row, exported, read_rows
from bounced.core.exchange.own import from_cell, to_cell, to_cells
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.state import AddressState, Evidence, EvidenceType
from bounced.core.terms import Category, Class, Origin, State, Verdict

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FORMULAS = ("=HYPERLINK(0)", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "'=1", "''+1", "\uff1d1", "=cmd|' /C calc'!A0")
ANYTHING = st.one_of(st.text(st.characters(), max_size=300), st.sampled_from(FORMULAS))


def _csv(address: str, fields: dict[str, str]) -> str:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerow(to_cells(exported(address, fields)))
    return written.getvalue()


def _read(text: str) -> Row:
    (row,) = read_rows(io.StringIO(text), Reader(lambda _reply, _address: Verdict(Category.UNDETERMINED, "", ""), NOW))
    assert isinstance(row, Row)
    return row


def _address(local_part: str) -> str:
    try:
        return normalise(f"{local_part}@example.org")
    except BadAddress:
        return "alice@example.org"


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, st.one_of(st.sampled_from(FORMULAS), st.text(max_size=20)))
@example(" =1 ", " ", "\x1b]0;x\x07", "a\u202eb", '"a\\\\u202e"')
@example("", "", "", "", "=a")
@example("", "", "", "", "'-\u200c\U000e0041")
def test_an_export_is_read_back_without_loss(
    diagnostic: str, reporting_mta: str, campaign: str, status: str, local_part: str
) -> None:
    """What came in over the border goes out and comes back; no cell is a formula, none is obeyed by a terminal."""
    verdict = Verdict(Category.MAILBOX_UNKNOWN, "rule", "text", status=status, diagnostic=diagnostic)
    said = Evidence(
        EvidenceType.REPORT, NOW, Origin.SMTP, verdict=verdict, campaign=campaign, reporting_mta=reporting_mta
    )
    assert said.verdict is not None
    state = AddressState(
        State.SUPPRESSED,
        Category.MAILBOX_UNKNOWN,
        Class.HARD,
        since=NOW,
        status=said.verdict.status or "",
        diagnostic=said.verdict.diagnostic,
        reporting_mta=said.reporting_mta,
        campaign=said.campaign,
        origin=Origin.SMTP,
    )
    address = _address(local_part)
    text = _csv(address, to_fields(state, 1))
    assert text.replace("\n", "").isprintable()
    row = _read(text)
    assert row.address == address
    assert row.said == state


@given(st.dictionaries(st.sampled_from(COLUMNS[1:]), ANYTHING))
def test_what_an_older_version_stored_raw_goes_out_harmless(fields: dict[str, str]) -> None:
    """Two lines, of printable cells, none of which a spreadsheet runs."""
    text = _csv("alice@example.org", fields)
    assert text.count("\n") == 2
    assert text.replace("\n", "").isprintable()
    _, cells = csv.reader(io.StringIO(text))
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))]


@given(ANYTHING.filter(str.isprintable))
def test_a_cell_is_read_back_as_the_value_that_it_was(text: str) -> None:
    """Also one that begins like the cell of a formula."""
    assert from_cell("diagnostic", to_cell("diagnostic", text)) == text


@given(st.lists(ANYTHING, min_size=len(COLUMNS), max_size=len(COLUMNS)))
@example(["a@example.org", *[""] * (len(COLUMNS) - 1)])
@example(["a@example.org", *[""] * (len(COLUMNS) - 2), "\uff20x"])
def test_the_cells_of_a_row_are_those_of_its_values(row: list[str]) -> None:
    """Also where a look at the whole row finds nothing to escape."""
    assert list(to_cells(row)) == [to_cell(column, value) for column, value in zip(COLUMNS, row, strict=True)]
