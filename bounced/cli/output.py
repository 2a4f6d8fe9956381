"""Answers for people on a terminal (tables and small charts), as plain text in a pipe, or as JSON lines."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bounced.core.contract.times import stamp
from bounced.core.escape import json_escaped, visible
from bounced.core.numbers import Share

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on each line.")
"""Hands ``as_json: bool`` to a command."""

printable = visible
"""Escape what cannot be printed, so that text can neither move the cursor nor forge a line."""

ROOMY = 90
"""From so many columns of the terminal on there is room for a day by the hour."""

LEAST_ROOM = 20
"""Columns of a terminal in which a text can still be read."""

_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"


Cell = str | int | Share
"""What stands in a table: a text, a number, a share."""


def print_json(record: Mapping[str, Any]) -> None:
    """Print one record as one line of JSON, without control characters."""
    sys.stdout.write(json_line(record))


def json_line(record: Mapping[str, Any]) -> str:
    """Return one record as one line of JSON, without control characters."""
    return json_escaped(_to_json(record)) + "\n"


def console() -> Console:
    """Return the console for people: with colours and boxes on a terminal, without them in a pipe."""
    return Console(highlight=False, soft_wrap=True, emoji=False, markup=False)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    title: str | None = None,
    caption: str | None = None,
    total: Sequence[Cell] = (),
) -> None:
    """Print rows as a table on a terminal; in a pipe as lines with tabs between the cells, the columns' names first.

    Columns of numbers and shares are right-aligned on a terminal, numbers with separators, with ``total`` below them.
    In a pipe numbers are plain digits, and there is neither total nor title nor ``caption``.  Texts are printed as
    they are: nothing in them is markup, and control characters are escaped.
    """
    target, rows = console(), list(rows)
    if not target.is_terminal:
        for line in (columns, *([_plain(cell) for cell in row] for row in rows)):
            sys.stdout.write("\t".join(line) + "\n")
        return
    cells = [[_readable(cell) for cell in row] for row in (*rows, *([total] if total else ()))]
    table = Table(header_style="bold")
    room = target.width - 3 * len(columns) - 1
    numbers = [_are_numbers([row[number] for row in rows]) for number in range(len(columns))]
    widths = _widths([columns, *cells], room, whole=numbers)
    for column, width, number in zip(columns, widths, numbers, strict=True):
        table.add_column(column, overflow="fold", width=width, justify="right" if number else "left")
    for row, last in zip(cells, [*[False] * (len(rows) - 1), True, True], strict=False):
        table.add_row(*map(Text, row), end_section=bool(total) and last)
    for text in filter(None, (title and Text(title, "italic"), table, caption and Text(caption, "dim"))):
        target.print(text, soft_wrap=text is not table)


def print_facts(facts: Mapping[str, Cell], *, title: str | None = None) -> None:
    """Print names and values, one a line, the values aligned and on a terminal wrapped; empty ones are left out."""
    target = console()
    if title:
        target.print(Text(title, style="bold"))
    width = max((len(name) for name, value in facts.items() if value != ""), default=0)
    for name, value in facts.items():
        if value != "":
            print_entry(Text(f"{name:<{width}}  ", "cyan"), _readable(value) if target.is_terminal else _plain(value))


def print_entry(beginning: Text, text: str) -> None:
    """Print a text behind its beginning; on a terminal wrapped at words, its further lines below the first.

    A word that has no room, such as a link, stays whole: a terminal can still open it.
    """
    target, text, indent = console(), printable(text), beginning.cell_len
    room = target.width - indent
    if target.is_terminal and room < LEAST_ROOM:
        indent, room = 2, target.width - 2
    if target.is_terminal and beginning.cell_len + cell_len(text) > target.width:
        lines = wrap(text, room, break_long_words=False, break_on_hyphens=False)
        first = "" if indent == beginning.cell_len else f"\n{' ' * indent}"
        text = first + f"\n{' ' * indent}".join(lines)
    target.print(Text.assemble(beginning, text), soft_wrap=True)


def course(hours: int, columns: int) -> str:
    """Return what the columns of ``spark`` mean, for hours that end now."""
    step = -(-hours // columns)
    return f"Over time: {step} h a column, the last is now; █ is the most of its own line."


def scale(largest: int) -> str:
    """Return the name of a column of bars: what an empty and what the longest one mean."""
    return f"0 to {largest:,}"


def bar(value: float, largest: float, width: int = 12) -> str:
    """Return a bar of at most ``width`` characters, exact to an eighth of one; what is not 0 can be seen."""
    if value <= 0 or largest <= 0:
        return ""
    eighths = max(1, round(value / largest * width * 8))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def spark(values: Sequence[float], width: int = 24) -> str:
    """Return a line of ``width`` columns at most, each the sum of some neighbouring values; a dot stands for 0."""
    step = -(-len(values) // width)
    sums = [sum(values[at : at + step]) for at in range(0, len(values), step)]
    largest = max(sums, default=0)
    return "".join(_LEVELS[min(7, int(each / largest * 8))] if each else "·" for each in sums)


def _plain(cell: Cell) -> str:
    return printable(cell) if isinstance(cell, str) else str(cell)


def _readable(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else _plain(cell)


def _are_numbers(cells: Iterable[Cell]) -> bool:
    """Whether a column has numbers, and beside them no text but empty ones."""
    cells = [cell for cell in cells if cell != ""]
    return bool(cells) and not any(isinstance(cell, str) for cell in cells)


def _widths(lines: Sequence[Sequence[str]], room: int, *, whole: Sequence[bool]) -> Sequence[int | None]:
    """Return widths of columns that break no word, and no cell of a column that is ``whole``; None where none fit."""
    columns = list(zip(*lines, strict=True))
    least = [
        max(map(cell_len, column)) if all_ else max(cell_len(word) for cell in column for word in cell.split() or [""])
        for column, all_ in zip(columns, whole, strict=True)
    ]
    wanted = [max(map(cell_len, column)) - enough for column, enough in zip(columns, least, strict=True)]
    spare = room - sum(least)
    if spare < 0:  # some word has no room
        most = max(LEAST_ROOM, room // 3)
        least = [each if all_ else min(each, most) for each, all_ in zip(least, whole, strict=True)]
        wanted = [max(map(cell_len, column)) - enough for column, enough in zip(columns, least, strict=True)]
        spare = room - sum(least)
    if spare < 0:
        return [None] * len(columns)
    share = min(1.0, spare / (sum(wanted) or 1))
    return [enough + int(more * share) for enough, more in zip(least, wanted, strict=True)]


def _as_text(value: object) -> str:
    return stamp(value) if isinstance(value, datetime) else str(value)


_to_json = json.JSONEncoder(ensure_ascii=False, default=_as_text).encode
