"""The default policy as tables for docs/policy.md, written from the data that decides."""

from collections.abc import Mapping

from bounced.core.policy.settings import DEFAULT_POLICY, FailureRule, Policy, Then
from bounced.core.terms import CLASS_OF, Category, Class


def defaults(policy: Policy = DEFAULT_POLICY) -> str:
    """Return the rules of a policy as a Markdown table, categories that fare alike in one row."""
    lines = ["| category or class | what follows |", "|---|---|"]
    for rule, names in _alike(policy.rules).items():
        lines.append(f"| {', '.join(f'`{name}`' for name in names)} | {sentence(rule, policy)} |")
    return "\n".join(lines) + "\n"


def sentence(rule: FailureRule, policy: Policy = DEFAULT_POLICY) -> str:
    """Return what one rule says."""
    if rule.then is Then.NOTHING:
        return "nothing"
    if rule.then is Then.SUPPRESS:
        return _suppressing(rule, policy)
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


def _suppressing(rule: FailureRule, policy: Policy) -> str:
    if rule.cautious:
        hours = policy.caution_hours
        first = "the first" if rule.failures == 1 else _threshold(rule)
        return (
            f"{first}: suppressed. Where the address is confirmed or was recently active, or its domain is disputed: "
            f"held {hours} hours, and suppressed by a second one at least 24 hours later"
        )
    return f"{_threshold(rule)}: suppressed"


def _threshold(rule: FailureRule) -> str:
    if rule.over_days:
        return f"{rule.failures} consecutive ones, more than {rule.over_days} days from first to last"
    return f"{rule.failures} of them, at least 24 hours apart"


def _alike(rules: Mapping[Category | Class, FailureRule]) -> dict[FailureRule, list[str]]:
    alike: dict[FailureRule, list[str]] = {}
    for name, rule in rules.items():
        alike.setdefault(rule, []).append(str(name))
    return alike
