"""Rule files, as TOML: rows are checked one by one, and all faults are told at once."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bounced.core.meaning.providers import PROVIDERS, Provider
from bounced.core.meaning.rules import Example, Rule, Severity, Stage, Where
from bounced.core.reading import patterns
from bounced.core.terms import CLASS_OF, Category, Class

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_CODE = re.compile(r"[245]\d\d")
_STATUS_BEGINNING = re.compile(r"[245](\.(\d{1,3}(\.\d{0,3})?)?)?|none")
_CODE_BEGINNING = re.compile(r"[245]\d{0,2}")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NOT_FOR_ROWS = (Category.UNSUBSCRIBED, Category.OPERATOR, Category.SUCCESS)
_Word = TypeVar("_Word", Category, Where, Severity, Stage)
_CATEGORIES = tuple(category for category in Category if category not in _NOT_FOR_ROWS)
_PROVIDERS = {provider.name: provider for provider in PROVIDERS}
FEWEST_COUNTER_EXAMPLES = 2
"""How many texts a row must name that look like its own and condemn nobody, before it may condemn."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a rule file: in which row, at which key, what stands there, and what was expected."""

    file: str
    row: str
    key: str
    value: object
    expected: str

    def __str__(self) -> str:
        """Say it on one line."""
        got = "and the key is missing" if self.value is None else f"got {self.value!r:.200}"
        return f"{self.file}: {self.row}: {self.key}: expected {self.expected}, {got}"


