"""Our own CSV: its columns, and cells that no spreadsheet takes for a formula and that are read back as they were."""

import re
from collections.abc import Mapping

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
)
"""The columns of our own format, all but the first named like the fields of the state hash."""

FREE_TEXT = frozenset({"status", "diagnostic", "reporting_mta", "campaign"})
"""Columns whose values others wrote, kept to the last space."""

_LIVE = re.compile("'*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet takes for a formula, or that stood for one before."""


def to_cell(column: str, text: str) -> str:
    """Return a value as its cell: printable, and after an apostrophe where it would be a formula."""
    text = spelled(text) if column == "address" else visible(text)
    return f"'{text}" if _LIVE.match(text) else text


def from_cell(column: str, cell: str) -> str:
    """Return the value of a cell.  Raises ValueError for an address that no export of ours writes."""
    text = cell if column in FREE_TEXT else cell.strip()
    if text.startswith("'") and _LIVE.match(text):
        text = text[1:]
    return unspelled(text) if column == "address" else text


def exported(address: str, state_hash: Mapping[str, str]) -> list[str]:
    """Return the row of our own format for an address off the list, a value for each of COLUMNS, nothing to be obeyed.

    A state of an older version may hold what a peer sent as it came.
    """
    get = state_hash.get
    return [address, *[visible(get(column, "")) for column in COLUMNS[1:]]]
