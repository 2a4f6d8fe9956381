"""The transitions that exist, as data: the documentation's diagram is drawn from it and tests hold `decide` to it."""

from dataclasses import dataclass

from bounced.core.state import EvidenceType
from bounced.core.terms import State

_FAILURES = frozenset({EvidenceType.REPORT, EvidenceType.REJECTED})
_ANYTHING = frozenset(EvidenceType)


@dataclass(frozen=True, slots=True)
class Row:
    """One arrow of the diagram.  ``evidence`` is what can cause it; time alone works with whatever comes next."""

    before: tuple[State, ...]
    cause: str
    evidence: frozenset[EvidenceType]
    after: State


_A, _B, _H, _S = State.ACTIVE, State.BOUNCING, State.HELD, State.SUPPRESSED

ROWS = (
    Row((_A, _B), "a failure under its threshold", _FAILURES, _B),
    Row((_A, _B), "a failure that reaches its threshold, or the first after a hold", _FAILURES, _H),
    Row((_A, _B, _H), "a failure that reaches its threshold, or the first after the last hold", _FAILURES, _S),
    Row((_A, _B, _H), "complaint", _FAILURES | {EvidenceType.COMPLAINED}, _S),
    Row((_A, _B, _H), "unsubscribe", _FAILURES | {EvidenceType.UNSUBSCRIBED}, _S),
    Row((_A, _B, _H), "operator's suppress", frozenset({EvidenceType.SUPPRESS}), _S),
    Row((_H,), "until is reached", _ANYTHING, _B),
    Row((_B, _H), "engaged", frozenset({EvidenceType.ENGAGED}), _A),
    Row((_H,), "engaged before the latest failure", frozenset({EvidenceType.ENGAGED}), _B),
    Row((_B, _H), "delivered, believed after 72 h", _ANYTHING, _A),
    Row((_H,), "delivered before the latest failure", _ANYTHING, _B),
    Row((_B, _H), "success reported", frozenset({EvidenceType.REPORT}), _A),
    Row((_H,), "subscribed before the latest failure", frozenset({EvidenceType.SUBSCRIBED}), _B),
    Row((_S,), "its domain is disputed within the hour", frozenset({EvidenceType.DISPUTE}), _H),
    Row((_B, _H, _S), "subscribed", frozenset({EvidenceType.SUBSCRIBED}), _A),
    Row((_B, _H, _S), "operator's release", frozenset({EvidenceType.RELEASE}), _A),
    Row((_S,), "an expiry rule (none by default)", frozenset({EvidenceType.DUE}), _A),
)


def allowed(before: State, evidence: EvidenceType, after: State) -> bool:
    """Tell whether some row leads from one state to the other by this evidence."""
    return any(before in row.before and evidence in row.evidence and after is row.after for row in ROWS)


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    arrows = [f"    {before} --> {row.after} : {row.cause}" for row in ROWS for before in row.before]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {State.ACTIVE}", *arrows, ""])
