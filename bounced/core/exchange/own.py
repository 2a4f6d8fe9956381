"""Our own CSV: its columns, and cells that no spreadsheet runs as a formula and that import reads back unchanged."""

import re
from collections.abc import Mapping, Sequence

from bounced.core.escape import spelled, unspelled, visible

COLUMNS = (
    "address",
    "state",
    "category",
    "class",
    "since",
    "until",
    "status",
    "diagnostic",
    "reporting_mta",
    "campaign",
    "origin",
    "actor",
)
"""The columns of our own format, all but the first named like the fields of the state hash."""

FREE_TEXT = frozenset({"status", "diagnostic", "reporting_mta", "campaign", "actor"})
"""Columns with text of others: spaces at their ends are kept."""

_BEGINNINGS = frozenset("'=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How a cell may begin that a spreadsheet takes for a formula."""
# Any apostrophes, then = + - @ or their full-width forms, TAB, CR or LF.  (OWASP, CSV Injection)
_FORMULA = re.compile("'*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet takes for a formula, or a cell that was escaped already."""


def to_cell(column: str, text: str) -> str:
    """Return the cell for a value: printable, and with an apostrophe before what a spreadsheet would run."""
    text = spelled(text) if column == "address" else visible(text)
    return f"'{text}" if _FORMULA.match(text) else text


def to_cells(row: Sequence[str]) -> Sequence[str]:
    """Return the cells for a value of each of COLUMNS.  Most rows have nothing to escape, so all is looked at first."""
    if _BEGINNINGS.isdisjoint([value[:1] for value in row]) and "".join(row).isprintable():
        return row
    return [to_cell(column, value) for column, value in zip(COLUMNS, row, strict=True)]


def from_cell(column: str, cell: str) -> str:
    """Return the value of a cell.  Raises ValueError for an address that no export of ours writes."""
    text = cell if column in FREE_TEXT else cell.strip()
    if text.startswith("'") and _FORMULA.match(text):
        text = text[1:]
    return unspelled(text) if column == "address" else text


def exported(address: str, state_hash: Mapping[str, str]) -> list[str]:
    """Return the row of our own format for an address on the suppression list: a value for each of COLUMNS, escaped.

    An older version may have stored the text of a peer unescaped.
    """
    get = state_hash.get
    return [address, *[visible(get(column, "")) for column in COLUMNS[1:]]]
