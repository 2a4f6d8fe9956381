"""From the text of a file to records: CSV, JSON lines, or the JSON that a service's API answers."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from typing import Any

from bounced.core.exchange.formats import BETWEEN, Fields, Unrecognised
from bounced.core.exchange.own import FREE_TEXT
from bounced.core.exchange.rows import SkippedRow
from bounced.core.exchange.table import MAX_FIELD_CHARS, OURS, Record, read_table

MAX_DEPTH = 8
"""How deep an object of an API may be; what lies deeper is left away."""

_MARKUP = ("<!doctype", "<html", "<?xml")
_SPACE = re.compile(r"\s*")


def records(lines: Iterable[str]) -> tuple[Sequence[str], Iterator[Record]]:
    """Return the column names of a file, in lower case, and its records.  Raises Unrecognised.

    The columns of JSON are those of the first record.
    """
    remaining = iter(lines)
    above, first = next(((n, line) for n, line in enumerate(remaining) if line.strip("\ufeff \t\r\n")), (0, None))
    if first is None:
        raise Unrecognised("the file is empty")
    if "\0" in first:
        raise Unrecognised("the file is not text in UTF-8; a spreadsheet may have saved it as UTF-16")
    first = first.removeprefix("\ufeff")
    begins = first.lstrip(" \t").lower()
    if begins.startswith(_MARKUP):
        raise Unrecognised("the file is a web page (HTML) or XML, and no list; was a page for logging in saved?")
    return _json(first, remaining, above) if begins.startswith(("{", "[")) else read_table(first, remaining, above)


def _json(first: str, rest: Iterator[str], above: int) -> tuple[Sequence[str], Iterator[Record]]:
    found = _json_lines(first, rest, above + 1) if _is_json(first) else _documents(first + "".join(rest))
    record = next(found, None)
    if record is None:
        raise Unrecognised("there is nothing in the file")
    names = [] if isinstance(record[1], SkippedRow) else list(record[1])
    return names, chain((record,), found)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _json_lines(first: str, rest: Iterator[str], begins_on: int) -> Iterator[Record]:
    """Yield the objects of a file with an object, or a whole answer, on each line.

    They are numbered by their lines, or counted where the first line has many of them.  Behind a record each line is
    one: its address may be empty, and a list in it is not one of records then.
    """
    in_lists: Iterator[int] | None = None
    for number, line in enumerate(chain((first,), rest), begins_on):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, SkippedRow(number, f"broken JSON: {getattr(error, 'msg', error)}")
            continue
        listed = _listed(value) if in_lists or number == begins_on else None
        if listed is not None and in_lists is None:
            in_lists = count(1)
        for each in [value] if listed is None else listed:
            at = next(in_lists) if in_lists else number
            yield at, _fields(at, each)


def _documents(text: str) -> Iterator[Record]:
    """Yield the objects of a file that holds one answer, or several one after the other.  Raises Unrecognised."""
    decoder, numbers, end = json.JSONDecoder(), count(1), 0
    while (start := _space(text, end)) < len(text):
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            if end == 0:
                raise Unrecognised(f"neither JSON nor JSON lines: {error}") from error
            number = next(numbers)
            yield number, SkippedRow(number, f"broken JSON behind the record before: {error}")
            return
        listed = _listed(value)
        found = [value] if listed is None else listed
        yield from ((number, _fields(number, each)) for each, number in zip(found, numbers, strict=False))


def _space(text: str, at: int) -> int:
    """Return where the next character stands that is no space."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _listed(document: Any) -> list[Any] | None:
    """Return the list that an answer is, or that it wraps, such as Mailgun's ``items``; None for a record.

    A record has an address beside its lists, and links are no records.
    """
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or any("@" in value for value in document.values() if isinstance(value, str)):
        return None
    lists = (
        value
        for name, value in document.items()
        if isinstance(value, list) and "links" not in name.lower() and (not value or isinstance(value[0], dict))
    )
    return next(lists, None)


def _fields(number: int, record: Any) -> Fields | SkippedRow:
    if isinstance(record, str) and "@" in record:
        return {"address": record.strip()}
    if not isinstance(record, dict):
        return SkippedRow(number, "not an object")
    texts: dict[str, str] = {}
    _flatten(record, "", texts)
    kept = FREE_TEXT if texts.keys() >= OURS else frozenset()
    return {name: text if name in kept else text.strip() for name, text in texts.items()}


def _flatten(record: dict[str, Any], prefix: str, texts: dict[str, str], depth: int = MAX_DEPTH) -> None:
    """Write the values of an object as texts; of an object in it under both names, with a point between them.

    Of a list of objects, the values that have one name stand one after the other.
    """
    for name, value in record.items():
        column = prefix + name.strip().lower()
        if isinstance(value, dict):
            if depth:
                _flatten(value, f"{column}.", texts, depth - 1)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for each in value if depth else ():
                if isinstance(each, dict):
                    _add(each, f"{column}.", texts, depth - 1)
        else:
            texts[column] = "" if value is None else _text(value)[:MAX_FIELD_CHARS]


def _add(record: dict[str, Any], prefix: str, texts: dict[str, str], depth: int) -> None:
    """Write the values of one object of a list behind those of the others."""
    more: dict[str, str] = {}
    _flatten(record, prefix, more, depth)
    for name, text in more.items():
        texts[name] = f"{texts[name]}{BETWEEN}{text}"[:MAX_FIELD_CHARS] if name in texts else text


def _text(value: Any) -> str:
    """Return a JSON value as text; a lone surrogate, which UTF-8 cannot carry, becomes ``?``."""
    text = BETWEEN.join(map(str, value)) if isinstance(value, list) else str(value)
    return text.encode("utf-8", "replace").decode()
