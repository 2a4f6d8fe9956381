"""Cells of our own CSV: text that no spreadsheet runs, and that is read back as it was."""

import re

from bounced.core.escape import spelled, unspelled, visible

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
