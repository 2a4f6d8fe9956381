"""What a transition leaves behind: the state hash, events, history and counters, as plain text fields."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bounced.core.contract.counters import Counted, counters, hour, measure_of, placed, rates_of
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.stamp import stamp
from bounced.core.escape import escaped, visible, visible_fields
from bounced.core.limits import MAX_STORED_CHARS, MAX_UNRECOGNISED_BYTES
from bounced.core.mailbox import ADDRESS_LIKE
from bounced.core.meaning.providers import provider_of, sending_ip
from bounced.core.numbers import whole
from bounced.core.policy.doubt import doubtful
from bounced.core.state import NOTHING_KNOWN, AddressState, EvidenceType, ReportId, Streak, Transition
from bounced.core.terms import ON_SUPPRESSION_LIST, UNKNOWN_PROFILE, Category, Class, Origin, State

DAY_S = 86_400
TOMBSTONE_TTL_S = 60

_MAIL = (EvidenceType.REPORT, EvidenceType.REJECTED, EvidenceType.DELIVERED)
_TOLD_ALWAYS = frozenset(EvidenceType) - {
    EvidenceType.DELIVERED,
    EvidenceType.ENGAGED,
    EvidenceType.DUE,
    EvidenceType.DISPUTE,
    EvidenceType.SENT,
}
_NOTHING_WORTH_KEEPING = frozenset(("state", "since", "version"))
_CLASSES = frozenset(Class)
LAST_S = 253_402_300_799
"""The end of the year 9999, beyond which Python knows no time."""
_WORD = re.compile(r"[\w.+-]+")


@dataclass(frozen=True, slots=True)
class StateWrites:
    """A new state of one address.

    ``fields`` is the whole state hash; of a state with nothing worth knowing only the version is left, for as long
    as a commit may be under way that has seen the one before.  ``ttl_s`` is None for a state that must not expire.
    ``suppressed`` says whether the address must not be mailed now, ``due`` the unix time at which
    time alone brings it back: the hold is over, a delivery is believed, the suppression expires.  ``was_bouncing`` and
    ``bouncing`` say whether it leaves those that are counted as bouncing, and joins them; who stays does both.
    """

    fields: Mapping[str, str]
    ttl_s: int | None
    suppressed: bool
    due: int | None
    was_bouncing: bool
    bouncing: bool


@dataclass(frozen=True, slots=True)
class Writes:
    """Everything that one commit writes, besides the digest of the report.

    ``at`` is the unix time of the evidence, ``domain`` the recipient's; ``state`` is None where it stays as it is.
    ``event`` goes into the stream once for each of ``event_types`` (none where good news changed nothing), and with
    the last of them into the address's history; not there if ``in_history`` is false, because anybody could have sent
    the report, and a forger must not fill the store with addresses.
    ``counters`` are fields of the hash of ``hour``, each counted up by ``count`` where its room has a place; so are
    ``rates``, but only for the first report of its PATH that is of this ``measure``, which is taken however many others
    came for that PATH before.
    ``block`` says that the event is one for the sender to know;
    ``doubtful`` that the address belongs among its domain's ``unknowns``; ``unrecognised`` is a message to be looked
    at again.
    """

    at: int
    hour: str
    domain: str
    state: StateWrites | None
    event: Mapping[str, str]
    event_types: tuple[str, ...]
    in_history: bool
    counters: tuple[Counted, ...]
    rates: tuple[Counted, ...]
    measure: str
    count: int
    block: bool
    doubtful: bool
    unrecognised: bytes | None


def writes(keys: Keyspace, report_id: ReportId, address: str | None, transition: Transition) -> Writes:
    """Return what a store has to write for a transition of one normalised address, or of none."""
    if keys.pepper is not None:
        transition = _without_addresses(transition, (address or "").rpartition("@")[0])
    evidence, verdict = transition.evidence, transition.evidence.verdict
    domain = address.rpartition("@")[2] if address else ""
    types = _event_types(transition)
    measure = measure_of(transition) if address else ""
    return Writes(
        at=_unix(evidence.at),
        hour=hour(evidence.at),
        domain=domain,
        state=_state_writes(transition) if address is not None and transition.changed else None,
        event=_event(report_id, keys.address_id(address) if address else "", domain, transition) if types else {},
        event_types=types,
        in_history=address is not None and evidence.trusted and bool(types),
        counters=placed(counters(domain, transition), trusted=evidence.trusted),
        rates=placed(rates_of(measure, evidence.campaign, domain), trusted=evidence.trusted),
        measure=measure,
        count=evidence.count,
        block=verdict is not None and verdict.class_ is Class.BLOCK and bool(types),
        doubtful=address is not None and doubtful(evidence),
        unrecognised=None if evidence.content is None else evidence.content[:MAX_UNRECOGNISED_BYTES],
    )


def to_fields(state: AddressState, version: int | None = None) -> dict[str, str]:
    """Return the fields of the state hash, empty ones left out; the version alone where there is nothing to keep.

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
        "version": str(version or ""),
    }
    kept = {name: value for name, value in fields.items() if value}
    if state.state is State.ACTIVE and kept.keys() <= _NOTHING_WORTH_KEEPING:
        return {"version": str(version)} if version else {}
    return kept


