"""The decision itself: one function for each type of evidence about an address.

``decide`` first does what time alone has brought about, then calls the function of the evidence's type.  Each of these
returns the next state and a reason in one word.  Only failures need more than a few lines: they stand in ``failure``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bounced.core.policy.dispute import WAVE
from bounced.core.policy.failure import StateAndReason, after_failure
from bounced.core.policy.settings import Policy
from bounced.core.policy.streaks import failures_after, without_last_failure
from bounced.core.policy.suppress import suppressed
from bounced.core.state import AddressState, Evidence, EvidenceType, Transition
from bounced.core.terms import ON_SUPPRESSION_LIST, Action, Category, Class, Kind, Origin, State

_KINDS_WITHOUT_EFFECT = frozenset(
    {Kind.AUTO_REPLY, Kind.CHALLENGE, Kind.UNPROVEN, Kind.OTHER, Kind.RELAYED, Kind.EXPANDED, Kind.DELAYED}
)
"""The kinds of report that are recorded and never touch an address."""


_PERSONS = frozenset({EvidenceType.COMPLAINED, EvidenceType.UNSUBSCRIBED, EvidenceType.SUPPRESS, EvidenceType.RELEASE})
"""Evidence that a person gave, and that changes also a state which this version does not know."""


def decide(state: AddressState, evidence: Evidence, policy: Policy) -> Transition:
    """Return what follows for an address from one piece of evidence.

    Pure and total: the same arguments give the same transition, and nothing raises.
    """
    if not evidence.trusted:
        return Transition(evidence, state, state, "untrusted", policy.hard_gap, policy.settles)
    return _decide(state, evidence, policy) if state.state.known else _outrank(state, evidence, policy)


def _decide(state: AddressState, evidence: Evidence, policy: Policy) -> Transition:
    settled = settle(state, evidence.at, policy)
    after, reason = _DECIDE[evidence.type](settled, evidence, policy)
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
    """Return the state after what time alone brings: a delivery that is believed by now, a hold that is over."""
    pending = state.delivery_pending_since
    if pending is not None and now >= pending + policy.settles:
        state = _known_alive(replace(state, delivery_pending_since=None, last_delivered_at=pending), pending)
    if state.state is State.HELD and state.until is not None and now >= state.until:
        return replace(state, state=State.BOUNCING, until=None, last_released_at=state.until)
    return state


def _report(state: AddressState, evidence: Evidence, policy: Policy) -> StateAndReason:
    """Do what a report or a rejection says: a complaint, a success, a failure, or nothing that touches the address."""
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
        return _known_alive(replace(state, last_delivered_at=evidence.at), _sent_at(evidence)), "delivered"
    if evidence.kind in _KINDS_WITHOUT_EFFECT or verdict.action in (Action.DELAYED, Action.RELAYED, Action.EXPANDED):
        return state, str(evidence.kind or verdict.action)
    if verdict.class_ in (Class.BLOCK, Class.NONE, Class.COMPLAINT):
        return state, f"{verdict.class_}_never_counts"
    return after_failure(state, evidence, verdict, policy)


def _delivered(state: AddressState, evidence: Evidence, _policy: Policy) -> StateAndReason:
    """Note a delivery that the sender reports; it is believed later, if no bounce follows."""
    if state.state in (State.ACTIVE, State.SUPPRESSED) or state.delivery_pending_since is not None:
        return state, "delivered"
    if any(streak.last > evidence.at for streak in state.streaks.values()):
        return state, "older_than_a_failure"
    return replace(state, delivery_pending_since=evidence.at), "delivery_not_believed_yet"


def _engaged(state: AddressState, evidence: Evidence, _policy: Policy) -> StateAndReason:
    """Note that the recipient read or clicked."""
    if state.version == 0:
        return state, "engaged"  # nothing is held against the address, so nothing has to be remembered
    latest = max(state.last_engaged_at or evidence.at, evidence.at)
    return _known_alive(replace(state, last_engaged_at=latest), evidence.at), "engaged"


def _subscribed(state: AddressState, evidence: Evidence, _policy: Policy) -> StateAndReason:
    """Lift what a new subscription may lift: everything but a complaint and an operator's suppression."""
    if state.state is State.SUPPRESSED and state.category in (Category.COMPLAINT, Category.OPERATOR):
        return state, f"{state.category}_stays"
    if state.state is State.SUPPRESSED and _listed_later(state, evidence):
        return state, "older_than_the_state"
    after = _active_again(state) if state.state is State.SUPPRESSED else _known_alive(state, evidence.at)
    return _lifted(after, evidence.at), "subscribed"


def _release(state: AddressState, evidence: Evidence, _policy: Policy) -> StateAndReason:
    """Lift a hold or a suppression, by an operator's word or the sender's.

    An operator at a terminal speaks now, so no times are compared: the clocks of two hosts may differ.  A release from
    the intake may overtake an older entry that suppresses.  So it is recorded even where there is nothing to lift.
    """
    if evidence.origin is Origin.OPERATOR and state.state is State.ACTIVE:
        return state, "nothing_to_lift"
    if evidence.origin is Origin.INTAKE and _listed_later(state, evidence):
        return state, "older_than_the_state"
    return _lifted(_active_again(state), evidence.at), "released"


