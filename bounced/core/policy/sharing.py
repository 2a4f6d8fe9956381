"""Following a shared verdict back: which lists hold the same hard verdict about an address, and lifting it there."""

from bounced.core.policy.decide import decide
from bounced.core.policy.settings import Policy
from bounced.core.state import AddressState, Evidence, Transition
from bounced.core.terms import Class


def is_same_verdict(name: str, state: AddressState, own_name: str, own: AddressState) -> bool:
    """Return whether the state in the list ``name`` is the hard verdict that the list ``own_name`` shares with it.

    It is where it came from the list that spoke first, or where that list spoke itself.  What a person said there, and
    a failure of its own, is another verdict.
    """
    if not state.state.on_suppression_list or state.class_ is not Class.HARD:
        return False
    first = own.shared_from or own_name
    return state.shared_from == first or (name == first and not state.shared_from)


def lift_same_verdict(
    state: AddressState, evidence: Evidence, policy: Policy, *, name: str, own_name: str, own: AddressState
) -> Transition:
    """Return what a release or a subscription in ``own_name`` makes of the state in ``name``.

    Another verdict stays.
    """
    if not is_same_verdict(name, state, own_name, own):
        return Transition(evidence, state, state, "another_verdict", policy.hard_gap, policy.settles)
    return decide(state, evidence, policy)
