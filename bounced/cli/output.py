"""Answers for people on a terminal, as plain text in a pipe, or as JSON lines."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bounced.core.stamp import stamp


def print_json(record: Mapping[str, Any]) -> None:
    """Print one record as one line."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False, default=_as_text) + "\n")


def _as_text(value: object) -> str:
    return stamp(value) if isinstance(value, datetime) else str(value)


def console() -> Console:
    """Return where people read: colours and boxes on a terminal, neither in a pipe."""
    return Console(highlight=False, soft_wrap=True, emoji=False, markup=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    """Print rows as a table on a terminal, as lines with tabs between the cells in a pipe.

    Cells are printed as they are: nothing in them is markup, and control characters are escaped.
    """
    target = console()
    if not target.is_terminal:
        for row in rows:
            sys.stdout.write("\t".join(printable(cell) for cell in row) + "\n")
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    target.print(table, soft_wrap=False)


def print_facts(facts: Mapping[str, str], *, title: str | None = None) -> None:
    """Print names and values, one a line, the values aligned; empty ones are left out."""
    target = console()
    if title:
        target.print(Text(title, style="bold"))
    width = max((len(name) for name, value in facts.items() if value), default=0)
    for name, value in facts.items():
        if value:
            target.print(Text.assemble((f"{name:<{width}}  ", "cyan"), printable(value)))


def printable(text: str) -> str:
    """Return text that cannot move a cursor or forge a line: what cannot be printed stands escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