def _suppress(state: AddressState, evidence: Evidence, _policy: Policy) -> StateAndReason:
    """Suppress by an operator's word, or the sender's."""
    if evidence.origin is Origin.INTAKE and _lifted_later(state, evidence):
        return state, "older_than_a_release"
    return suppressed(state, Category.OPERATOR, evidence), "operator"


def _complained(state: AddressState, evidence: Evidence, _policy: Policy) -> StateAndReason:
    """Suppress for a complaint that the sender heard of."""
    return suppressed(state, Category.COMPLAINT, evidence), "complaint"


def _unsubscribed(state: AddressState, evidence: Evidence, _policy: Policy) -> StateAndReason:
    """Suppress for an unsubscription, unless the recipient subscribed again since."""
    if _lifted_later(state, evidence):
        return state, "older_than_a_subscription"
    return suppressed(state, Category.UNSUBSCRIBED, evidence), "unsubscribed"


def _due(state: AddressState, evidence: Evidence, _policy: Policy) -> StateAndReason:
    """End a suppression whose time is over; a hold that is over is ended by ``settle`` already."""
    if state.state is State.SUPPRESSED and state.until is not None and evidence.at >= state.until:
        return replace(_active_again(state), last_released_at=evidence.at), "expired"
    return state, "due" if state.state is not State.HELD else "not_due_yet"


def _dispute(state: AddressState, evidence: Evidence, policy: Policy) -> StateAndReason:
    """Hold an address that this wave of "user unknown" called unknown, and take its last failure back.

    The domain or its provider was at fault, not the address.  An address that may still be mailed is held too: it was
    refused after DATA, and would be suppressed by the second failure.
    """
    rule = policy.rule_for(state.category, Class.HARD) if state.category and state.class_ is Class.HARD else None
    streak = state.streaks.get(Class.HARD)
    if (
        state.state is State.ACTIVE
        or rule is None
        or not rule.cautious
        or streak is None
        or streak.last < (evidence.wave_began or evidence.at - WAVE)
    ):
        return state, "not_in_the_wave"
    until = evidence.at + policy.caution
    if state.state is State.HELD and state.until is not None:
        until = max(until, state.until)
    streaks = without_last_failure(state.streaks, Class.HARD)
    return replace(state, state=State.HELD, until=until, streaks=streaks), "disputed"


def _sent(state: AddressState, _evidence: Evidence, _policy: Policy) -> StateAndReason:
    """Change nothing: mail that was sent is only counted."""
    return state, "sent"


_DECIDE: Mapping[EvidenceType, Callable[[AddressState, Evidence, Policy], StateAndReason]] = {
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


def _known_alive(state: AddressState, at: datetime) -> AddressState:
    """Return the state of an address that is known to have worked at a time.

    Failures from before that time are forgotten, later ones still count.  A hold that began later stays, and so does
    every suppression.
    """
    if state.state is State.SUPPRESSED:
        return state
    streaks = failures_after(state.streaks, at)
    if state.state is State.HELD and state.since is not None and state.since > at:
        return replace(state, streaks=streaks)
    if streaks:
        released = state.last_released_at
        if released is None or released <= at:
            streaks = {class_: replace(streak, holds=0, held=False) for class_, streak in streaks.items()}
        return replace(state, state=State.BOUNCING, until=None, streaks=streaks)
    return _active_again(state)


def _lifted(state: AddressState, at: datetime) -> AddressState:
    """Return the state with the time of a release that somebody asked for."""
    return replace(
        state,
        last_released_at=max(state.last_released_at or at, at),
        last_lifted_at=max(state.last_lifted_at or at, at),
    )


def _active_again(state: AddressState) -> AddressState:
    """Return an active state without failures, holds and reasons; it keeps the times of releases and of life."""
    return AddressState(
        last_released_at=state.last_released_at,
        last_lifted_at=state.last_lifted_at,
        last_delivered_at=state.last_delivered_at,
        last_engaged_at=state.last_engaged_at,
        version=state.version,
        disputed_until=state.disputed_until,
        path_failed_as=state.path_failed_as,
    )


def _listed_later(state: AddressState, evidence: Evidence) -> bool:
    """Tell whether the hold or suppression that stands began after the evidence."""
    return state.state in ON_SUPPRESSION_LIST and state.since is not None and state.since > evidence.at


def _lifted_later(state: AddressState, evidence: Evidence) -> bool:
    """Tell whether a subscription or an operator lifted something after the evidence."""
    return state.last_lifted_at is not None and state.last_lifted_at > evidence.at


def _sent_at(evidence: Evidence) -> datetime:
    """Return when the message was sent: midnight of the day in its return path, else the time of the evidence."""
    day = evidence.sent_on
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else evidence.at
