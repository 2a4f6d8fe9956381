"""What one commit writes: the new state, the events of the stream and the history, the counters.

``Writes`` and ``StateWrites`` are the only list of it.  Both stores write from them; commit.lua reads their fields by
the same names.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from bounced.core.contract.hourly_counters import (
    HARD,
    HourlyCounter,
    by_day,
    counters,
    measure_of,
    measured_rates,
    provider_counter,
    with_quotas,
)
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import scrubbed, to_stored, without_addresses
from bounced.core.contract.times import day, hour, stamp, unix
from bounced.core.escape import visible_fields
from bounced.core.limits import MAX_UNRECOGNISED_BYTES
from bounced.core.meaning.providers import provider_of, sending_ip
from bounced.core.policy.dispute import may_be_of_wave
from bounced.core.policy.outage import standing, unknown_by
from bounced.core.state import Evidence, EvidenceType, ReportId, Transition
from bounced.core.terms import UNKNOWN_PROFILE, State, Verdict

COMPLAINTS_KEPT_DAYS = 90
"""How long an entry of `complaints` is kept."""
TOMBSTONE_TTL_S = 60
"""How long the version of a state stays that has nothing else worth knowing.

A commit may be under way that has seen the state before: it must find another version, not none.
"""

BULK = "bulk"
"""What an event of the stream `bulk` has as ``stream`` where it is given to a program beside others."""

_TOLD_ALWAYS = frozenset(EvidenceType) - {
    EvidenceType.DELIVERED,
    EvidenceType.ENGAGED,
    EvidenceType.DUE,
    EvidenceType.DISPUTE,
    EvidenceType.SENT,
}


EVENT_FIELDS = (
    "id",
    "at",
    "address",
    "kind",
    "action",
    "category",
    "class",
    "status",
    "rule",
    "proof",
    "doubt",
    "diagnostic",
    "campaign",
    "before",
    "after",
    "until",
    "reason",
    "note",
    "origin",
    "actor",
    "peer",
    "reporting_mta",
    "sent_on",
    "profile",
    "names_others",
    "shared_from",
    "provider",
    "sending_ip",
)
"""The fields of an event behind its type, always in this order, so that a stream's entries are kept small."""


class StateWrites(NamedTuple):
    """A new state of one address.

    ``fields`` is the whole state hash.  ``ttl_s`` is how long it is kept, 0 for good.  ``suppressed`` says whether the
    address must not be mailed now.  ``due`` is the unix time at which time alone brings it back, 0 for never: the hold
    is over, a delivery is believed, the suppression expires.  ``was_bouncing`` and ``bouncing`` say whether the address
    was counted as bouncing before, and is from now on.
    """

    fields: Mapping[str, str]
    ttl_s: int
    suppressed: bool
    due: int
    was_bouncing: bool
    bouncing: bool


class Writes(NamedTuple):
    """Everything that one commit writes, besides the digest of the report.

    ``at`` is the unix time of the evidence, ``hour`` and ``day`` are that hour and day in the names of their counters,
    ``domain`` the recipient's, ``provider`` the known one that calls it unknown.
    ``state`` is None where the state stays as it is.
    ``event`` goes into the stream once for each of ``event_types``: never where good news changed nothing.  With the
    last type it also goes into the address's history if ``in_history`` is true.  It is false where anybody could have
    sent the report, because a forger must not fill the store with addresses, and where somebody unsubscribes again.
    ``counters`` are counted up by ``count_by``, and those that ``by_day`` names in the day too.  So are ``rates``, but
    only for the first report of its PATH with this ``measure``, and that report is taken however many others came for
    the PATH before.
    ``block`` says that the event goes into the stream `blocks` too, ``doubtful`` that the address goes among its
    domain's `unknowns`.  ``words`` are what the server said, for `blocks`, where the event has the beginning only.
    ``bulk`` says that the event goes into the stream `bulk` in the place of `events`.
    ``complaint`` are names and values of an entry of `complaints`, one after the other; none for most.
    ``unrecognised`` is a message to be kept and looked at again.
    """

    at: int
    domain: str
    provider: str
    state: StateWrites | None
    event_types: tuple[str, ...]
    in_history: bool
    counters: tuple[HourlyCounter, ...]
    by_day: tuple[str, ...]
    rates: tuple[HourlyCounter, ...]
    measure: str
    count_by: int
    block: bool
    words: str
    doubtful: bool
    complaint: tuple[str, ...]
    event: Mapping[str, str]
    hour: str
    day: str
    bulk: bool
    unrecognised: bytes | None