class RulesInvalid(Exception):  # noqa: N818 - the name says what is so
    """Rule files that cannot be used; ``faults`` lists every mistake in all of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def read_rules(file: str, content: bytes) -> tuple[list[Rule], list[Fault]]:
    """Return the rows of one rule file in their order, and the faults of those that are not rules."""
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return [], [Fault(file, "-", "-", str(error), "a TOML file in UTF-8")]
    faults = [Fault(file, "-", key, document[key], "only [[rule]] tables") for key in document if key != "rule"]
    rows = document.get("rule", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return [], [*faults, Fault(file, "-", "rule", rows, "[[rule]] tables")]
    rules = []
    for number, row in enumerate(rows, 1):
        checked = _Row(file, number, row)
        rules += checked.rule()
        faults += checked.faults
    return rules, faults


def repeated_ids(rules: Sequence[Rule]) -> Iterator[Fault]:
    """Yield a fault for each row whose id an earlier row has."""
    first: dict[str, Rule] = {}
    for rule in rules:
        earlier = first.setdefault(rule.id, rule)
        if earlier is not rule:
            yield Fault(rule.file, rule.id, "id", rule.id, f"an id that {earlier.file} has not used")


class _Row:
    """One row on its way from TOML to a Rule, with all that is wrong with it."""

    def __init__(self, file: str, number: int, row: Mapping[str, object]) -> None:
        self.faults: list[Fault] = []
        self._file = file
        self._row = dict(row)
        name = row.get("id")
        self._name = name if isinstance(name, str) and name else f"row {number}"
        self._providers = self._provider_names()

    def rule(self) -> list[Rule]:
        """Return the rule, or nothing where there are faults."""
        pattern = self._pattern("pattern")
        exact = not pattern
        built = Rule(
            id=self._text("id", _ID, "lower-case letters, digits, dots and hyphens, at most 64"),
            category=self._word("category", _CATEGORIES) or Category.UNDETERMINED,
            example=Example(
                self._text("example"),
                mta=self._text("example_mta", required=False) or self._own_server(),
                status=self._text("example_status", _STATUS, "an enhanced status code", required=False),
            ),
            source=self._text("source"),
            file=self._file,
            pattern=pattern,
            where=self._word("where", tuple(Where), required=False) or Where.ANY,
            statuses=self._list("status", _STATUS if exact else _STATUS_BEGINNING, "5.1.1"),
            codes=self._list("code", _CODE if exact else _CODE_BEGINNING, "550"),
            severity=self._word("severity", tuple(Severity), required=False),
            mta=self._servers(),
            stage=self._word("stage", tuple(Stage), required=False),
            weak=self._flag("weak"),
            proves=self._flag("proves"),
            counter_examples=self._texts("not"),
        )
        for key, value in self._row.items():
            self._fault(key, value, "a key that docs/rules.md names")
        if exact and bool(built.statuses) == bool(built.codes):
            self._fault("pattern", None, "a pattern, or else either status or code")
        if exact and (built.weak or built.severity or built.stage):
            self._fault("pattern", None, "a pattern beside weak, severity and stage")
        if built.mta and not built.example.mta:
            self._fault("example_mta", None, "the server that says the example, beside mta")
        if CLASS_OF[built.category] is Class.HARD and len(built.counter_examples) < FEWEST_COUNTER_EXAMPLES:
            told = list(built.counter_examples) or None
            self._fault("not", told, "at least two counter-examples: this row condemns an address")
        return [] if self.faults else [built]

    def _text(
        self, key: str, form: re.Pattern[str] | None = None, expected: str = "a text", *, required: bool = True
    ) -> str:
        value = self._row.pop(key, None if required else "")
        if isinstance(value, str) and (form.fullmatch(value) if form and value else value.strip() or not required):
            return value
        self._fault(key, value, expected)
        return ""

    def _word(self, key: str, words: Sequence[_Word], *, required: bool = True) -> _Word | None:
        value = self._row.pop(key, None)
        if value is None and not required:
            return None
        word = next((word for word in words if word == value), None)
        if word is None:
            self._fault(key, value, "one of " + ", ".join(words))
        return word

    def _list(self, key: str, form: re.Pattern[str], example: str) -> tuple[str, ...]:
        value = self._row.pop(key, [])
        values = [value] if isinstance(value, str) else value
        if isinstance(values, list) and all(isinstance(v, str) and form.fullmatch(v) for v in values):
            return tuple(values)
        self._fault(key, value, f"a code such as {example!r}, or a list of them")
        return ()

    def _pattern(self, key: str) -> str:
        """Return one pattern; alternatives may stand in a list."""
        value = self._row.pop(key, [])
        alternatives = [value] if isinstance(value, str) else value
        if not isinstance(alternatives, list) or not all(isinstance(one, str) for one in alternatives):
            self._fault(key, value, "a pattern, or a list of alternatives")
            return ""
        for alternative in alternatives:
            try:
                patterns.check(alternative)
            except patterns.BadPattern as bad:
                self._fault(key, alternative, f"an RE2 pattern; this one {bad}")
        return "|".join(alternatives)

    def _servers(self) -> str:
        """Return the pattern for the servers that a row is bound to: a provider's, or such as ``mta`` names."""
        own = self._pattern("mta")
        ends = {re.escape(end) for each in self._providers for end in (*each.servers, *each.domains)}
        theirs = f"(^|[ .])({'|'.join(sorted(ends))})( |$)" if ends else ""
        return "|".join(filter(None, (own, theirs)))

    def _own_server(self) -> str:
        """Return a server of the provider that a row is bound to."""
        return f"mx.{self._providers[0].servers[0]}" if self._providers else ""

    def _provider_names(self) -> list[Provider]:
        """Return the providers whose servers a row is about."""
        value = self._row.pop("provider", [])
        names = [value] if isinstance(value, str) else value
        if isinstance(names, list) and all(isinstance(each, str) and each in _PROVIDERS for each in names):
            return [_PROVIDERS[each] for each in names]
        self._fault("provider", value, "one of " + ", ".join(_PROVIDERS) + ", or a list of them")
        return []

    def _texts(self, key: str) -> tuple[str, ...]:
        values = self._row.pop(key, [])
        if isinstance(values, list) and all(isinstance(one, str) and one.strip() for one in values):
            return tuple(values)
        self._fault(key, values, "a list of texts")
        return ()

    def _flag(self, key: str) -> bool:
        value = self._row.pop(key, False)
        if not isinstance(value, bool):
            self._fault(key, value, "true or false")
        return value is True

    def _fault(self, key: str, value: object, expected: str) -> None:
        self.faults.append(Fault(self._file, self._name, key, value, expected))
