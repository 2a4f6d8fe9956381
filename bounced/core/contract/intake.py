"""What senders tell: one entry of the intake stream -> the address it is about, and the evidence in it.

The daemon reads entries by it, and the client checks its own by it before it writes them.  The meaning of a reply is
left to whoever has the rules.  (docs/contract.md, section 2)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from bounced.core.contract.refusal import NOTHING_SAID, Classify, verdict_of
from bounced.core.mailbox import BadAddress, normalise, normalise_domain
from bounced.core.meaning.bare import Known
from bounced.core.numbers import whole
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import UNKNOWN_PROFILE, Origin, Profile, ReturnPath, Verdict

MAX_COUNT = 1_000_000_000
MAX_ID_CHARACTERS = 200

TELLABLE = {
    str(type_): type_
    for type_ in (
        EvidenceType.DELIVERED,
        EvidenceType.ENGAGED,
        EvidenceType.REJECTED,
        EvidenceType.SUBSCRIBED,
        EvidenceType.COMPLAINED,
        EvidenceType.UNSUBSCRIBED,
        EvidenceType.SENT,
        EvidenceType.SUPPRESS,
        EvidenceType.RELEASE,
    )
}
NOT_HEARD = "not_heard"
"""The type of an event of a hosted service that nobody understood: it goes to those that failed, as it came."""
HOOK_EVENT = "event"
"""The field in which it stands."""
_OPERATORS = (EvidenceType.SUPPRESS, EvidenceType.RELEASE)
CLAIMED = "claimed:"
"""What the intake puts before the name of an actor, because nobody authenticated it."""
_FOLLOWING = (EvidenceType.SUBSCRIBED, EvidenceType.RELEASE)
"""What may be said to lift the same hard verdict in the lists that share it, too: ``shared true``."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_EPOCH = datetime.fromtimestamp(0, UTC)
_UNIX_TIME = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,12})?(?:[eE]\+?[0-9]{1,2})?", re.ASCII)
# A date and a time of day, with or without a zone, which PostgreSQL writes as +00.  (RFC 3339 section 5.6)
_ISO_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,9})?)?"
    r"(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_LEAST_MILLISECONDS = 1e11
"""A number from here on is milliseconds: the year 5138 in seconds, 1973 in milliseconds."""
UNREADABLE = "\ufffd"
"""The character that stands for octets that are no UTF-8: nobody knows any more whose address that was."""
_SOMEBODY = "somebody@example.org"
"""Whoever a return path was made for, where nobody can read it."""
_OF_MAIL = (EvidenceType.DELIVERED, EvidenceType.REJECTED)


class NotUnderstood(ValueError):  # noqa: N818 - says what is so; the sender's fault
    """An entry that nobody can make sense of, and why."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one entry says.  ``address`` is normalised; None for what is about no address (``sent``).

    ``id`` is what the event is called where it happened, empty where nobody said: the same one counts once.
    ``return_path`` is that of the message, where the entry has it and it is this recipient's.
    """

    address: str | None
    evidence: Evidence
    id: str = ""
    return_path: ReturnPath | None = None


def understand_entry(
    fields: Mapping[str, str],
    classify: Classify,
    now: datetime,
    *,
    entry_id: str,
    fold_local_part: bool,
    may_release: bool = False,
    return_path: ReturnPath | None = None,
) -> Told:
    """Return what an entry says.  A time in the future is taken as now.  Raises NotUnderstood.

    ``entry_id`` is the entry's ID in the stream, which is its time where ``at`` is left out; ``may_release`` says
    whether the list takes an operator's decisions from senders.  ``return_path`` is what the field of that name turned
    out to be; it is the address where none is given.
    """
    if fields.get("type") == NOT_HEARD:
        raise NotUnderstood(f"{fields.get('service', '')}: {fields.get('why', '')}")
    type_ = TELLABLE.get(fields.get("type", ""))
    if type_ is None:
        raise NotUnderstood(f"type must be one of {', '.join(TELLABLE)}, got {fields.get('type', '')[:40]!r}")
    if type_ in _OPERATORS:
        _check_decision(type_, fields, may_release=may_release)
    at = _at(fields, entry_id, now)
    address = None if type_ is EvidenceType.SENT else _address(fields, return_path, fold_local_part=fold_local_part)
    if return_path is not None and return_path.recipient != address:
        return_path = None  # that of another message, or of several: it says nothing about this one
    evidence = Evidence(
        type=type_,
        at=at,
        origin=Origin.INTAKE,
        verdict=_verdict(fields, address or "", classify) if type_ is EvidenceType.REJECTED else None,
        sent_on=_sent_on(fields, at, return_path) if type_ in _OF_MAIL else None,
        profile=_profile(fields, return_path),
        campaign=fields.get("campaign", "") or (return_path.tag if return_path else ""),
        note=fields.get("reason", ""),
        actor=f"{CLAIMED}{fields['actor']}" if fields.get("actor") else "",
        follows=type_ in _FOLLOWING and fields.get("shared", "") == "true",
    )
    if type_ is EvidenceType.SENT:
        return Told(None, replace(evidence, count=_count(fields), domain=_domain(fields)), _id(fields))
    return Told(address, evidence, _id(fields), return_path)