class UnreadableState(ValueError):  # noqa: N818 - says what is so
    """A state that no version of ours wrote, and what of it cannot be read."""


def from_fields(fields: Mapping[str, str], disputed_until: datetime | None = None) -> AddressState:
    """Return the state that ``to_fields`` wrote.

    A number or a time of the past that nobody can read counts as missing.  What decides whether the address may be
    mailed does not: raises UnreadableState for a state, a category, a class, an origin or an ``until`` that nobody
    wrote.
    """
    if not fields:
        return replace(NOTHING_KNOWN, disputed_until=disputed_until)
    try:
        return _state(fields, disputed_until)
    except ValueError as error:
        raise UnreadableState(visible(str(error))[:MAX_STORED_CHARS]) from error


def _state(fields: Mapping[str, str], disputed_until: datetime | None) -> AddressState:
    get = fields.get
    return AddressState(
        state=State(get("state", State.ACTIVE)),
        category=Category(fields["category"]) if get("category") else None,
        class_=Class(fields["class"]) if get("class") else None,
        since=_moment(get("since")),
        until=_aware(get("until")),
        streaks=_streaks(get("streaks", "")),
        last_released_at=_moment(get("last_released_at")),
        last_lifted_at=_moment(get("last_lifted_at")),
        last_delivered_at=_moment(get("last_delivered_at")),
        last_engaged_at=_moment(get("last_engaged_at")),
        delivery_pending_since=_moment(get("delivery_pending_since")),
        status=escaped(get("status", "")),
        diagnostic=escaped(get("diagnostic", "")),
        reporting_mta=escaped(get("reporting_mta", "")),
        campaign=escaped(get("campaign", "")),
        origin=Origin(fields["origin"]) if get("origin") else None,
        version=_version(get("version")),
        disputed_until=disputed_until,
    )


