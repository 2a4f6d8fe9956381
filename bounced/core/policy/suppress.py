"""Suppressing, and which reason outranks which."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bounced.core.state import AddressState, Evidence
from bounced.core.terms import CLASS_OF, Category, Class, State

_PERSONS_RANKS = {Category.OPERATOR: 5, Category.COMPLAINT: 4, Category.UNSUBSCRIBED: 3}
"""The reasons that a person gave, by rank."""

_CLASS_RANKS = {Class.HARD: 2, Class.SOFT: 1}


def rank(category: Category | None, class_: Class | None) -> int:
    """Return the rank of a reason: operator > complaint > unsubscribed > hard > soft > anything else."""
    if category in _PERSONS_RANKS:
        return _PERSONS_RANKS[category]
    return _CLASS_RANKS.get(class_, 0) if class_ else 0


def suppressed(
    state: AddressState,
    category: Category,
    evidence: Evidence,
    class_: Class | None = None,
    expires_days: int | None = None,
) -> AddressState:
    """Return the suppressed state.  Only a reason of higher rank replaces the reason of an address suppressed already.

    Where a person repeats the reason that stands (a second complaint, say), only its time moves on.
    """
    class_ = class_ or CLASS_OF[category]
    already = state.state is State.SUPPRESSED
    if already and category in _PERSONS_RANKS and category is state.category and state.since is not None:
        return replace(state, since=max(state.since, evidence.at))
    if already and rank(category, class_) <= rank(state.category, state.class_):
        return state
    until = evidence.at + timedelta(days=expires_days) if expires_days else None
    return with_reason(state, category, class_, evidence, state=State.SUPPRESSED, until=until)


def with_reason(
    given: AddressState, category: Category, class_: Class, evidence: Evidence, **changes: Any
) -> AddressState:
    """Return a state with these changes, and with the evidence as its reason."""
    verdict = evidence.verdict
    return replace(
        given,
        **changes,
        category=category,
        class_=class_,
        status=(verdict.status if verdict else None) or "",
        diagnostic=verdict.diagnostic if verdict else evidence.note,
        reporting_mta=evidence.reporting_mta,
        campaign=evidence.campaign,
        origin=evidence.origin,
        names_others=not evidence.names_recipient,
        actor=evidence.actor,
        shared_from=evidence.shared_from,
    )
