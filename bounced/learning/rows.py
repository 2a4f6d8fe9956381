"""The row that would catch a group of replies, as TOML ready to be put into a rule file."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from bounced.core.terms import CLASS_OF, Category, Class
from bounced.learning.groups import NAMED_SERVERS, Group, Why
from bounced.learning.words import MASK, is_status

MAX_WORDS = 20
"""Of a pattern: the reason is at the beginning."""
FEWEST_LETTERS = 8
"""Of the words that stay in a pattern: with fewer it would catch other replies too."""
_IN_ID = 4
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
_NAME = re.compile(r"[a-z]{3,20}")
_GAP = r"\S*"
_END_OF_SENTENCE = (".", ":", "!", "?")
_STAGE = "(in reply to "
"""Behind a reply Postfix says to which command it was given: that is no word of the server."""
_NEXT_PARAGRAPH = "(?: ;)? "
"""Where a notice's own words are joined from its lines, a new paragraph stands behind a semicolon."""


@dataclass(frozen=True, slots=True)
class ProposedRow:
    """A row as an operator would write it."""

    id: str
    pattern: str
    category: Category
    example: str
    source: str
    counter_examples: tuple[str, ...] = ()
    proves: bool = False

    @property
    def condemns(self) -> bool:
        """Whether the row may cost somebody his mail."""
        return CLASS_OF[self.category] is Class.HARD

    def toml(self) -> str:
        """Return the row as a table of a rule file; where it condemns, with room for the counter-examples it needs."""
        counter_examples = self.counter_examples or (("", "") if self.condemns else ())
        lines = [
            "[[rule]]",
            f"id = {_quoted(self.id)}",
            f"pattern = {_literal(self.pattern)}",
            f"category = {_quoted(self.category)}",
            *(['severity = "permanent"'] if self.condemns else []),
            *(["proves = true"] if self.proves else []),
            f"example = {_quoted(self.example)}",
            *(["not = [", *(f"  {_quoted(text)}," for text in counter_examples), "]"] if counter_examples else []),
            f"source = {_quoted(self.source)}",
        ]
        return "\n".join(lines) + "\n"


def propose(group: Group, taken: Collection[str] = ()) -> ProposedRow | None:
    """Return the row for a group, with an id that is not ``taken``; None where too little could be recognised.

    The category is that of doubtful replies, else ``undetermined``, which an operator replaces by what it means.
    """
    pattern = _pattern(group) if group.why is not Why.UNPROVEN else ""
    if not pattern:
        return None
    return ProposedRow(
        id=_free(_name(group), taken),
        pattern=pattern,
        category=Category.read(group.category) if group.category else Category.UNDETERMINED,
        example=group.example,
        source=_source(group),
    )


def _pattern(group: Group) -> str:
    """Return the words of a group with gaps where they vary, and without the codes at their ends."""
    words = list(group.shown)
    if _STAGE in " ".join(words):
        words = " ".join(words).partition(_STAGE)[0].split()
    while words and _is_gap(words[0]):
        words.pop(0)
    words = words[:MAX_WORDS]
    while words and _is_gap(words[-1]):
        words.pop()
    if sum(map(str.isalpha, "".join(word for word in words if MASK not in word))) < _fewest(words):
        return ""
    joined = ""
    for place, word in enumerate(words):
        ends = not group.code and place and words[place - 1].endswith(_END_OF_SENTENCE)
        joined += (_NEXT_PARAGRAPH if ends else " " if place else "") + _escaped(word)
    return joined


def _fewest(words: list[str]) -> int:
    """Return how many letters are enough: a sign of Chinese or Japanese says as much as a syllable."""
    return FEWEST_LETTERS if "".join(words).isascii() else FEWEST_LETTERS // 2


def _is_gap(word: str) -> bool:
    return is_status(word) or not any(map(str.isalpha, word.replace(MASK, "")))


def _escaped(word: str) -> str:
    if is_status(word):
        return r"\S+"
    return _GAP.join(_SPECIAL.sub(r"\\\1", part) for part in word.split(MASK))


def _name(group: Group) -> str:
    words = [found[0] for word in group.shown if (found := _NAME.fullmatch(word.lower().strip(".,:;!()'\"")))]
    return "own." + "-".join(words[:_IN_ID] or [group.id])


def _free(name: str, taken: Collection[str]) -> str:
    name = name[:60].rstrip("-")
    names = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)


def _source(group: Group) -> str:
    days = " to ".join(dict.fromkeys(filter(None, (group.first, group.last))))
    who = ", ".join(server for server, _ in group.servers.most_common(NAMED_SERVERS))
    return f"mail of {days or 'our own'}" + (f", said by {who}" if who else "")


def _literal(text: str) -> str:
    """Return a pattern in TOML: as it stands where that is possible."""
    return _quoted(text) if "'" in text or not text.isprintable() else f"'{text}'"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())
