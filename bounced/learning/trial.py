"""What a new row would change: among the texts that the rows themselves name, in the groups, and in what is kept."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bounced.core.meaning.classify import classify_example, classify_reply
from bounced.core.meaning.reclassify import Reclassifier
from bounced.core.meaning.rules import Example, Rule, RuleSet
from bounced.core.state import AddressState, Evidence
from bounced.core.terms import Class, Verdict
from bounced.learning.groups import Group


@dataclass(frozen=True, slots=True)
class Taken:
    """A text of a row that means something else with the new row: an example, or a counter-example that condemns."""

    rule: str
    text: str
    was: Verdict
    now: Verdict

    @property
    def condemns(self) -> bool:
        """Whether the text is hard only with the new row."""
        return self.now.class_ is Class.HARD and self.was.class_ is not Class.HARD


@dataclass(frozen=True, slots=True)
class Difference(Reclassifier):
    """What today's rules say of kept evidence that the rules ``before`` did not say."""

    before: RuleSet

    def acquitted(self, state: AddressState, address: str = "") -> Verdict | None:
        """Return what the reply that suppressed an address means, where that is a reason only by the rules before."""
        now = Reclassifier(self.rules).acquitted(state, address)
        return now if now and now != Reclassifier(self.before).acquitted(state, address) else None

    def understood(self, entry: Mapping[str, str], content: bytes) -> Evidence | None:
        """Return the evidence in a kept message, where it is another than by the rules before."""
        now = Reclassifier(self.rules).understood(entry, content)
        was = Reclassifier(self.before).understood(entry, content) if now else None
        return None if now and was and was.verdict == now.verdict else now


def taken_examples(before: RuleSet, after: RuleSet) -> Iterator[Taken]:
    """Yield the examples and counter-examples of ``before`` that lead to another row, or condemn, by ``after``."""
    for rule in before.rules:
        was, now = classify_example(rule, before), classify_example(rule, after)
        if (was.rule, was.class_) != (now.rule, now.class_):
            yield Taken(rule.id, rule.example.text, was, now)
        for text in rule.counter_examples:
            now = _of_text(rule, text, after)
            if now.class_ is Class.HARD:
                yield Taken(rule.id, text, _of_text(rule, text, before), now)


def caught(groups: Iterable[Group], rule: str, rules: RuleSet) -> Iterator[Group]:
    """Yield the groups whose examples lead to a row."""
    return (group for group in groups if group.example and classify_reply(group.example, rules).rule == rule)


def _of_text(rule: Rule, text: str, rules: RuleSet) -> Verdict:
    return classify_example(replace(rule, example=Example(text)), rules)
