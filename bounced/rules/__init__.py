"""Loads the rules: an operator's own first, then those that come with the package."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import chain
from pathlib import Path

from bounced.core.meaning import rulefile
from bounced.core.meaning.classify import classify_example
from bounced.core.meaning.rulefile import Fault, RulesInvalid
from bounced.core.meaning.rules import Example, Rule, RuleSet
from bounced.core.terms import Class

PROVIDERS = ("microsoft.toml", "google.toml", "yahoo.toml", "americas.toml", "europe.toml", "russia.toml", "asia.toml")
"""The files of those who say things in their own way."""

CERTAIN = ("certain.toml",)
"""The file of what has one meaning, whatever stands beside it."""

LAST = ("last.toml", "expired.toml")
"""The files of words that say little."""

PACKAGED = (
    *PROVIDERS,
    *CERTAIN,
    "filters.toml",
    "quota.toml",
    "authentication.toml",
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
    *LAST,
    "iana.toml",
    "smtp.toml",
)
"""The packaged files in the order in which their rows are asked: the particular before the general."""


def load(extra: Sequence[Path] = ()) -> RuleSet:
    """Return the packaged rules, those of ``extra`` before them.  Raises RulesInvalid with every fault.

    An operator's row whose example does not lead to it is a fault too: it would never be reached, or too late.  So is a
    counter-example that any row finds hard.
    """
    rules: list[Rule] = []
    faults: list[Fault] = []
    for name, content in chain(_own(extra, faults), _packaged()):
        good, bad = rulefile.read_rules(name, content)
        rules += [replace(rule, rank=_rank(name)) for rule in good]
        faults += bad
    faults += rulefile.repeated_ids(rules)
    if faults:
        raise RulesInvalid(faults)
    rule_set = RuleSet(rules)
    own = {str(path) for path in extra}
    faults += [fault for rule in rules if rule.file in own for fault in _misjudged(rule, rule_set)]
    if faults:
        raise RulesInvalid(faults)
    return rule_set


@cache
def packaged() -> RuleSet:
    """Return the rules that come with the package, read once."""
    return load()


def _rank(file: str) -> int:
    """Return which rows come first: an operator's own, a provider's, those of one meaning, the others, the last."""
    if file not in PACKAGED:
        return 0
    return next((rank for rank, files in enumerate((PROVIDERS, CERTAIN), 1) if file in files), 4 if file in LAST else 3)


def _misjudged(rule: Rule, rules: RuleSet) -> Iterator[Fault]:
    """Yield a fault where a row's example does not lead to it, and for each of its counter-examples that condemns."""
    found = classify_example(rule, rules).rule
    if found != rule.id:
        yield Fault(rule.file, rule.id, "example", rule.example.text, f"a text that leads to this row, not to {found}")
    for text in rule.counter_examples:
        verdict = classify_example(replace(rule, example=Example(text)), rules)
        if verdict.class_ is Class.HARD:
            yield Fault(rule.file, rule.id, "not", text, f"a text that condemns nobody; {verdict.rule} finds it hard")


def _packaged() -> Iterator[tuple[str, bytes]]:
    folder = resources.files(__name__)
    return ((name, (folder / name).read_bytes()) for name in PACKAGED)


def _own(files: Sequence[Path], faults: list[Fault]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        try:
            yield str(path), path.read_bytes()
        except OSError as error:
            faults.append(Fault(str(path), "-", "-", error.strerror, "a file that can be read"))
