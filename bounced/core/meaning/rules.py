"""What replies mean, as data: ordered rows, searched for all at once, the first that applies wins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from bounced.core.meaning.complaint import apart
from bounced.core.reading import patterns
from bounced.core.terms import CLASS_OF, Category, Class

REMEMBERED_TEXTS = 4096
REMEMBERED_CHARS = 1000
NO_STATUS = "none"
"""What a row writes that asks for the absence of any enhanced status code."""


class Where(StrEnum):
    """Whose words a row is about: the remote server's reply, the reporting MTA's explanation, or both.

    ``NAME``: the host names and links that the reply mentions, which are no words.
    """

    REPLY = "reply"
    TEXT = "text"
    ANY = "any"
    NAME = "name"


class Severity(StrEnum):
    """What the codes must say for a row to apply.  Evidence without any code counts as permanent."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"


class Stage(StrEnum):
    """How far the dialogue had come when the reply was given, where a notice says so."""

    SENDER = "sender"
    DATA = "data"

    @property
    def command(self) -> str:
        """The command that such a reply answers."""
        return "MAIL FROM" if self is Stage.SENDER else "end of DATA"


class Circumstances(NamedTuple):
    """What stood beside a text: its codes, and the servers' names (``mta``: remote MTA and recipient's domain).

    ``stage``: ``sender`` before any recipient was named, ``data`` after the recipient had been accepted.
    """

    code: str | None = None
    status: str | None = None
    mta: str = ""
    stage: Stage | None = None

    @property
    def severity(self) -> Severity:
        """Whether the codes speak of a failure that may pass.  The reply code speaks before the status code."""
        decisive = self.code or self.status or ""
        return Severity.TEMPORARY if decisive.startswith("4") else Severity.PERMANENT


@dataclass(frozen=True, slots=True)
class Example:
    """A text that must lead to exactly this row: a reply, or what a notice says; and what stood beside it."""

    text: str
    mta: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row.  ``pattern`` is empty for a row about a bare code: then ``statuses`` or ``codes`` are exact.

    Beside a pattern ``statuses`` and ``codes`` are beginnings (``5.7.``, ``4``), one of which must fit; ``mta`` is
    a pattern for the server's name; ``stage`` asks how far the dialogue had come.
    ``counter_examples`` are texts that the pattern must not match.  Rows of a lower ``rank`` are asked first.
    A ``weak`` row counts only where no enhanced status code says more.  The pattern of a row that ``proves`` names the
    recipient itself.
    """

    id: str
    category: Category
    example: Example
    source: str
    file: str
    pattern: str = ""
    where: Where = Where.ANY
    statuses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    severity: Severity | None = None
    mta: str = ""
    stage: Stage | None = None
    weak: bool = False
    proves: bool = False
    counter_examples: tuple[str, ...] = ()
    rank: int = 0

    def applies(self, circumstances: Circumstances) -> bool:
        """Whether all conditions beside the pattern are met."""
        return (
            (not self.statuses or (circumstances.status or NO_STATUS).startswith(self.statuses))
            and (not self.codes or (circumstances.code or "").startswith(self.codes))
            and (self.stage is None or self.stage is circumstances.stage)
            and (self.severity is None or self.severity is circumstances.severity)
            and self.is_of(circumstances.mta)
            and self.may_speak(circumstances)
        )

    def is_of(self, servers: str) -> bool:
        """Whether the row is about anybody's words, or about those of one of the servers named."""
        return not self.mta or patterns.span(self.mta, servers) is not None

    def may_speak(self, circumstances: Circumstances) -> bool:
        """Whether the row can be about a recipient: what was said before one had been named condemns none."""
        return circumstances.stage is not Stage.SENDER or CLASS_OF[self.category] is not Class.HARD


@dataclass(frozen=True, slots=True)
class Match:
    """A row that fits a text, and where in the text.  For people."""

    rule: Rule
    start: int
    end: int


