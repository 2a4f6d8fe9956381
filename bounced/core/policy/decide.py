"""The decision itself: one function for each thing that can be said about an address."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bounced.core.policy.doubt import WAVE
from bounced.core.policy.failure import after_failure
from bounced.core.policy.settings import Policy
from bounced.core.policy.streaks import after_life, uncount
from bounced.core.policy.suppress import suppressed
from bounced.core.state import AddressState, Evidence, EvidenceType, Transition
from bounced.core.terms import Action, Category, Class, Kind, Origin, State

Outcome = tuple[AddressState, str]

QUIET_KINDS = frozenset({Kind.AUTO_REPLY, Kind.CHALLENGE, Kind.OTHER, Kind.RELAYED, Kind.EXPANDED, Kind.DELAYED})
"""What is recorded and never touches an address."""


_PERSONS = frozenset({EvidenceType.COMPLAINED, EvidenceType.UNSUBSCRIBED, EvidenceType.SUPPRESS, EvidenceType.RELEASE})
"""Evidence that a person gave, and that changes also a state which this version does not know."""


def decide(state: AddressState, evidence: Evidence, policy: Policy) -> Transition:
    """Return what follows for an address from one piece of evidence.

    Pure and total: the same arguments give the same transition, and nothing raises.  What time alone has brought
    about since the last look (a hold that is over, a delivery that is believed by now) is settled first.
    """
    if not evidence.trusted:
        return Transition(evidence, state, state, "untrusted", policy.hard_gap, policy.settles)
    return _decide(state, evidence, policy) if state.state.known else _outrank(state, evidence, policy)


def _decide(state: AddressState, evidence: Evidence, policy: Policy) -> Transition:
    settled = settle(state, evidence.at, policy)
    after, reason = _OUTCOMES[evidence.type](settled, evidence, policy)
    another_reason = after.state is State.SUPPRESSED and after.category is not state.category
    if after.state is not state.state or after.state is not settled.state or another_reason:
        after = replace(after, since=evidence.at)
    return Transition(evidence, state, after, reason, policy.hard_gap, policy.settles)


def _outrank(state: AddressState, evidence: Evidence, policy: Policy) -> Transition:
    """Leave a state as it is that a later version wrote, unless a person says something that outranks its reason.

    Nobody here knows whether mail goes on in that state, or what ends it.  So neither a failure nor time nor a
    delivery changes it; whoever complains, unsubscribes or is an operator is heard as for a suppressed address.
    """
    unchanged = Transition(evidence, state, state, "unknown_state", policy.hard_gap, policy.settles)
    category = evidence.verdict.category if evidence.verdict else None
    if evidence.type not in _PERSONS and category not in (Category.COMPLAINT, Category.UNSUBSCRIBED):
        return unchanged
    decided = _decide(replace(state, state=State.SUPPRESSED), evidence, policy)
    stays = decided.after.state is State.SUPPRESSED and decided.after.category == state.category
    return unchanged if stays else replace(decided, before=state)


def settle(state: AddressState, now: datetime, policy: Policy) -> AddressState:
    """Return the state as time alone has made it."""
    pending = state.delivery_pending_since
    if pending is not None and now >= believed_at(pending, policy):
        state = _alive(replace(state, delivery_pending_since=None, last_delivered_at=pending), pending)
    if state.state is State.HELD and state.until is not None and now >= state.until:
        return replace(state, state=State.BOUNCING, until=None, last_released_at=state.until)
    return state


def believed_at(pending: datetime, policy: Policy) -> datetime:
    """Return when a delivery counts: gateways that accept first and bounce later have had their say by then."""
    return pending + policy.settles


def _report(state: AddressState, evidence: Evidence, policy: Policy) -> Outcome:
    verdict = evidence.verdict
    if verdict is None:
        return state, "no_verdict"
    if verdict.category is Category.COMPLAINT:
        return suppressed(state, Category.COMPLAINT, evidence), "complaint"
    if verdict.category is Category.UNSUBSCRIBED:
        return _unsubscribed(state, evidence, policy)
    if evidence.kind is Kind.DELIVERED:
        if state.version == 0:
            return state, "delivered"  # nothing is held against the address, so nothing has to be remembered
        return _alive(replace(state, last_delivered_at=evidence.at), _sent_at(evidence)), "delivered"
    if evidence.kind in QUIET_KINDS or verdict.action in (Action.DELAYED, Action.RELAYED, Action.EXPANDED):
        return state, str(evidence.kind or verdict.action)
    if verdict.class_ in (Class.BLOCK, Class.NONE, Class.COMPLAINT):
        return state, f"{verdict.class_}_never_counts"
    return after_failure(state, evidence, verdict, policy)


def _delivered(state: AddressState, evidence: Evidence, _policy: Policy) -> Outcome:
    if state.state in (State.ACTIVE, State.SUPPRESSED) or state.delivery_pending_since is not None:
        return state, "delivered"
    if any(streak.last > evidence.at for streak in state.streaks.values()):
        return state, "older_than_a_failure"
    return replace(state, delivery_pending_since=evidence.at), "delivery_not_believed_yet"


def _engaged(state: AddressState, evidence: Evidence, _policy: Policy) -> Outcome:
    if state.version == 0:
        return state, "engaged"  # nothing is held against the address, so nothing has to be remembered
    latest = max(state.last_engaged_at or evidence.at, evidence.at)
    return _alive(replace(state, last_engaged_at=latest), evidence.at), "engaged"


def _subscribed(state: AddressState, evidence: Evidence, _policy: Policy) -> Outcome:
    if state.state is State.SUPPRESSED and state.category in (Category.COMPLAINT, Category.OPERATOR):
        return state, f"{state.category}_stays"
    if state.state is State.SUPPRESSED and _happened_later(state, evidence):
        return state, "older_than_the_state"
    after = _cleared(state) if state.state is State.SUPPRESSED else _alive(state, evidence.at)
    return _lifted(after, evidence.at), "subscribed"


def _release(state: AddressState, evidence: Evidence, _policy: Policy) -> Outcome:
    """Whoever stands at the terminal speaks now, whatever the clocks of several hosts say.

    Of what comes through the intake something older may still be on its way, which must not outdo the release: it is
    remembered, even if there is nothing to lift yet.
    """
    if evidence.origin is Origin.OPERATOR and state.state is State.ACTIVE:
        return state, "nothing_to_lift"
    if evidence.origin is Origin.INTAKE and _happened_later(state, evidence):
        return state, "older_than_the_state"
    return _lifted(_cleared(state), evidence.at), "released"


def _suppress(state: AddressState, evidence: Evidence, _policy: Policy) -> Outcome:
    if evidence.origin is Origin.INTAKE and _lifted_later(state, evidence):
        return state, "older_than_a_release"
    return suppressed(state, Category.OPERATOR, evidence), "operator"


def _complained(state: AddressState, evidence: Evidence, _policy: Policy) -> Outcome:
    return suppressed(state, Category.COMPLAINT, evidence), "complaint"


def _unsubscribed(state: AddressState, evidence: Evidence, _policy: Policy) -> Outcome:
    if _lifted_later(state, evidence):
        return state, "older_than_a_subscription"
    return suppressed(state, Category.UNSUBSCRIBED, evidence), "unsubscribed"


def _due(state: AddressState, evidence: Evidence, _policy: Policy) -> Outcome:
    if state.state is State.SUPPRESSED and state.until is not None and evidence.at >= state.until:
        return replace(_cleared(state), last_released_at=evidence.at), "expired"
    return state, "due" if state.state is not State.HELD else "not_due_yet"


def _dispute(state: AddressState, evidence: Evidence, policy: Policy) -> Outcome:
    """Hold what the wave brought down, and forget its failure: it was the domain's mistake."""
    rule = policy.rule_for(state.category, Class.HARD) if state.category and state.class_ is Class.HARD else None
    streak = state.streaks.get(Class.HARD)
    off_the_list = state.state in (State.HELD, State.SUPPRESSED)
    if not off_the_list or rule is None or not rule.cautious or streak is None or evidence.at - streak.last > WAVE:
        return state, "not_in_the_wave"
    until = evidence.at + policy.caution
    if state.state is State.HELD and state.until is not None:
        until = max(until, state.until)
    return replace(state, state=State.HELD, until=until, streaks=uncount(state.streaks, Class.HARD)), "disputed"


