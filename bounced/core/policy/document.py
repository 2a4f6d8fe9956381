"""What docs/policy.md shows of the policy: the transitions that exist, as a diagram, and the defaults, as tables.

``ARROWS`` does not decide: ``decide`` does, and a property test holds it to the arrows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bounced.core.policy.settings import DEFAULT_POLICY, FailureRule, Then
from bounced.core.state import EvidenceType
from bounced.core.terms import CLASS_OF, Category, Class, State

_FAILURES = frozenset({EvidenceType.REPORT, EvidenceType.REJECTED})
_ANYTHING = frozenset(EvidenceType)


@dataclass(frozen=True, slots=True)
class Arrow:
    """One arrow of the diagram.

    ``evidence`` are the types that can cause it: every type where time alone does, since the next evidence of any type
    brings it to light.
    """

    before: tuple[State, ...]
    cause: str
    evidence: frozenset[EvidenceType]
    after: State


_A, _B, _H, _S = State.ACTIVE, State.BOUNCING, State.HELD, State.SUPPRESSED

ARROWS = (
    Arrow((_A, _B), "a failure under its threshold", _FAILURES, _B),
    Arrow((_A, _B), "a failure that reaches its threshold, or the first after a hold", _FAILURES, _H),
    Arrow((_A, _B, _H), "a failure that reaches its threshold, or the first after the last hold", _FAILURES, _S),
    Arrow((_A, _B, _H), "complaint", _FAILURES | {EvidenceType.COMPLAINED}, _S),
    Arrow((_A, _B, _H), "unsubscribe", _FAILURES | {EvidenceType.UNSUBSCRIBED}, _S),
    Arrow((_A, _B, _H), "operator's suppress", frozenset({EvidenceType.SUPPRESS}), _S),
    Arrow((_H,), "until is reached", _ANYTHING, _B),
    Arrow((_B, _H), "engaged", frozenset({EvidenceType.ENGAGED}), _A),
    Arrow((_H,), "engaged before the latest failure", frozenset({EvidenceType.ENGAGED}), _B),
    Arrow((_B, _H), "delivered, believed after 72 h", _ANYTHING, _A),
    Arrow((_H,), "delivered before the latest failure", _ANYTHING, _B),
    Arrow((_B, _H), "success reported", frozenset({EvidenceType.REPORT}), _A),
    Arrow((_H,), "subscribed before the latest failure", frozenset({EvidenceType.SUBSCRIBED}), _B),
    Arrow(
        (_B, _S),
        "its domain is disputed within the hour, or its provider within a day",
        frozenset({EvidenceType.DISPUTE}),
        _H,
    ),
    Arrow((_B, _H, _S), "subscribed", frozenset({EvidenceType.SUBSCRIBED}), _A),
    Arrow((_B, _H, _S), "operator's release", frozenset({EvidenceType.RELEASE}), _A),
    Arrow((_S,), "an expiry rule (none by default)", frozenset({EvidenceType.DUE}), _A),
)


def diagram() -> str:
    """Return the arrows as a Mermaid state diagram."""
    arrows = [f"    {before} --> {arrow.after} : {arrow.cause}" for arrow in ARROWS for before in arrow.before]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {State.ACTIVE}", *arrows, ""])


def defaults() -> str:
    """Return the rules of the default policy as a Markdown table; categories with the same rule share a row."""
    lines = ["| category or class | what follows |", "|---|---|"]
    for rule, names in _by_rule(DEFAULT_POLICY.rules).items():
        lines.append(f"| {', '.join(f'`{name}`' for name in names)} | {sentence(rule)} |")
    return "\n".join(lines) + "\n"


def sentence(rule: FailureRule, caution_hours: int = DEFAULT_POLICY.caution_hours) -> str:
    """Return what one rule of a policy says, which holds for ``caution_hours`` what is not believed."""
    if rule.then is Then.NOTHING:
        return "nothing"
    if rule.then is Then.SUPPRESS:
        return _suppressing(rule, caution_hours)
    days = ", then ".join(str(days) for days in rule.hold_days)
    last = "suppressed" if rule.finally_ is Then.SUPPRESS else f"held {rule.last_hold_days} days each time"
    return f"{_threshold(rule)}: held {days} days, one step for the first failure after each release; then {last}"


def classes() -> str:
    """Return which categories belong to which class, as a Markdown table."""
    lines = ["| class | categories |", "|---|---|"]
    for class_ in Class:
        members = [f"`{category}`" for category in Category if CLASS_OF[category] is class_]
        lines.append(f"| `{class_}` | {', '.join(members)} |")
    return "\n".join(lines) + "\n"


def _suppressing(rule: FailureRule, hours: int) -> str:
    if rule.cautious:
        first = "the first" if rule.failures == 1 else _threshold(rule)
        return (
            f"{first}: suppressed. Where the address is confirmed or was recently active, or its domain or provider is "
            f"disputed: held {hours} hours, and suppressed by a second one at least 24 hours later"
        )
    return f"{_threshold(rule)}: suppressed"


def _threshold(rule: FailureRule) -> str:
    if rule.over_days:
        return f"{rule.failures} consecutive ones, more than {rule.over_days} days from first to last"
    return f"{rule.failures} of them, at least 24 hours apart"


def _by_rule(rules: Mapping[Category | Class, FailureRule]) -> dict[FailureRule, list[str]]:
    names: dict[FailureRule, list[str]] = {}
    for name, rule in rules.items():
        names.setdefault(rule, []).append(str(name))
    return names
