"""The state hash of one address: AddressState -> its fields, those of them that Redis keeps, and back."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from bounced.core.contract.times import LAST_S, from_unix, moment, past_moment, stamp, unix
from bounced.core.escape import escaped, visible
from bounced.core.limits import MAX_ACTOR_CHARS, MAX_STORED_CHARS
from bounced.core.mailbox import ADDRESS_LIKE
from bounced.core.numbers import whole
from bounced.core.state import NOTHING_KNOWN, AddressState, Streak
from bounced.core.terms import Category, Class, Origin, State

_NOTHING_WORTH_KEEPING = frozenset(("state", "since", "version"))
_OF_ONE_FAILURE = ("first_bounce_at", "last_bounce_at")
_TEXT_WORD = re.compile(r"[\w.+-]+")


class UnreadableState(ValueError):  # noqa: N818 - says what is so
    """A state that no version of ours wrote, and what of it cannot be read."""


def to_fields(state: AddressState, version: int | None = None) -> dict[str, str]:
    """Return the fields of a state as they are shown, empty ones left out; the version alone if there is nothing else.

    ``version`` is that of the state where no other is given.
    """
    version = state.version if version is None else version
    fields = {
        "state": state.state,
        "category": state.category or "",
        "class": state.class_ or "",
        "since": stamp(state.since),
        "until": stamp(state.until),
        **(_streak_fields(state) if state.streaks else {}),
        "last_released_at": stamp(state.last_released_at),
        "last_lifted_at": stamp(state.last_lifted_at),
        "last_delivered_at": stamp(state.last_delivered_at),
        "last_engaged_at": stamp(state.last_engaged_at),
        "delivery_pending_since": stamp(state.delivery_pending_since),
        "status": state.status,
        "diagnostic": state.diagnostic,
        "reporting_mta": state.reporting_mta,
        "campaign": state.campaign,
        "origin": state.origin or "",
        "names_others": "true" if state.names_others else "",
        "failed_mail": " ".join(f"{class_}:{day.isoformat()}" for class_, day in state.failed_mail.items()),
        "actor": state.actor,
        "shared_from": state.shared_from,
        "version": str(version or ""),
    }
    kept = {name: value for name, value in fields.items() if value}
    if state.state is State.ACTIVE and kept.keys() <= _NOTHING_WORTH_KEEPING:
        return {"version": str(version)} if version else {}
    return kept


def to_stored(state: AddressState, version: int) -> dict[str, str]:
    """Return the fields that Redis keeps: those that are shown, without what others of them say.  (ADR 31)

    If one failure of its class has suppressed the address, the failure's times are left out where they are ``since``.
    Where there is no other streak, ``streaks`` is short: 0 stands for a first time that is the last one, and for a
    ``failed_mail`` of that day.
    """
    fields = to_fields(state, version)
    if state.state is State.SUPPRESSED and _tells_one_failure(fields):
        for name in _OF_ONE_FAILURE:
            del fields[name]
        if len(state.streaks) == 1:
            fields |= _short_streak(fields)
    return {name: value for name, value in fields.items() if value}


def _tells_one_failure(fields: Mapping[str, str]) -> bool:
    return fields.get("bounces") == "1" and {fields.get(name) for name in _OF_ONE_FAILURE} == {fields.get("since")}


def from_fields(
    fields: Mapping[str, str], disputed_until: datetime | None = None, path_failed_as: Class | None = None
) -> AddressState:
    """Return the state of these fields, of this version, an earlier or a later one, with what is kept beside it.

    A word that this version does not know is read as it stands (``Word.read``).  A number or a time of the past that
    nobody can read counts as missing.  What decides whether the address may be mailed does not: raises
    UnreadableState for an ``until`` that is no time, and for a state, category, class or origin that is no word.
    """
    try:
        stored = _state(fields) if fields else NOTHING_KNOWN
        if disputed_until is None and path_failed_as is None:
            return stored
        return replace(stored, disputed_until=disputed_until, path_failed_as=path_failed_as)
    except ValueError as error:
        raise UnreadableState(visible(str(error))[:MAX_STORED_CHARS]) from error


def without_addresses(text: str, local_part: str = "") -> str:
    """Return text with what looks like an address taken out, and with the local part that is spoken of."""
    text = ADDRESS_LIKE.sub("(address)", text)
    return _TEXT_WORD.sub(lambda word: "(address)" if word[0].rstrip(".").lower() == local_part else word[0], text)


def scrubbed(state: AddressState, local_part: str) -> AddressState:
    """Return a state as a list without addresses keeps it."""
    return replace(
        state,
        diagnostic=without_addresses(state.diagnostic, local_part),
        actor=without_addresses(state.actor, local_part),
    )


def _state(fields: Mapping[str, str]) -> AddressState:
    get = fields.get
    return AddressState(
        state=State.read(get("state", State.ACTIVE)),
        category=Category.read(fields["category"]) if get("category") else None,
        class_=Class.read(fields["class"]) if get("class") else None,
        since=past_moment(get("since")),
        until=moment(get("until")),
        streaks=_streaks(get("streaks", "")),
        last_released_at=past_moment(get("last_released_at")),
        last_lifted_at=past_moment(get("last_lifted_at")),
        last_delivered_at=past_moment(get("last_delivered_at")),
        last_engaged_at=past_moment(get("last_engaged_at")),
        delivery_pending_since=past_moment(get("delivery_pending_since")),
        status=escaped(get("status", "")),
        diagnostic=escaped(get("diagnostic", "")),
        reporting_mta=escaped(get("reporting_mta", "")),
        campaign=escaped(get("campaign", "")),
        origin=Origin.read(fields["origin"]) if get("origin") else None,
        names_others=get("names_others") == "true",
        failed_mail=_failed_mail(get("failed_mail") or _mail_of_short_streak(get("streaks", ""))),
        actor=escaped(get("actor", ""), MAX_ACTOR_CHARS),
        shared_from=escaped(get("shared_from", "")),
        version=_version(get("version")),
    )


def _streak_fields(state: AddressState) -> dict[str, str]:
    latest = max(state.streaks.values(), key=lambda streak: streak.last)
    return {
        "holds": str(state.holds or ""),
        "bounces": str(latest.count),
        "first_bounce_at": stamp(latest.first),
        "last_bounce_at": stamp(latest.last),
        "streaks": " ".join(
            f"{class_}:{s.count}:{unix(s.first)}:{unix(s.last)}:{s.holds}:{int(s.held)}"
            for class_, s in state.streaks.items()
        ),
    }


def _short_streak(fields: Mapping[str, str]) -> dict[str, str]:
    """Return ``streaks`` and ``failed_mail`` of one failure in fewer octets, as long as nothing is lost by it."""
    class_, count, _, last, *held = fields["streaks"].split(":")
    short, mail = ":".join((class_, count, "0", last, *held)), fields.get("failed_mail")
    if not mail:
        return {}
    return {"streaks": short, "failed_mail": "" if mail == _mail_of_short_streak(short) else mail}


def _mail_of_short_streak(text: str) -> str:
    """Return the ``failed_mail`` that a short streak stands for; empty for any other."""
    class_, *numbers = text.split(":")
    match [whole(number) for number in numbers]:
        case [1, 0, int(last), _, _] if last < LAST_S:
            return f"{class_}:{from_unix(last).date().isoformat()}"
    return ""


def _streaks(text: str) -> dict[Class, Streak]:
    """Return the streaks by their class, those left out that nobody can read."""
    streaks = {}
    for part in text.split():
        class_, *numbers = part.split(":")
        match [whole(number) for number in numbers]:
            case [int(count), int(first), int(last), int(holds), int(held)] if max(first, last) < LAST_S:
                try:
                    began = from_unix(first or last)  # 0 in a short one
                    streaks[Class.read(class_)] = Streak(count, began, from_unix(last), holds, held == 1)
                except ValueError:
                    continue
    return streaks


def _failed_mail(text: str) -> dict[Class, date]:
    """Return the days by class, those left out that nobody can read."""
    days = {}
    for part in text.split():
        class_, _, day = part.partition(":")
        try:
            days[Class.read(class_)] = date.fromisoformat(day)
        except ValueError:
            continue
    return days


def _version(text: str | None) -> int:
    """Return the version of a stored state: 0 where there is none, 1 where it is no number, as commit.lua does."""
    if text is None:
        return 0
    version = whole(text)
    return 1 if version is None else version
