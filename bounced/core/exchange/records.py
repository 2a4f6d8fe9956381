"""From the text of a file to records: CSV, JSON lines, or the JSON that a service's API answers."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from bounced.core.exchange.formats import Fields, Unrecognised
from bounced.core.exchange.own import FREE_TEXT, from_cell
from bounced.core.exchange.rows import SkippedRow, SkipReason

MAX_FIELD_CHARS = 1000
OURS = frozenset({"address", "category"})
"""Columns of what we export, and of what is made of it: their cells are read as we write them."""

DELIMITERS = ",;\t"

Record = tuple[int, Fields | SkippedRow]
"""The line on which a record ends (its number where one line holds them all), and its fields or what is wrong."""


def records(lines: Iterable[str]) -> tuple[Sequence[str], Iterator[Record]]:
    """Return the column names of a file, in lower case, and its records.  Raises Unrecognised.

    The columns of JSON are those of the first record.
    """
    remaining = iter(lines)
    first = next((line for line in remaining if line.strip("\ufeff \t\r\n")), None)
    if first is None:
        raise Unrecognised("the file is empty")
    if "\0" in first:
        raise Unrecognised("the file is not text in UTF-8; a spreadsheet may have saved it as UTF-16")
    rest = chain((first.removeprefix("\ufeff"),), remaining)
    return _json(rest) if first.lstrip("\ufeff \t").startswith(("{", "[")) else _csv(rest)


def _csv(lines: Iterator[str]) -> tuple[Sequence[str], Iterator[Record]]:
    first = next(lines)
    table = csv.reader(chain((first,), lines), delimiter=max(DELIMITERS, key=first.count))
    row = next(table)
    names = [_name(column) for column in row]
    if len(names) == 1 and "@" in names[0]:  # no column is called so: addresses alone, from the first line on
        found = _csv_records(table, ["address"])
        return ["address"], chain(((table.line_num, {"address": row[0].strip()}),), found)
    return names, _csv_records(table, names)


def _csv_records(table: Any, names: Sequence[str]) -> Iterator[Record]:
    while True:
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            yield table.line_num, SkippedRow(table.line_num, f"broken CSV: {error}")
            continue
        if len(row) == len(names):
            yield table.line_num, _values(table.line_num, names, [text[:MAX_FIELD_CHARS] for text in row])
        elif row:
            yield table.line_num, SkippedRow(table.line_num, f"{len(row)} columns, the first line has {len(names)}")


def _values(line: int, names: Sequence[str], cells: Sequence[str]) -> Fields | SkippedRow:
    pairs = zip(names, cells, strict=True)
    if not set(names) >= OURS:
        return {name: cell.strip() for name, cell in pairs}
    try:
        return {name: from_cell(name, cell) for name, cell in pairs}
    except ValueError:
        return SkippedRow(line, "an address that has no such character", SkipReason.BAD_ADDRESS)


def _json(lines: Iterator[str]) -> tuple[Sequence[str], Iterator[Record]]:
    found = _json_records(lines)
    first = next(found, None)
    if first is None:
        raise Unrecognised("there is nothing in the file")
    names = [] if isinstance(first[1], SkippedRow) else list(first[1])
    return names, chain((first,), found)


def _json_records(lines: Iterator[str]) -> Iterator[Record]:
    """Yield objects: one a line, or those in the list of an API's answer."""
    first = next(lines)
    try:
        document = json.loads(first)
    except ValueError:
        document = _document(first + "".join(lines))
    listed = document if isinstance(document, list) else _listed(document)
    if listed is not None:
        yield from ((number, _fields(number, value)) for number, value in enumerate(listed, 1))
        return
    yield 1, _fields(1, document)
    for number, line in enumerate(lines, 2):
        if line.strip():
            yield number, _json_line(number, line)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unrecognised(f"neither JSON nor JSON lines: {error}") from error


def _listed(document: Mapping[str, Any]) -> list[Any] | None:
    """Return the list of objects that an answer wraps, such as Mailgun's ``items``."""
    lists = (value for value in document.values() if isinstance(value, list))
    return next((each for each in lists if not each or isinstance(each[0], dict)), None)


def _json_line(number: int, line: str) -> Fields | SkippedRow:
    try:
        return _fields(number, json.loads(line))
    except json.JSONDecodeError as error:
        return SkippedRow(number, f"broken JSON: {error.msg}")


def _fields(number: int, record: Any) -> Fields | SkippedRow:
    if not isinstance(record, dict):
        return SkippedRow(number, "not an object")
    texts = {_name(name): _text(value)[:MAX_FIELD_CHARS] for name, value in record.items() if value is not None}
    kept = FREE_TEXT if texts.keys() >= OURS else frozenset()
    return {name: text if name in kept else text.strip() for name, text in texts.items()}


def _name(column: str) -> str:
    return column.strip().lower()


def _text(value: Any) -> str:
    """Return a JSON value as text; a lone surrogate, which UTF-8 cannot carry, becomes ``?``."""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.encode("utf-8", "replace").decode()
