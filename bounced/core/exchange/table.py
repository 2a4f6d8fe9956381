"""From CSV to records, also from a file in which a quote is never closed."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from bounced.core.exchange.formats import Fields, Unrecognised
from bounced.core.exchange.own import from_cell
from bounced.core.exchange.rows import SkippedRow, SkipReason
from bounced.core.exchange.services import columns_of

MAX_FIELD_CHARS = 1000
DELIMITERS = ",;\t"
OURS = frozenset({"address", "category"})
"""Columns of what we export, and of what is made of it: their cells are read as we write them."""

Record = tuple[int, Fields | SkippedRow]
"""The line on which a record ends (its number where one line holds them all), and its fields or what is wrong."""


def read_table(first: str, rest: Iterable[str], above: int = 0) -> tuple[Sequence[str], Iterator[Record]]:
    """Return the column names of a CSV file, in lower case, and its records.

    The first line tells what stands between the cells: a comma, a semicolon or a tabulator.  ``above`` are the
    empty lines before it.  Raises Unrecognised.
    """
    lines = _Lines(first, rest, above)
    # Strict, so that a quote that is never closed is an error at the next quote, and not a cell of many rows.
    table = csv.reader(lines, delimiter=max(DELIMITERS, key=first.count), strict=True)
    try:
        row = next(table)
    except csv.Error as error:
        raise Unrecognised(f"line {above + 1}, with the names of the columns, is broken CSV: {error}") from error
    names = columns_of(row)
    if names is not None:
        lines.again(0)
    else:
        names = tuple(cell.strip().lower() for cell in row)
    return names, _records(table, lines, names)


class _Lines:
    """The lines of a file, counted; those of the last record can be read again."""

    def __init__(self, first: str, rest: Iterable[str], above: int) -> None:
        self._rest = iter(rest)
        self._waiting = deque((first,))
        self.count = above
        self.held: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._rest)
        self.count += 1
        self.held.append(line)
        return line

    def again(self, kept: int) -> None:
        """Read the lines of the last record again, but for the first ``kept`` of them."""
        self._waiting.extendleft(reversed(self.held[kept:]))
        self.count -= len(self.held) - kept
        self.held.clear()


def _records(table: Iterator[list[str]], lines: _Lines, names: Sequence[str]) -> Iterator[Record]:
    ours, width, held = set(names) >= OURS, len(names), lines.held
    while True:
        held.clear()
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            yield _broken(lines, error)
            continue
        if len(row) == width:
            cells = [text[:MAX_FIELD_CHARS] for text in row]
            yield lines.count, _ours(lines.count, names, cells) if ours else _stripped(names, cells)
        elif row:
            yield _misfit(lines, f"{len(row)} columns, the first line has {width}")


def _broken(lines: _Lines, error: csv.Error) -> Record:
    """Return the fault of the last record; where it is an open quote, go on behind the line on which it opens."""
    held = lines.held
    opened = _opens_on(held[:-1] if len(held) > 1 else held)
    if opened is None:
        return lines.count, SkippedRow(lines.count, f"broken CSV: {error}")
    lines.again(opened + 1)
    return lines.count, SkippedRow(lines.count, "a quote opens on this line, and no quote closes it")


def _misfit(lines: _Lines, fault: str) -> Record:
    """Return the fault of the last record; where a cell of it has several lines, go on behind the first of them."""
    ends = lines.count
    opened = _opens_on(lines.held[:-1])
    if opened is not None:
        lines.again(opened + 1)
        fault = f"a quote opens on this line and closes on line {ends}: {fault}"
    return lines.count, SkippedRow(lines.count, fault)


def _opens_on(held: Sequence[str]) -> int | None:
    """Return which line of a record opens the quote that is still open at its end, None where none is."""
    opened = None
    for number, line in enumerate(held):
        if line.count('"') % 2:
            opened = number if opened is None else None
    return opened


def _stripped(names: Sequence[str], cells: Sequence[str]) -> Fields:
    return dict(zip(names, map(str.strip, cells), strict=True))


def _ours(line: int, names: Sequence[str], cells: Sequence[str]) -> Fields | SkippedRow:
    try:
        return {name: from_cell(name, cell) for name, cell in zip(names, cells, strict=True)}
    except ValueError:
        return SkippedRow(line, "an address that has no such character", SkipReason.BAD_ADDRESS)
