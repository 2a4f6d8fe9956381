"""From records to rows: what each record says of its address, or why it is skipped."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bounced.core.escape import escaped
from bounced.core.exchange.formats import BETWEEN, SILENT, Fields, Format, Meaning, Unrecognised, detect, plain, seen
from bounced.core.exchange.records import records
from bounced.core.exchange.rows import Row, SkippedRow, SkipReason, skip_reason
from bounced.core.exchange.services import FORMATS, OWN
from bounced.core.exchange.signs import (
    Telling,
    as_reply,
    harmless_kind,
    is_temporary,
    says_not_blocked,
    telling,
    temporary_code,
)
from bounced.core.limits import MAX_ACTOR_CHARS
from bounced.core.state import AddressState
from bounced.core.terms import CLASS_OF, ON_SUPPRESSION_LIST, Category, Class, Origin, State, Verdict

UNREADABLE = "\ufffd"
"""The character that replaces octets that are no UTF-8."""

_WORDS = re.compile(r"[^\W\d_]")
"""A letter: without one a reply is codes alone, and says nothing in words."""

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
    format_ = detect(columns, FORMATS)
    if doubled := [name for name in (format_.address, *sorted(format_.columns)) if columns.count(name) > 1]:
        raise Unrecognised(f"several columns are called {doubled[0]!r}: which is meant? Rename or remove the others")
    if reader.category is not None and not format_.may_be_silent:
        raise Unrecognised(f"the columns of {format_.name} say why already: leave --category out")
    if not format_.says_why and reader.category is None:
        told = f"the columns of {format_.name} do not say why: say it with --category"
        others = [each for each in FORMATS if each.says_why]
        raise Unrecognised(told if len(columns) == 1 else f"{told}. {seen(columns, others)}")
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
    """Return what a service's row says.  Raises _LeftOut, KeyError, ValueError, OverflowError, OSError.

    A complaint, an unsubscription and an operator's word keep their kind.  Of a failure the server's reply decides, as
    in a notice; the service's own word counts where the rules know nothing of the reply, and the operator's where the
    service is silent too.
    """
    among = telling(tuple(fields))
    if contradiction := says_not_blocked(fields, among):
        raise _LeftOut(f"{contradiction}: it is not blocked", SkipReason.NOT_BLOCKED)
    since = _since(fields.get(format_.at, "").partition(BETWEEN)[0], reader.now)
    told = format_.told(fields)
    if told is None and not format_.reply:
        told = _of_columns_alone(fields, format_, reader)
    if not format_.says_why:
        told = reader.category
    if isinstance(told, Category) and CLASS_OF[told] is not Class.HARD:
        return _suppressed(told, since, fields, format_, actor=reader.actor)
    if isinstance(told, SkipReason) and told not in SILENT:
        raise _LeftOut(f"{_service_word(fields, format_)} is no reason to suppress an address", told)
    words = [each.column for each in format_.words]
    _must_condemn(fields, among, () if told is None else words)
    if told is None and not format_.reply:
        raise KeyError(plain(format_.words[-1].value(fields)))
    reply = as_reply(fields, among, format_.reply, words)
    verdict = _of_a_reply(reply, fields[format_.address], reader) if reply else None
    if verdict is not None and verdict.class_ is Class.HARD:
        return _suppressed(verdict.category, since, fields, format_, actor=reader.actor, verdict=verdict)
    if verdict is not None and verdict.category is Category.ALREADY_SUPPRESSED:
        told = SkipReason.UNDETERMINED  # the service itself did not send, and does not say why
    elif verdict is not None and verdict.class_ in (Class.SOFT, Class.BLOCK, Class.TRANSIENT, Class.NONE):
        raise _LeftOut(f"{verdict.category} is no reason to suppress an address", skip_reason(verdict.class_))
    category = _last_resort(told, reply, fields, format_, reader)
    return _suppressed(category, since, fields, format_, actor=reader.actor, verdict=verdict)


def _of_columns_alone(fields: Fields, format_: Format, reader: Reader) -> Meaning | None:
    """Return what the columns of a file say of each of its addresses, or the operator where they may say nothing.

    Raises _LeftOut for an address without the time at which that happened: the file may hold other contacts, too.
    """
    if format_.written and not format_.written.fullmatch(fields.get(format_.at, "")):
        if reader.category is not None:
            return reader.category
        told = (
            f"{format_.at} is not written as in {format_.name}: this may be a subscriber; else say it with --category"
        )
        raise _LeftOut(told, SkipReason.UNDETERMINED)
    if isinstance(format_.otherwise, Category) and not fields.get(format_.at):
        raise _LeftOut(f"{format_.at} is empty: it is not blocked", SkipReason.NOT_BLOCKED)
    return format_.otherwise


def _last_resort(told: Meaning | None, reply: str, fields: Fields, format_: Format, reader: Reader) -> Category:
    """Return why to suppress an address of whose reply, if there is one, the rules know nothing.

    Raises _LeftOut, KeyError.
    """
    if told is None:
        told = format_.otherwise
        if _WORDS.search(reply) and not isinstance(told, Category):
            raise _LeftOut(f"{reply[:100]!r} is no reason to suppress an address", SkipReason.UNDETERMINED)
    if told is None:
        raise KeyError(plain(format_.words[-1].value(fields)))
    if isinstance(told, Category):
        if format_.told_by and not format_.told_by.search(reply):
            raise _LeftOut(f"{reply[:100]!r} says nothing of the address", SkipReason.UNDETERMINED)
        return told
    if told is SkipReason.SOME_MAIL and reader.category is not Category.UNSUBSCRIBED:
        scope = fields.get(format_.scope, "").replace(BETWEEN, ", ")
        raise _LeftOut(f"unsubscribed from {scope} only", told)
    if told in SILENT and reader.category is not None:
        return reader.category
    raise _LeftOut(f"{_service_word(fields, format_)} is no reason to suppress an address", told)


def _service_word(fields: Fields, format_: Format) -> str:
    """Return what the service says of a row in its own words, as far as it says something."""
    words = next((words for words in format_.words if words.read(fields) is not None), None)
    if words is None or not (said := words.value(fields).strip("+")):
        return "a row that does not say why"
    return f"{words.column.rpartition('.')[2]} {said.replace(BETWEEN, ', ')}"


def _suppressed(
    category: Category,
    since: datetime,
    fields: Fields,
    format_: Format,
    *,
    actor: str,
    verdict: Verdict | None = None,
) -> AddressState:
    """Return the state of an address that a service's row suppresses, with what was said of it."""
    return AddressState(
        State.SUPPRESSED,
        category,
        CLASS_OF[category],
        since,
        status=verdict.status or "" if verdict else "",
        diagnostic=verdict.diagnostic if verdict else escaped(fields.get(format_.said, "")),
        origin=Origin.OPERATOR,
        actor=actor,
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


def _must_condemn(fields: Fields, among: Telling, understood: Sequence[str]) -> None:
    """Raise _LeftOut where a word beside the columns that are understood, or a code, is no reason to suppress."""
    if told := harmless_kind(fields, among, understood):
        raise _LeftOut(f"{told[0]} is no reason to suppress an address", skip_reason(told[1]))
    if code := temporary_code(fields, among):
        raise _LeftOut(f"{code} is a temporary failure", SkipReason.TRANSIENT)


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