def past_events(history: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the events of an address's history as they may be shown; what is no event of ours is passed over."""
    for entry in history:
        try:
            event = json.loads(entry)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and all(isinstance(value, str) for value in event.values()):
            yield visible_fields(event)


def without_addresses(text: str, local_part: str = "") -> str:
    """Return text with what looks like an address taken out, and with the local part that is spoken of."""
    text = ADDRESS_LIKE.sub("(address)", text)
    return _WORD.sub(lambda word: "(address)" if word[0].rstrip(".").lower() == local_part else word[0], text)


def scrubbed(state: AddressState, local_part: str) -> AddressState:
    """Return a state as a list without addresses keeps it."""
    return replace(state, diagnostic=without_addresses(state.diagnostic, local_part))


def _streak_fields(state: AddressState) -> dict[str, str]:
    latest = max(state.streaks.values(), key=lambda streak: streak.last)
    return {
        "holds": str(state.holds or ""),
        "bounces": str(latest.count),
        "first_bounce_at": stamp(latest.first),
        "last_bounce_at": stamp(latest.last),
        "streaks": " ".join(
            f"{class_}:{s.count}:{_unix(s.first)}:{_unix(s.last)}:{s.holds}:{int(s.held)}"
            for class_, s in state.streaks.items()
        ),
    }


def _state_writes(transition: Transition) -> StateWrites:
    after = transition.after
    fields = to_fields(after, transition.before.version + 1)
    suppressed = after.state in ON_SUPPRESSION_LIST
    kept_s = int(transition.keep.total_seconds()) if len(fields) > 1 else TOMBSTONE_TTL_S
    return StateWrites(
        fields,
        None if suppressed else kept_s,
        suppressed,
        _due(transition),
        was_bouncing=transition.before.state is State.BOUNCING,
        bouncing=after.state is State.BOUNCING,
    )


def _due(transition: Transition) -> int | None:
    """Return when time alone brings the address back, as unix time."""
    after = transition.after
    if after.state not in ON_SUPPRESSION_LIST or after.until is None:
        return None
    pending = after.delivery_pending_since
    return _unix(min(after.until, pending + transition.settles) if pending else after.until)


def _event(report_id: ReportId, address_id: str, domain: str, transition: Transition) -> dict[str, str]:
    evidence, verdict, after = transition.evidence, transition.evidence.verdict, transition.after
    blocked = verdict if verdict and verdict.class_ is Class.BLOCK else None
    fields = {
        "id": report_id.event_id,
        "at": stamp(evidence.at),
        "address": address_id,
        "kind": evidence.kind or "",
        "action": (verdict.action if verdict else None) or "",
        "category": verdict.category if verdict else "",
        "class": verdict.class_ if verdict else "",
        "status": (verdict.status if verdict else None) or "",
        "rule": verdict.rule if verdict else "",
        "diagnostic": verdict.diagnostic if verdict else "",
        "campaign": evidence.campaign,
        "before": transition.before.state if address_id else "",
        "after": after.state if address_id else "",
        "until": stamp(after.until) if address_id else "",
        "reason": transition.reason,
        "note": evidence.note,
        "origin": evidence.origin,
        "peer": evidence.peer,
        "reporting_mta": evidence.reporting_mta,
        "sent_on": evidence.sent_on.isoformat() if evidence.sent_on else "",
        "profile": "" if evidence.profile == UNKNOWN_PROFILE else str(evidence.profile),
        "names_others": "" if evidence.names_recipient else "true",
        "shared_from": evidence.shared_from,
        "provider": provider_of(blocked.remote_mta, domain) if blocked else "",
        "sending_ip": sending_ip(blocked.diagnostic) if blocked else "",
    }
    return {name: value for name, value in fields.items() if value}


def _event_types(transition: Transition) -> tuple[str, ...]:
    """Return the evidence's own type, and what followed from it where something did."""
    evidence, before = transition.evidence, transition.before
    itself = (str(evidence.type),) if evidence.type in _TOLD_ALWAYS or transition.changed else ()
    if transition.after.state is not before.state:
        return *itself, "transition"
    if before.state is State.SUPPRESSED and _speaks_of_later_mail(transition):
        return *itself, "mailed_while_suppressed"
    return itself


def _speaks_of_later_mail(transition: Transition) -> bool:
    evidence, since = transition.evidence, transition.before.since
    return (
        evidence.type in _MAIL
        and evidence.sent_on is not None
        and since is not None
        and evidence.sent_on > since.date()
    )


def _without_addresses(transition: Transition, local_part: str) -> Transition:
    """Return the transition with no address left in any text, and no message to keep."""
    evidence, after = transition.evidence, transition.after

    def scrub(text: str) -> str:
        return without_addresses(text, local_part)

    verdict = evidence.verdict and evidence.verdict._replace(diagnostic=scrub(evidence.verdict.diagnostic))
    return replace(
        transition,
        evidence=replace(evidence, verdict=verdict, note=scrub(evidence.note), content=None),
        after=scrubbed(after, local_part),
    )


def _streaks(text: str) -> dict[Class, Streak]:
    streaks = {}
    for part in text.split():
        class_, *numbers = part.split(":")
        match [whole(number) for number in numbers]:
            case [int(count), int(first), int(last), int(holds), int(held)] if (
                class_ in _CLASSES and max(first, last) < LAST_S
            ):
                streaks[Class(class_)] = Streak(count, _from_unix(first), _from_unix(last), holds, held == 1)
    return streaks


def _version(text: str | None) -> int:
    """Return the version of a stored state; 0 where there is none, 1 for one that is no number, as the script does."""
    if text is None:
        return 0
    version = whole(text)
    return 1 if version is None else version


def _moment(text: str | None) -> datetime | None:
    try:
        return _aware(text)
    except ValueError:
        return None


def _aware(text: str | None) -> datetime | None:
    """Return a stored time, in UTC where it says nothing else.  Raises ValueError."""
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _unix(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def _from_unix(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
