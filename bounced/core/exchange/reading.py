"""From records to rows: what each says of its address, or why it is not taken."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bounced.core.classify import escaped
from bounced.core.exchange.formats import OWN, Fields, Format, Unrecognised, detect
from bounced.core.exchange.records import records
from bounced.core.exchange.rows import Fault, Row
from bounced.core.state import AddressState
from bounced.core.terms import CLASS_OF, OFF_THE_LIST, Category, Class, Origin, State, Verdict

UNREADABLE = "\ufffd"
"""What stands for octets that are no UTF-8."""

ClassifyReply = Callable[[str], Verdict]


@dataclass(frozen=True, slots=True)
class Reader:
    """How rows are understood: ``category`` is what the operator says of a list that does not say so itself."""

    classify: ClassifyReply
    now: datetime
    category: Category | None = None


def read(lines: Iterable[str], reader: Reader) -> Iterator[Row | Fault]:
    """Return a Row or a Fault for each row of a file, in its order.

    Raises Unrecognised, at once, for a file of which not even the columns are understood, and where the file and
    ``category`` both say why its addresses are suppressed, or neither does.
    """
    columns, found = records(lines)
    format_ = detect(columns)
    if format_.says_why and reader.category is not None:
        raise Unrecognised(f"the columns of {format_.name} say why already: leave --category out")
    if not format_.says_why and reader.category is None:
        raise Unrecognised(f"the columns of {format_.name} do not say why: say it with --category")
    return (each if isinstance(each, Fault) else _row(line, each, format_, reader) for line, each in found)


def _row(line: int, fields: Fields, format_: Format, reader: Reader) -> Row | Fault:
    address = fields.get(format_.address, "")
    if not address:
        return Fault(line, f"no {format_.address}")
    if UNREADABLE in address:
        return Fault(line, f"{address}: not in UTF-8")
    try:
        said = _own(fields, reader) if format_.name == OWN else _of_a_service(fields, format_, reader)
    except KeyError as error:
        return Fault(line, f"{address}: not understood: {error}")
    except (ValueError, OverflowError, OSError) as error:  # the last two are of times far off
        return Fault(line, f"{address}: {error}")
    row = Row(line, address, said)
    if not row.suppresses:
        return Fault(line, f"{address}: {said.category} is no reason to suppress an address")
    if said.until is not None and said.until <= reader.now:
        return Fault(line, f"{address}: that ended on {said.until.date()}")
    return row


def _of_a_service(fields: Fields, format_: Format, reader: Reader) -> AddressState:
    """Return what a service's row says.  Raises KeyError, ValueError, OverflowError, OSError."""
    since = _since(fields.get(format_.at, ""), reader.now)
    meaning = reader.category or format_.meaning(fields)
    if isinstance(meaning, Category):
        category, class_, status, said = meaning, CLASS_OF[meaning], "", escaped(fields.get(format_.said, ""))
    else:
        verdict = reader.classify(meaning)
        category, class_, status, said = verdict.category, verdict.class_, verdict.status or "", verdict.diagnostic
    return AddressState(
        State.SUPPRESSED, category, class_, since, status=status, diagnostic=said, origin=Origin.OPERATOR
    )


def _own(fields: Fields, reader: Reader) -> AddressState:
    """Return what a row of our own says.  Raises KeyError, ValueError, OverflowError, OSError."""
    get = fields.get
    category, state = Category(fields["category"]), State(fields["state"])
    if state not in OFF_THE_LIST:
        raise ValueError(f"{state} is not on the suppression list")
    until = moment(get("until", ""))
    if state is State.HELD and until is None:
        raise ValueError("held, and no until")
    return AddressState(
        state,
        category,
        Class(fields["class"]) if get("class") else CLASS_OF[category],
        _since(fields["since"], reader.now),
        until,
        status=get("status", ""),
        diagnostic=escaped(get("diagnostic", "")),
        reporting_mta=escaped(get("reporting_mta", "")),
        campaign=escaped(get("campaign", "")),
        origin=Origin(fields["origin"]) if get("origin") else Origin.OPERATOR,
    )


def _since(text: str, now: datetime) -> datetime:
    return min(moment(text) or now, now)


def moment(text: str) -> datetime | None:
    """Return a time that a file names, None where it names none.

    ISO 8601, RFC 5322 as Mailgun writes it, or unix seconds.  Raises ValueError.
    """
    if not text:
        return None
    if text.replace(".", "", 1).isdigit():
        return datetime.fromtimestamp(int(float(text)), UTC)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        bare = text.removesuffix(" UTC").removesuffix(" GMT").removesuffix(" +0000")
        parsed = datetime.strptime(bare, "%a, %d %b %Y %H:%M:%S")  # noqa: DTZ007 - UTC, below
    if parsed.tzinfo is not UTC:
        parsed = parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return parsed.replace(microsecond=0) if parsed.microsecond else parsed