APART = ("hour", "day", "bulk", "unrecognised")
"""The last fields of ``Writes``, which a request has elsewhere: in the names of keys, or as an argument of its own."""


def writes(keys: Keyspace, report_id: ReportId, address: str | None, transition: Transition) -> Writes:
    """Return what a store has to write for a transition of one normalised address, or of none."""
    if keys.pepper is not None:
        transition = _without_addresses(transition, (address or "").rpartition("@")[0])
    evidence, verdict = transition.evidence, transition.evidence.verdict
    domain = address.rpartition("@")[2] if address else ""
    types = _event_types(transition)
    measure = measure_of(transition) if address else ""
    provider = unknown_by(evidence, domain) if address else ""
    counted, rates = counters(domain, transition), measured_rates(measure, evidence, domain)
    if provider and measure == HARD and not evidence.shared_from:
        rates += (provider_counter(provider, standing(evidence.profile)),)
    return Writes(
        at=unix(evidence.at),
        hour=hour(evidence.at),
        day=day(evidence.at),
        bulk=evidence.bulk,
        domain=domain,
        provider=provider,
        state=_state_writes(transition) if address is not None and transition.changed else None,
        event=_event(report_id, keys.address_id(address) if address else "", domain, provider, transition)
        if types
        else {},
        event_types=types,
        in_history=address is not None and evidence.trusted and bool(types) and not transition.unsubscribes_again,
        counters=with_quotas(counted, trusted=evidence.trusted),
        by_day=by_day(counted),
        rates=with_quotas(rates, trusted=evidence.trusted),
        measure=measure,
        count_by=evidence.count,
        block=verdict is not None and verdict.refuses_sender and bool(types),
        words=verdict.words if verdict and verdict.refuses_sender else "",
        doubtful=address is not None and may_be_of_wave(evidence),
        complaint=_complaint(report_id, evidence) if evidence.unattributed else (),
        unrecognised=None if evidence.content is None else evidence.content[:MAX_UNRECOGNISED_BYTES],
    )


def past_event(writes: Writes) -> dict[str, str]:
    """Return the event of the last type as the address's history keeps it: the key names the address already."""
    event = {"type": writes.event_types[-1], **writes.event}
    del event["address"]
    return event


def past_events(history: Iterable[str], address_id: str = "") -> Iterator[dict[str, str]]:
    """Yield the events of an address's history as they may be shown; what is no event of ours is passed over.

    ``address_id`` is the address as keys carry it.  Where it is given, each event has it, as in the streams.
    """
    for entry in history:
        try:
            event = json.loads(entry)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and all(isinstance(value, str) for value in event.values()):
            yield visible_fields({**_begin(event), "address": address_id, **event} if address_id else event)


def _begin(event: Mapping[str, str]) -> dict[str, str]:
    """Return what stands before the address."""
    return {name: event[name] for name in ("type", "id", "at") if name in event}


def _state_writes(transition: Transition) -> StateWrites:
    before, after = transition.before, transition.after
    fields = to_stored(after, before.version + 1)
    suppressed = after.state.on_suppression_list
    kept_s = int(transition.keep.total_seconds()) if len(fields) > 1 else TOMBSTONE_TTL_S
    return StateWrites(
        fields=fields,
        ttl_s=0 if suppressed else kept_s,
        suppressed=suppressed,
        due=_due(transition),
        was_bouncing=before.state is State.BOUNCING,
        bouncing=after.state is State.BOUNCING,
    )


