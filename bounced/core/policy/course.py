"""What the policy would do if the same were reported of an address every day."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from bounced.core.policy.decide import decide
from bounced.core.policy.settings import Policy
from bounced.core.state import NOTHING_KNOWN, Evidence, Transition
from bounced.core.terms import State

MOST_DAYS = 90


class Step(NamedTuple):
    """A report that changed the state, or the first one; the first comes on day 1."""

    day: int
    transition: Transition


def course(evidence: Evidence, policy: Policy) -> Iterator[Step]:
    """Yield what the first report does to an address of which nothing is known, and each later change of its state.

    It ends where the address is suppressed, or where it was not touched at all.
    """
    state = NOTHING_KNOWN
    for day in range(1, MOST_DAYS + 1):
        transition = decide(state, replace(evidence, at=evidence.at + timedelta(days=day - 1)), policy)
        if day == 1 or transition.after.state is not state.state:
            yield Step(day, transition)
        state = transition.after
        if state.state in (State.ACTIVE, State.SUPPRESSED):
            return
