"""What becomes of an address when a file calls it suppressed: the stronger and the later word stands."""

from dataclasses import replace

from bounced.core.exchange.rows import Row
from bounced.core.policy.suppress import rank
from bounced.core.state import NOTHING_KNOWN, AddressState
from bounced.core.terms import State


def merge(state: AddressState, row: Row) -> AddressState:
    """Return the state with what a row says; the same state where it has nothing to add.

    What was lifted at the row's time or later stays lifted; a hold never replaces what stands; of two suppressions the
    one of the higher rank stands, the first where they are equal.
    """
    said, lifted = row.said, state.last_lifted_at
    if state is NOTHING_KNOWN:
        return said
    if lifted is not None and said.since is not None and lifted >= said.since:
        return state
    if said.state is State.HELD and state.state.on_suppression_list:
        return state
    standing = state.state is State.SUPPRESSED or not state.state.known
    if standing and rank(said.category, said.class_) <= rank(state.category, state.class_):
        return state
    return replace(
        state,
        state=said.state,
        category=said.category,
        class_=said.class_,
        since=said.since,
        until=said.until,
        status=said.status,
        diagnostic=said.diagnostic,
        reporting_mta=said.reporting_mta,
        campaign=said.campaign,
        origin=said.origin,
    )