def _complaint(report_id: ReportId, evidence: Evidence) -> tuple[str, ...]:
    """Return an entry of the stream `complaints`: nothing that a person could be found by."""
    nobody = evidence.unattributed
    if nobody is None or not nobody.kept:
        return ()
    return tuple(chain(("id", report_id.event_id, "at", stamp(evidence.at)), *nobody.fields.items()))


def _due(transition: Transition) -> int:
    """Return when time alone brings the address back, as unix time; 0 for never."""
    after = transition.after
    if not after.state.on_suppression_list or after.until is None:
        return 0
    pending = after.delivery_pending_since
    return unix(min(after.until, pending + transition.settles) if pending else after.until)


def _event(report_id: ReportId, address_id: str, domain: str, provider: str, transition: Transition) -> dict[str, str]:
    """Return the fields of the event, empty ones left out."""
    evidence, verdict, after = transition.evidence, transition.evidence.verdict, transition.after
    blocked = verdict if verdict and verdict.refuses_sender else None
    values = (
        report_id.event_id,
        stamp(evidence.at),
        address_id,
        evidence.kind or "",
        (verdict.action if verdict else None) or "",
        verdict.category if verdict else "",
        verdict.class_ if verdict else "",
        (verdict.status if verdict else None) or "",
        verdict.rule if verdict else "",
        verdict.proof if verdict else "",
        verdict.doubt if verdict else "",
        verdict.diagnostic if verdict else "",
        evidence.campaign,
        transition.before.state if address_id else "",
        after.state if address_id else "",
        stamp(after.until) if address_id else "",
        transition.reason,
        evidence.note,
        evidence.origin,
        evidence.actor,
        evidence.peer,
        evidence.reporting_mta,
        evidence.sent_on.isoformat() if evidence.sent_on else "",
        "" if evidence.profile == UNKNOWN_PROFILE else str(evidence.profile),
        "" if evidence.names_recipient else "true",
        evidence.shared_from,
        _provider(evidence, blocked, domain) or provider,
        sending_ip(blocked.words or blocked.diagnostic) if blocked else "",
    )
    return {name: value for name, value in zip(EVENT_FIELDS, values, strict=True) if value}


def _provider(evidence: Evidence, blocked: Verdict | None, domain: str) -> str:
    """Return who refused the sender, or who passed on a complaint that names nobody."""
    if evidence.unattributed:
        return evidence.unattributed.provider
    return provider_of(blocked.remote_mta, domain) if blocked else ""


def _event_types(transition: Transition) -> tuple[str, ...]:
    """Return the evidence's own type, and what followed from it where something did.

    A change that is one of many is told once: by what followed.
    """
    told = _all_event_types(transition)
    return told[-1:] if transition.evidence.bulk else told


def _all_event_types(transition: Transition) -> tuple[str, ...]:
    evidence, before = transition.evidence, transition.before
    itself = (str(evidence.type),) if evidence.type in _TOLD_ALWAYS or transition.changed else ()
    if transition.after.state is not before.state:
        return *itself, "transition"
    if transition.mailed_while_suppressed:
        return *itself, "mailed_while_suppressed"
    return itself


def _without_addresses(transition: Transition, local_part: str) -> Transition:
    """Return the transition with no address left in any text, and no message to keep."""
    evidence, after = transition.evidence, transition.after

    def scrub(text: str) -> str:
        return without_addresses(text, local_part)

    verdict = evidence.verdict and evidence.verdict._replace(
        diagnostic=scrub(evidence.verdict.diagnostic), words=scrub(evidence.verdict.words)
    )
    return replace(
        transition,
        evidence=replace(
            evidence, verdict=verdict, note=scrub(evidence.note), actor=scrub(evidence.actor), content=None
        ),
        after=scrubbed(after, local_part),
    )