def check_entry(fields: Mapping[str, str], now: datetime, *, fold_local_part: bool) -> None:
    """Raise NotUnderstood for an entry that the daemon could not understand.

    Whether the list takes an operator's decision from senders is not known here, nor whose a return path is; that alone
    may still fail.
    """
    if fields.get("return_path") and not fields.get("address"):
        fields = {**fields, "address": _SOMEBODY}
    understand_entry(fields, _unjudged, now, entry_id="", fold_local_part=fold_local_part, may_release=True)


def _unjudged(reply: str, known: Known) -> Verdict:  # noqa: ARG001 - as Classify
    return NOTHING_SAID


def _check_decision(type_: EvidenceType, fields: Mapping[str, str], *, may_release: bool) -> None:
    """Raise NotUnderstood for an operator's decision that the list does not take, or that says no reason."""
    if not may_release:
        raise NotUnderstood(
            f"{type_} is an operator's decision; this list takes none from senders (it lacks intake_may_release = true)"
        )
    if not fields.get("reason", "").strip():
        raise NotUnderstood(f"{type_} needs a reason")


def _at(fields: Mapping[str, str], entry_id: str, now: datetime) -> datetime:
    """Return when it happened."""
    text = fields.get("at")
    return _time("at", _id_time(entry_id, now) if text is None else text, now)


def _time(name: str, text: str, now: datetime) -> datetime:
    """Return a time that a field has.  One before 1970 is some language's zero value, and no time of any mail."""
    try:
        at = _moment(text)
    except (ValueError, OverflowError, OSError):
        at = _NEVER
    if at < _EPOCH:
        raise NotUnderstood(
            f"{name} must be a unix time in seconds or milliseconds, or ISO 8601 (2026-05-01T12:00:00Z), "
            f"got {text[:40]!r}"
        ) from None
    return min(at, now.astimezone(UTC).replace(microsecond=0))


def _sent_on(fields: Mapping[str, str], at: datetime, return_path: ReturnPath | None) -> date:
    """Return the day on which the message was sent, at the latest that on which its fate was known."""
    if return_path is not None and return_path.issued is not None:
        return min(return_path.issued, at.date())
    return _time("sent_at", fields["sent_at"], at).date() if fields.get("sent_at") else at.date()


def _id_time(entry_id: str, now: datetime) -> str:
    """Return the seconds in a stream ID, which begins with milliseconds, however few.

    Somebody may have chosen an ID of up to 20 digits, which is no time any more, but later than now.  Redis numbers
    all entries after it by it.
    """
    milliseconds = entry_id.partition("-")[0]
    if not milliseconds:
        return ""
    known = whole(milliseconds)
    return str(int(now.timestamp()) if known is None else known // 1000)


def _moment(text: str) -> datetime:
    """Return the time that is written, to the second, in UTC where no zone is named.

    Raises ValueError, OverflowError, OSError.
    """
    if _UNIX_TIME.fullmatch(text):
        number = float(text)
        return datetime.fromtimestamp(int(number / 1000 if number >= _LEAST_MILLISECONDS else number), UTC)
    if not _ISO_TIME.fullmatch(text):
        raise ValueError(text)
    at = datetime.fromisoformat(text.upper()).replace(microsecond=0)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _id(fields: Mapping[str, str]) -> str:
    given = fields.get("id", "")
    if len(given) > MAX_ID_CHARACTERS:
        raise NotUnderstood(f"id has at most {MAX_ID_CHARACTERS} characters, got {len(given)}")
    return given


def _address(fields: Mapping[str, str], return_path: ReturnPath | None, *, fold_local_part: bool) -> str:
    if not fields.get("address") and return_path is not None:
        return return_path.recipient
    if UNREADABLE in fields.get("address", ""):
        raise NotUnderstood(f"address must be in UTF-8, got {fields['address'][:80]!r}")
    try:
        return normalise(fields.get("address", ""), fold_local_part=fold_local_part)
    except BadAddress as error:
        raise NotUnderstood(f"address: {error}") from None


def _verdict(fields: Mapping[str, str], address: str, classify: Classify) -> Verdict:
    try:
        return verdict_of(fields, address, classify)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None


def _profile(fields: Mapping[str, str], return_path: ReturnPath | None) -> Profile:
    try:
        if fields.get("profile"):
            return Profile.of(fields["profile"])
    except ValueError as error:
        raise NotUnderstood(f"profile: {error}") from None
    return return_path.profile if return_path else UNKNOWN_PROFILE


def _count(fields: Mapping[str, str]) -> int:
    text = fields.get("count", "1")
    count = whole(text)
    if count is None or not 1 <= count <= MAX_COUNT:
        raise NotUnderstood(f"count must be a whole number from 1 to {MAX_COUNT}, got {text[:40]!r}")
    return count


def _domain(fields: Mapping[str, str]) -> str:
    if not fields.get("domain"):
        return ""
    try:
        return normalise_domain(fields["domain"])
    except BadAddress as error:
        raise NotUnderstood(f"domain: {error}") from None
