"""From the text of a file to rows, one at a time: CSV, JSON lines, or the JSON that a service's API answers."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from bounced.core.exchange.formats import OWN, Format, detect
from bounced.core.exchange.rows import Fault, Row
from bounced.core.terms import Category, Class, State, Verdict

MAX_FIELD_CHARS = 1000

ClassifyReply = Callable[[str], Verdict]


@dataclass(frozen=True, slots=True)
class Reader:
    """How rows are understood: ``category`` is what the operator says of a list that does not say so itself."""

    classify: ClassifyReply
    now: datetime
    category: Category | None = None


def read(lines: Iterable[str], reader: Reader) -> Iterator[Row | Fault]:
    """Yield a Row or a Fault for each row of a file, in its order.  Raises Unrecognised, ValueError for broken JSON."""
    records = _records(lines)
    first = next(records, None)
    if first is None:
        return
    format_ = detect(first[1])
    for line, fields in chain((first,), records):
        yield _row(line, fields, format_, reader)


def _records(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield line number and fields; names in lower case, values stripped and bounded."""
    remaining = iter(lines)
    first = next((line for line in remaining if line.strip()), "").removeprefix("\ufeff")
    rest = chain((first,), remaining)
    if first.lstrip().startswith(("{", "[")):
        yield from enumerate(map(_fields, _json(rest)), 1)
        return
    for number, row in enumerate(csv.DictReader(rest, strict=False), 2):
        yield number, _fields(row)


def _json(lines: Iterator[str]) -> Iterator[Any]:
    """Yield objects: one a line, or those in the list of an API's answer."""
    first = next(lines)
    try:
        record = json.loads(first)
    except ValueError:
        record = json.loads(first + "".join(lines))
    if isinstance(record, dict):
        listed = next((value for value in record.values() if isinstance(value, list)), None)
        yield from [record] if listed is None else listed
        yield from (json.loads(line) for line in lines if line.strip())
    else:
        yield from record


def _fields(record: Any) -> Mapping[str, str]:
    if not isinstance(record, dict):
        return {}
    return {
        str(name).strip().lower(): str(value).strip()[:MAX_FIELD_CHARS]
        for name, value in record.items()
        if name is not None and value is not None and not isinstance(value, list)
    }


def _row(line: int, fields: Mapping[str, str], format_: Format, reader: Reader) -> Row | Fault:
    address = fields.get(format_.address, "")
    if not address:
        return Fault(line, f"no {format_.address}")
    try:
        said = _own(fields, reader.now) if format_.name == OWN else _said(fields, format_, reader)
        row = replace(said, line=line, address=address, at=moment(fields.get(format_.at, ""), reader.now))
    except (ValueError, KeyError) as error:
        return Fault(line, f"{address}: not understood: {error}")
    if not row.suppresses:
        return Fault(line, f"{address}: {row.category} is no reason to suppress an address")
    if row.held_until is not None and row.held_until <= reader.now:
        return Fault(line, f"{address}: the hold ended on {row.held_until.date()}")
    return row


def _said(fields: Mapping[str, str], format_: Format, reader: Reader) -> Row:
    """Return a row with nothing in it but why the address is suppressed."""
    if reader.category is not None:
        return Row(reader.category)
    if format_.meaning is None:
        raise ValueError("the file does not say why; say it with --category")
    meaning = format_.meaning(fields)
    if isinstance(meaning, Category):
        return Row(meaning)
    verdict = reader.classify(meaning)
    return Row(verdict.category, status=verdict.status or "", diagnostic=verdict.diagnostic)


def _own(fields: Mapping[str, str], now: datetime) -> Row:
    return Row(
        Category(fields["category"]),
        class_=Class(fields["class"]) if fields.get("class") else None,
        held_until=moment(fields.get("until", ""), now) if fields["state"] == State.HELD else None,
        status=fields.get("status", ""),
        diagnostic=fields.get("diagnostic", ""),
        campaign=fields.get("campaign", ""),
    )


def moment(text: str, now: datetime) -> datetime:
    """Return a time that a file names: ISO 8601, RFC 5322 as Mailgun writes it, or unix seconds; ``now`` where none is.

    Raises ValueError.
    """
    if not text:
        return now
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = datetime.strptime(text.removesuffix(" UTC").removesuffix(" GMT"), "%a, %d %b %Y %H:%M:%S")  # noqa: DTZ007 - UTC, below
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