def _sent(state: AddressState, _evidence: Evidence, _policy: Policy) -> Outcome:
    return state, "sent"


_OUTCOMES: Mapping[EvidenceType, Callable[[AddressState, Evidence, Policy], Outcome]] = {
    EvidenceType.REPORT: _report,
    EvidenceType.REJECTED: _report,
    EvidenceType.DELIVERED: _delivered,
    EvidenceType.ENGAGED: _engaged,
    EvidenceType.SUBSCRIBED: _subscribed,
    EvidenceType.UNSUBSCRIBED: _unsubscribed,
    EvidenceType.COMPLAINED: _complained,
    EvidenceType.SUPPRESS: _suppress,
    EvidenceType.RELEASE: _release,
    EvidenceType.DUE: _due,
    EvidenceType.DISPUTE: _dispute,
    EvidenceType.SENT: _sent,
}


def _alive(state: AddressState, at: datetime) -> AddressState:
    """Return the state when the address is known to have been alive at a time: what happened later still counts."""
    if state.state is State.SUPPRESSED:
        return state
    streaks = after_life(state.streaks, at)
    if state.state is State.HELD and state.since is not None and state.since > at:
        return replace(state, streaks=streaks)
    if streaks:
        released = state.last_released_at
        if released is None or released <= at:
            streaks = {class_: replace(streak, holds=0, held=False) for class_, streak in streaks.items()}
        return replace(state, state=State.BOUNCING, until=None, streaks=streaks)
    return _cleared(state)


def _lifted(state: AddressState, at: datetime) -> AddressState:
    return replace(
        state,
        last_released_at=max(state.last_released_at or at, at),
        last_lifted_at=max(state.last_lifted_at or at, at),
    )


def _cleared(state: AddressState) -> AddressState:
    """Return an active state that keeps only what was good news."""
    return AddressState(
        last_released_at=state.last_released_at,
        last_lifted_at=state.last_lifted_at,
        last_delivered_at=state.last_delivered_at,
        last_engaged_at=state.last_engaged_at,
        version=state.version,
        disputed_until=state.disputed_until,
    )


def _happened_later(state: AddressState, evidence: Evidence) -> bool:
    off_the_list = state.state in (State.HELD, State.SUPPRESSED)
    return off_the_list and state.since is not None and state.since > evidence.at


def _lifted_later(state: AddressState, evidence: Evidence) -> bool:
    return state.last_lifted_at is not None and state.last_lifted_at > evidence.at


def _sent_at(evidence: Evidence) -> datetime:
    """When the mail in question was sent, as far as its return path tells (midnight of the day)."""
    day = evidence.sent_on
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else evidence.at
