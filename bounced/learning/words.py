"""A reply's words with what varies masked: addresses, hosts, numbers, ids, what is quoted, and the recipient's name.

Two replies that differ in a plain word stay apart, because that word may be the reason: ``mailbox is full`` and
``mailbox is unknown``.  So nothing is merged by its likeness, as miners of log templates such as drain3 do; what varies
in a reply is known beforehand, and ``reading.reply.neutral`` takes most of it out for the rules as well.  drain3 would
also bring jsonpickle and cachetools with it.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from bounced.core.meaning.rules import RuleSet
from bounced.core.reading import reply as smtp

MASK = "*"
"""What stands for a part of a word that varies.  ``@`` stands for an address, ``~`` for a host."""
CUT = "…"
"""How a stored text ends that was longer."""
FEWEST_USES = 2
"""In how many examples of rows a word must stand to be no name."""
FEWEST_LETTERS = 3
"""Of a name that is found within an id."""

_STATUS = re.compile(r"\W?[245]\.\d{1,3}\.\d{1,3}\W{0,2}")
_QUOTED = re.compile(
    r"(?<![\w])(['\"`<\u2018\u201c])([^\s'\"`<>\u2018\u2019\u201c\u201d]{1,64})(['\">\u2019\u201d])(?!\w)"
)
_WITH_DIGITS = re.compile(r"[A-Za-z0-9_.+\-]*[0-9][A-Za-z0-9_+\-]*")
_CODE = re.compile(r"[A-Z]{1,6}[-_]?[0-9]{1,4}")
_AROUND = re.compile(r"^\W+|\W+$")
_IP = re.compile(r"\[?(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{1,4}:){3,}[0-9a-fA-F:.]*)\]?")
_ADDRESS = re.compile(r"[^\s<>()\[\]{},;:'\"|@]+@[\w\-.]*[\w\-]")


class Words(NamedTuple):
    """A reply's words.  ``key`` is the same for replies of one kind, ``shown`` keeps the codes of products.

    ``code`` is the reply code, which is no word.
    """

    code: str
    key: tuple[str, ...]
    shown: tuple[str, ...]


class Masker:
    """Masks replies; the words of the rows' examples are never names."""

    def __init__(self, rules: RuleSet) -> None:
        """Learn which words are no names: a mailbox may be called ``full``."""
        texts = (smtp.neutral(_QUOTED.sub(r"\1\3", rule.example.text)).text for rule in rules.rules)
        uses = Counter(word for text in texts for word in {_bare(each) for each in text.split()})
        self._known = frozenset(word for word, times in uses.items() if times >= FEWEST_USES and not word.isdecimal())

    def mask(self, reply: str, names: Iterable[str] = ()) -> Words:
        """Return the words of a reply; ``names`` are the addresses and local parts that the report is about."""
        said = smtp.split(reply)
        people = self._people(names)
        neutral = _QUOTED.sub(lambda quoted: self._quoted(quoted, people), smtp.neutral(said.text).text)
        words = neutral.split()
        if words and words[-1].endswith(CUT):
            words.pop()
        masked = [self._masked(word, people) for word in words]
        return Words(said.code or "", tuple(key.lower() for key, _ in masked), tuple(shown for _, shown in masked))

    def without_people(self, reply: str, address: str, names: Iterable[str] = ()) -> str:
        """Return a reply as an example that names nobody: addresses, the recipient and IP addresses are replaced."""
        people, domain = self._people((address, *names)), address.rpartition("@")[2]
        text = _IP.sub("[192.0.2.1]", _ADDRESS.sub("user@example.org", reply))
        text = " ".join(_without(people, word, "user", inside=_WITH_DIGITS.search(word)) for word in text.split())
        return (
            re.sub(rf"(?<![\w-]){re.escape(domain)}(?![\w-])", "example.org", text, flags=re.IGNORECASE)
            if domain
            else text
        )

    def _people(self, names: Iterable[str]) -> frozenset[str]:
        local_parts = (name.rpartition("@")[0] or name for name in names if name)
        return frozenset(each.lower() for each in local_parts) - self._known

    def _quoted(self, quoted: re.Match[str], people: frozenset[str]) -> str:
        inner = quoted[2]
        kept = inner in (smtp.ADDRESS, smtp.HOST) or (_bare(inner) in self._known and _bare(inner) not in people)
        return quoted[0] if kept else f"{quoted[1]}{MASK}{quoted[3]}"

    def _masked(self, word: str, people: frozenset[str]) -> tuple[str, str]:
        """Return a word masked, and as it is shown."""
        word = _without(people, word, MASK, inside=_WITH_DIGITS.search(word))
        if word.isalpha() or _bare(word) in self._known or _STATUS.fullmatch(word):
            return word, word
        hidden = _WITH_DIGITS.sub(MASK, word)
        return hidden, _WITH_DIGITS.sub(lambda found: found[0] if _CODE.fullmatch(found[0]) else MASK, word)


def _without(people: frozenset[str], word: str, instead: str, *, inside: object) -> str:
    """Return a word without the names in it; ``inside`` of other letters too, where it is no plain word."""
    for name in people:
        if name not in word.lower():
            continue
        alone = rf"(?<![^\W_]){re.escape(name)}(?![^\W_])"
        pattern = re.escape(name) if inside and len(name) >= FEWEST_LETTERS else alone
        word = re.sub(pattern, lambda _: instead, word, flags=re.IGNORECASE)
    return word


def is_status(word: str) -> bool:
    """Tell an enhanced status code from other words."""
    return _STATUS.fullmatch(word) is not None


def _bare(word: str) -> str:
    return _AROUND.sub("", word).lower()