class RuleSet:
    """All rows in their order.  Texts handed in are neutral (``reply.neutral``)."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Compile the rows.  Raises patterns.BadPattern where they are too large together."""
        self.rules = tuple(rules)
        self._in_words = _Searchable(rule for rule in self.rules if rule.pattern and rule.where is not Where.NAME)
        self._in_names = _Searchable(rule for rule in self.rules if rule.pattern and rule.where is Where.NAME)
        bare = [rule for rule in self.rules if not rule.pattern]
        self._by_status = _by_code((status, rule) for rule in bare for status in rule.statuses)
        self._by_code = _by_code((code, rule) for rule in bare for code in rule.codes)

    def fitting(self, place: Where, text: str, circumstances: Circumstances) -> Iterator[Rule]:
        """Yield the rows for a text found at ``place``, in their order."""
        found = (self._in_names if place is Where.NAME else self._in_words).matching(text)
        return (rule for rule in found if rule.where in (place, Where.ANY) and rule.applies(circumstances))

    def for_status(self, status: str, servers: str = "") -> Rule | None:
        """Return the row about an enhanced status code, such as 5.1.1, where one of ``servers`` says it."""
        return next((rule for rule in self._by_status.get(status, ()) if rule.is_of(servers)), None)

    def for_code(self, code: str, servers: str = "") -> Rule | None:
        """Return the row about a reply code, such as 550, where one of ``servers`` says it."""
        return next((rule for rule in self._by_code.get(code, ()) if rule.is_of(servers)), None)

    def matches(self, place: Where, text: str, circumstances: Circumstances) -> list[Match]:
        """Return every row that fits a text, in order, with its place: what won, and what came too late."""
        found = []
        for rule in self.fitting(place, text, circumstances):
            span = _span(rule, text)
            if span:
                found.append(Match(rule, *span))
        return found


class _Searchable:
    """Rows compiled into one set.  The same words come again and again, so what short texts matched is remembered.

    The memory belongs to a function that does not know the set: a method of the set would keep it alive in a cycle, and
    each reload would leave megabytes behind until the collector comes.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        rows = tuple(rules)
        compiled = patterns.PatternSet([rule.pattern for rule in rows])

        def search(text: str) -> tuple[Rule, ...]:
            found = compiled.matching(text)
            if (words := apart(text)) != text:  # INVALID_RECIPIENT, NoSuchUser
                found = sorted({*found, *compiled.matching(words)})
            return tuple(_most_specific_first([rows[index] for index in found], text))

        self._search = search
        self._remembered = lru_cache(REMEMBERED_TEXTS)(search)

    def matching(self, text: str) -> tuple[Rule, ...]:
        return (self._remembered if len(text) <= REMEMBERED_CHARS else self._search)(text)


def _by_code(rows: Iterable[tuple[str, Rule]]) -> Mapping[str, Sequence[Rule]]:
    """Return the rows of each code in their order."""
    found: dict[str, list[Rule]] = {}
    for code, rule in rows:
        found.setdefault(code, []).append(rule)
    return found


def _most_specific_first(rows: Sequence[Rule], text: str) -> Sequence[Rule]:
    """Return rows that fit a text in their order, one that acquits before a hard one that read fewer words."""
    if len(rows) < 2:  # noqa: PLR2004 - one row is in order
        return rows
    placed: list[tuple[Rule, tuple[int, int]]] = []
    for rule in rows:
        place = _span(rule, text) or (0, 0)
        at = next((at for at, (other, there) in enumerate(placed) if _outdoes(rule, place, other, there)), len(placed))
        placed.insert(at, (rule, place))
    return [rule for rule, _ in placed]


def _span(rule: Rule, text: str) -> tuple[int, int] | None:
    """Return where a row fits a text, whose words may be joined."""
    return patterns.span(rule.pattern, text) or patterns.span(rule.pattern, apart(text))


def _outdoes(rule: Rule, place: tuple[int, int], other: Rule, there: tuple[int, int]) -> bool:
    """Tell whether a row that acquits read all that a hard one of its rank did, and more."""
    condemned, acquits = CLASS_OF[other.category] is Class.HARD, CLASS_OF[rule.category] is not Class.HARD
    return (
        condemned
        and acquits
        and rule.rank == other.rank
        and place != there
        and place[0] <= there[0]
        and there[1] <= place[1]
    )
