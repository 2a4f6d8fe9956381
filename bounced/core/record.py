"""What a transition leaves behind: the state hash, history, events, counters, as plain text fields."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bounced.core.state import NOTHING_KNOWN, AddressState, EvidenceType, ReportId, Streak, Transition
from bounced.core.terms import Category, Class, Origin, State

KEPT_CONTENT_BYTES = 32 * 1024
DAY_S = 86_400
STATE_TTL_S = 400 * DAY_S


@dataclass(frozen=True, slots=True)
class Writes:
    """Everything that one commit writes, besides the digest of the report.

    ``state`` is the whole state hash; None deletes it (nothing worth knowing is left), and ``same_state`` leaves
    all of state, set and due as they are.  ``ttl_s`` is None for a state that must not expire.  ``due`` is the
    unix time at which a held address is released.  ``counters`` are fields of the hour's hash, each counted up by one.
    """

    same_state: bool
    state: Mapping[str, str] | None
    ttl_s: int | None
    suppressed: bool
    due: int | None
    history: str | None
    events: tuple[Mapping[str, str], ...]
    counters: tuple[str, ...]
    block: Mapping[str, str] | None
    unrecognised: bytes | None


def writes(report_id: ReportId, address: str | None, transition: Transition) -> Writes:
    """Return what a store has to write for a transition.  ``address`` is in the form that keys carry."""
    before, after = transition.before, transition.after
    report = _event(report_id, address, transition, str(transition.evidence.type))
    events = [report]
    if after.state is not before.state:
        events.append(_event(report_id, address, transition, "transition"))
    elif before.state is State.SUPPRESSED and _speaks_of_later_mail(transition):
        events.append(_event(report_id, address, transition, "mailed_while_suppressed"))
    verdict = transition.evidence.verdict
    is_block = verdict is not None and verdict.class_ is Class.BLOCK
    return Writes(
        same_state=address is None or after == before,
        state=to_fields(after),
        ttl_s=None if after.state in (State.HELD, State.SUPPRESSED) else STATE_TTL_S,
        suppressed=after.state in (State.HELD, State.SUPPRESSED),
        due=_unix(after.until) if after.state is State.HELD else None,
        history=json.dumps(events[-1], ensure_ascii=False, separators=(",", ":")) if address else None,
        events=tuple(events),
        counters=_counters(address, transition),
        block=report if is_block else None,
        unrecognised=_worth_keeping(transition),
    )


def to_fields(state: AddressState) -> dict[str, str] | None:
    """Return the fields of the state hash, empty ones left out; None where there is nothing to keep."""
    if replace(state, version=0, since=None, disputed_until=None) == NOTHING_KNOWN:
        return None
    latest = max(state.streaks.values(), key=lambda streak: streak.last, default=None)
    fields = {
        "state": state.state,
        "category": state.category or "",
        "class": state.class_ or "",
        "since": _stamp(state.since),
        "until": _stamp(state.until),
        "holds": str(state.holds or ""),
        "bounces": str(latest.count) if latest else "",
        "first_bounce_at": _stamp(latest.first) if latest else "",
        "last_bounce_at": _stamp(latest.last) if latest else "",
        "streaks": " ".join(
            f"{class_}:{s.count}:{_unix(s.first)}:{_unix(s.last)}" for class_, s in state.streaks.items()
        ),
        "last_released_at": _stamp(state.last_released_at),
        "last_delivered_at": _stamp(state.last_delivered_at),
        "last_engaged_at": _stamp(state.last_engaged_at),
        "delivery_pending_since": _stamp(state.delivery_pending_since),
        "status": state.status,
        "diagnostic": state.diagnostic,
        "reporting_mta": state.reporting_mta,
        "campaign": state.campaign,
        "origin": state.origin or "",
        "version": str(state.version),
    }
    return {name: value for name, value in fields.items() if value}


def from_fields(fields: Mapping[str, str], disputed_until: datetime | None = None) -> AddressState:
    """Return the state that ``to_fields`` wrote.  Raises ValueError for fields that nobody wrote."""
    if not fields:
        return replace(NOTHING_KNOWN, disputed_until=disputed_until)
    get = fields.get
    return AddressState(
        state=State(get("state", State.ACTIVE)),
        category=Category(fields["category"]) if get("category") else None,
        class_=Class(fields["class"]) if get("class") else None,
        since=_moment(get("since")),
        until=_moment(get("until")),
        holds=int(get("holds", 0)),
        streaks=_streaks(get("streaks", "")),
        last_released_at=_moment(get("last_released_at")),
        last_delivered_at=_moment(get("last_delivered_at")),
        last_engaged_at=_moment(get("last_engaged_at")),
        delivery_pending_since=_moment(get("delivery_pending_since")),
        status=get("status", ""),
        diagnostic=get("diagnostic", ""),
        reporting_mta=get("reporting_mta", ""),
        campaign=get("campaign", ""),
        origin=Origin(fields["origin"]) if get("origin") else None,
        version=int(get("version", 0)),
        disputed_until=disputed_until,
    )


def hour(at: datetime) -> str:
    """Return the suffix of the hour's counters, YYYYMMDDHH in UTC."""
    return at.astimezone(UTC).strftime("%Y%m%d%H")


