"""What becomes of an address when a file calls it suppressed: the stronger and the later word stands."""

from dataclasses import replace

from bounced.core.exchange.rows import Row
from bounced.core.policy.suppress import rank
from bounced.core.state import NOTHING_KNOWN, AddressState
from bounced.core.terms import OFF_THE_LIST, State


def merge(state: AddressState, row: Row) -> AddressState:
    """Return the state with what a row says; the same state where it has nothing to add.

    What was lifted at the row's time or later stays lifted; a hold never replaces what stands; of two suppressions the
    one of the higher rank stands, the first where they are equal.
    """
    if state is NOTHING_KNOWN:
        return _first(row)
    if state.last_lifted_at is not None and state.last_lifted_at >= row.at:
        return state
    if row.state is State.HELD and state.state in OFF_THE_LIST:
        return state
    standing = state.state is State.SUPPRESSED
    if standing and rank(row.category, row.class_) <= rank(state.category, state.class_):
        return state
    said = _first(row)
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


def _first(row: Row) -> AddressState:
    """Return the state of an address of which nothing else is known."""
    return AddressState(
        state=row.state,
        category=row.category,
        class_=row.class_,
        since=row.at,
        until=row.until,
        status=row.status,
        diagnostic=row.diagnostic,
        reporting_mta=row.reporting_mta,
        campaign=row.campaign,
        origin=row.origin,
    )
