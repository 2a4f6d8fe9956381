"""What becomes of an address when a file calls it suppressed: the stronger and the later word stands."""

from dataclasses import replace

from bounced.core.exchange.rows import Row
from bounced.core.policy.suppress import blamed, suppressed
from bounced.core.state import AddressState, Evidence, EvidenceType
from bounced.core.terms import CLASS_OF, Origin, State, Verdict

OFF_THE_LIST = (State.HELD, State.SUPPRESSED)


def merge(state: AddressState, row: Row, source: str) -> AddressState:
    """Return the state with what a row says; the same state where it has nothing to add.

    What was lifted after the row's time stays lifted, and a hold never replaces what stands.
    """
    if state.last_lifted_at is not None and state.last_lifted_at > row.at:
        return state
    evidence = _evidence(row, source)
    class_ = row.class_ or CLASS_OF[row.category]
    if row.held_until is None:
        after = suppressed(state, row.category, evidence, class_)
    elif state.state in OFF_THE_LIST:
        return state
    else:
        after = replace(blamed(state, row.category, class_, evidence), state=State.HELD, until=row.held_until)
    return after if after == state else replace(after, since=row.at)


def _evidence(row: Row, source: str) -> Evidence:
    verdict = Verdict(row.category, f"import.{source}", "import", status=row.status, diagnostic=row.diagnostic)
    return Evidence(EvidenceType.SUPPRESS, row.at, Origin.OPERATOR, verdict=verdict, campaign=row.campaign)
