"""From records to rows: what each record says of its address, or why it is skipped."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bounced.core.escape import escaped
from bounced.core.exchange.formats import OWN, Fields, Format, Unrecognised, detect
from bounced.core.exchange.records import records
from bounced.core.exchange.rows import Row, SkippedRow, SkipReason, skip_reason
from bounced.core.exchange.signs import as_reply, harmless_kind, is_temporary, says_not_blocked, temporary_code
from bounced.core.limits import MAX_ACTOR_CHARS
from bounced.core.state import AddressState
from bounced.core.terms import CLASS_OF, ON_SUPPRESSION_LIST, Category, Class, Origin, State, Verdict

UNREADABLE = "\ufffd"
"""The character that replaces octets that are no UTF-8."""

ClassifyReply = Callable[[str, str], Verdict]


@dataclass(frozen=True, slots=True)
class Reader:
    """How rows are understood: ``category`` is what the operator says of a list that does not say so itself.

    ``actor`` is who imports them.
    """

    classify: ClassifyReply
    now: datetime
    category: Category | None = None
    actor: str = ""


def read_rows(lines: Iterable[str], reader: Reader) -> Iterator[Row | SkippedRow]:
    """Return a Row or a Fault for each row of a file, in its order.

    Raises Unrecognised, before the first row, for a file whose columns are not understood, and where the file and
    ``category`` both give a reason for the suppressions, or neither does.
    """
    columns, found = records(lines)
    format_ = detect(columns)
    if format_.says_why and reader.category is not None:
        raise Unrecognised(f"the columns of {format_.name} say why already: leave --category out")
    if not format_.says_why and reader.category is None:
        raise Unrecognised(f"the columns of {format_.name} do not say why: say it with --category")
    return (each if isinstance(each, SkippedRow) else _row(line, each, format_, reader) for line, each in found)


class _LeftOut(ValueError):  # noqa: N818 - says what becomes of the row
    """A row that is understood, and is no reason to suppress its address."""

    def __init__(self, text: str, why: SkipReason) -> None:
        super().__init__(text)
        self.why = why


def _row(line: int, fields: Fields, format_: Format, reader: Reader) -> Row | SkippedRow:
    address = fields.get(format_.address, "")
    if not address:
        return SkippedRow(line, f"no {format_.address}", SkipReason.BAD_ADDRESS)
    if UNREADABLE in address:
        return SkippedRow(line, f"{address}: not in UTF-8", SkipReason.BAD_ADDRESS)
    try:
        said = _own(fields, reader) if format_.name == OWN else _of_a_service(fields, format_, reader)
    except _LeftOut as reason:
        return SkippedRow(line, f"{address}: {reason}", reason.why)
    except KeyError as error:
        return SkippedRow(line, f"{address}: not understood: {error}")
    except (ValueError, OverflowError, OSError) as error:  # the last two are of times far off
        return SkippedRow(line, f"{address}: {error}")
    row = Row(line, address, said)
    if not (row.decided if format_.name == OWN else row.condemns):
        why = skip_reason(said.class_ or Class.NONE)
        return SkippedRow(line, f"{address}: {said.category} is no reason to suppress an address", why)
    if said.until is not None and said.until <= reader.now:
        return SkippedRow(line, f"{address}: that ended on {said.until.date()}", SkipReason.ENDED)
    return row


def _of_a_service(fields: Fields, format_: Format, reader: Reader) -> AddressState:
    """Return what a service's row says.  Raises _LeftOut, KeyError, ValueError, OverflowError, OSError."""
    if contradiction := says_not_blocked(fields):
        raise _LeftOut(f"{contradiction}: it is not blocked", SkipReason.NOT_BLOCKED)
    since = _since(fields.get(format_.at, ""), reader.now)
    try:
        meaning = reader.category or format_.meaning(fields)
    except (KeyError, ValueError):
        _must_condemn(fields)
        raise
    address = fields[format_.address]
    if isinstance(meaning, Category):
        category, class_, status, said = meaning, CLASS_OF[meaning], "", escaped(fields.get(format_.said, ""))
    else:
        verdict = _of_a_reply(meaning, address, reader)
        category, class_, status, said = verdict.category, verdict.class_, verdict.status or "", verdict.diagnostic
    if class_ is Class.HARD:
        _must_condemn(fields)
        _must_not_be_excused(fields, format_, reader)
    return AddressState(
        State.SUPPRESSED,
        category,
        class_,
        since,
        status=status,
        diagnostic=said,
        origin=Origin.OPERATOR,
        actor=reader.actor,
    )


def _of_a_reply(reply: str, address: str, reader: Reader) -> Verdict:
    """Return what a reply about an address means.

    Raises _LeftOut for a temporary one, since the service's MTA tried again, and for one that looks hard and is not
    proven: counted here it would be soft.
    """
    verdict = reader.classify(reply, address)
    if is_temporary(verdict):
        raise _LeftOut(f"{verdict.reply_code or verdict.status} is a temporary failure", SkipReason.TRANSIENT)
    if verdict.doubt:
        told = f"{verdict.category} is not proven ({verdict.doubt}), and no reason to suppress an address"
        raise _LeftOut(told, SkipReason.SOFT)
    return verdict


def _must_condemn(fields: Fields) -> None:
    """Raise _LeftOut where the service's own word, or a code, is no reason to suppress."""
    if told := harmless_kind(fields):
        raise _LeftOut(f"{told[0]} is no reason to suppress an address", skip_reason(told[1]))
    if code := temporary_code(fields):
        raise _LeftOut(f"{code} is a temporary failure", SkipReason.TRANSIENT)


def _must_not_be_excused(fields: Fields, format_: Format, reader: Reader) -> None:
    """Raise _LeftOut where the texts of the row, read as a reply, give another reason than the service's column."""
    if not (text := as_reply(fields)):
        return
    verdict = _of_a_reply(text, fields[format_.address], reader)
    if verdict.class_ in (Class.SOFT, Class.BLOCK, Class.TRANSIENT):
        raise _LeftOut(f"{verdict.category} is no reason to suppress an address", skip_reason(verdict.class_))
    if verdict.class_ is Class.UNDETERMINED and format_.told_by and not format_.told_by.search(text):
        raise _LeftOut(f"{text[:100]!r} says nothing of the address", SkipReason.UNDETERMINED)


def _own(fields: Fields, reader: Reader) -> AddressState:
    """Return what a row of our own says.  Raises KeyError, ValueError, OverflowError, OSError."""
    get = fields.get
    category, state = Category(fields["category"]), State(fields["state"])
    if state not in ON_SUPPRESSION_LIST:
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
        status=escaped(get("status", "")),
        diagnostic=escaped(get("diagnostic", "")),
        reporting_mta=escaped(get("reporting_mta", "")),
        campaign=escaped(get("campaign", "")),
        origin=Origin(fields["origin"]) if get("origin") else Origin.OPERATOR,
        actor=escaped(get("actor", ""), MAX_ACTOR_CHARS) if get("origin") else reader.actor,
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
