"""Loads the rules: an operator's own first, then those that come with the package."""

from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import chain
from pathlib import Path

from bounced.core.meaning import rulefile
from bounced.core.meaning.classify import classify_example
from bounced.core.meaning.rulefile import Fault, RulesInvalid
from bounced.core.meaning.rules import Rule, RuleSet

PACKAGED = (
    "microsoft.toml",
    "google.toml",
    "yahoo.toml",
    "americas.toml",
    "europe.toml",
    "russia.toml",
    "asia.toml",
    "filters.toml",
    "quota.toml",
    "reputation.toml",
    "content.toml",
    "recipient.toml",
    "sender.toml",
    "domain.toml",
    "mailbox.toml",
    "path.toml",
    "german.toml",
    "french.toml",
    "italian.toml",
    "spanish.toml",
    "portuguese.toml",
    "polish.toml",
    "russian.toml",
    "japanese.toml",
    "chinese.toml",
    "languages.toml",
    "last.toml",
    "expired.toml",
    "iana.toml",
    "smtp.toml",
)
"""The packaged files in the order in which their rows are asked: the particular before the general."""


def load(extra: Sequence[Path] = ()) -> RuleSet:
    """Return the packaged rules, those of ``extra`` before them.  Raises RulesInvalid with every fault.

    An operator's row whose example does not lead to it is a fault too: it would never be reached, or too late.
    """
    rules: list[Rule] = []
    faults: list[Fault] = []
    for name, content in chain(_own(extra, faults), _packaged()):
        good, bad = rulefile.read_rules(name, content)
        rules += good
        faults += bad
    faults += rulefile.repeated_ids(rules)
    if faults:
        raise RulesInvalid(faults)
    rule_set = RuleSet(rules)
    own = {str(path) for path in extra}
    faults += [fault for rule in rules if rule.file in own for fault in _unreached(rule, rule_set)]
    if faults:
        raise RulesInvalid(faults)
    return rule_set


def _unreached(rule: Rule, rules: RuleSet) -> Iterator[Fault]:
    found = classify_example(rule, rules).rule
    if found != rule.id:
        yield Fault(rule.file, rule.id, "example", rule.example.text, f"a text that leads to this row, not to {found}")


def _packaged() -> Iterator[tuple[str, bytes]]:
    folder = resources.files(__name__)
    return ((name, (folder / name).read_bytes()) for name in PACKAGED)


def _own(files: Sequence[Path], faults: list[Fault]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        try:
            yield str(path), path.read_bytes()
        except OSError as error:
            faults.append(Fault(str(path), "-", "-", error.strerror, "a file that can be read"))