def _event(report_id: ReportId, address: str | None, transition: Transition, type_: str) -> dict[str, str]:
    evidence, verdict, after = transition.evidence, transition.evidence.verdict, transition.after
    fields = {
        "id": report_id.event_id,
        "at": _stamp(evidence.at),
        "type": type_,
        "address": address or "",
        "kind": evidence.kind or "",
        "action": (verdict.action if verdict else None) or "",
        "category": verdict.category if verdict else "",
        "class": verdict.class_ if verdict else "",
        "status": (verdict.status if verdict else None) or "",
        "rule": verdict.rule if verdict else "",
        "diagnostic": verdict.diagnostic if verdict else "",
        "campaign": evidence.campaign,
        "before": transition.before.state if address else "",
        "after": after.state if address else "",
        "until": _stamp(after.until) if address else "",
        "reason": transition.reason,
        "note": evidence.note,
        "origin": evidence.origin,
        "peer": evidence.peer,
        "reporting_mta": evidence.reporting_mta,
    }
    return {name: str(value) for name, value in fields.items() if value}


def _counters(address: str | None, transition: Transition) -> tuple[str, ...]:
    evidence, verdict = transition.evidence, transition.evidence.verdict
    names = [f"type:{evidence.type}"]
    if evidence.kind:
        names.append(f"kind:{evidence.kind}")
    if verdict:
        names += [f"category:{verdict.category}", f"class:{verdict.class_}"]
        if evidence.campaign:
            names.append(f"campaign:{evidence.campaign}:{verdict.class_}")
        if address and "@" in address:
            names.append(f"domain:{address.rpartition('@')[2]}:{verdict.category}")
    if transition.after.state is not transition.before.state:
        names.append(f"transition:{transition.before.state}:{transition.after.state}")
    return tuple(names)


def _speaks_of_later_mail(transition: Transition) -> bool:
    evidence, since = transition.evidence, transition.before.since
    mail = (EvidenceType.REPORT, EvidenceType.REJECTED, EvidenceType.DELIVERED)
    return (
        evidence.type in mail and evidence.sent_on is not None and since is not None and evidence.sent_on > since.date()
    )


def _worth_keeping(transition: Transition) -> bytes | None:
    content = transition.evidence.content
    return None if content is None else content[:KEPT_CONTENT_BYTES]


def _streaks(text: str) -> dict[Class, Streak]:
    streaks = {}
    for part in text.split():
        class_, count, first, last = part.split(":")
        streaks[Class(class_)] = Streak(int(count), _from_unix(first), _from_unix(last))
    return streaks


def _stamp(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _unix(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def _from_unix(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC)
