"""What an import makes of an address that is known already: the stronger reason stands, and a later release."""

from dataclasses import replace

from bounced.core.exchange.rows import Row
from bounced.core.policy.suppress import rank
from bounced.core.state import NOTHING_KNOWN, AddressState
from bounced.core.terms import State


def merge(state: AddressState, row: Row) -> AddressState:
    """Return the state with what a row says; the same state where it has nothing to add.

    An address that was released at the row's time or later stays released.  A hold replaces neither a hold nor a
    suppression.  Of two suppressions the one of higher rank stays, and of two with equal rank the one that was
    there.
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
        names_others=said.names_others,
        actor=said.actor,
        shared_from=said.shared_from,
    )
