"""Replies that were not understood, counted by their words, within a bound whatever comes."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from bounced.core.return_path.base32 import leading
from bounced.learning.words import MASK, Words

MAX_GROUPS = 5000
MAX_ENTRIES = 5
MAX_SERVERS = 50
"""Of one group, by name.  Further ones are counted together."""
NAMED_SERVERS = 3
ID_CHARS = 8
_SEPARATOR = "\0"


class Why(StrEnum):
    """In which way something was not understood."""

    UNDETERMINED = "undetermined"
    """The words give no reason that a row knows."""
    DOUBTFUL = "doubtful"
    """They would condemn an address, and the proof is not complete."""
    UNPROVEN = "unproven"
    """Nothing proves that a mail system wrote the message, so its words may be a person's."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """One reply that was not understood, or one message that may be a notice: then ``words`` name its signs.

    ``server`` is who said so, ``named`` whether that is a host's name and not only the recipient's domain.  ``example``
    names nobody.  ``category`` and ``doubt`` are of a doubtful one.  ``entry`` is its id in `unrecognised`, where it is
    kept; ``day`` is when it came.
    """

    why: Why
    list_: str
    words: Words
    server: str = ""
    named: bool = False
    example: str = ""
    category: str = ""
    doubt: str = ""
    entry: str = ""
    day: str = ""


@dataclass(slots=True)
class Group:
    """Replies of the same words.  ``first`` and ``last`` are days, ``entries`` ids of some that are kept."""

    id: str
    why: Why
    code: str
    shown: tuple[str, ...]
    example: str
    category: str
    doubt: str
    count: int = 0
    lists: set[str] = field(default_factory=set)
    servers: Counter[str] = field(default_factory=Counter)
    hosts: set[str] = field(default_factory=set)
    first: str = ""
    last: str = ""
    entries: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The words on one line, the reply code before them."""
        return " ".join(filter(None, (self.code, *self.shown)))

    @property
    def told_why(self) -> str:
        """In which way they were not understood, with the category that is in doubt."""
        return f"{self.why} {self.category}".rstrip()

    @property
    def said_by(self) -> str:
        """Who said so most often, at most three."""
        named = [name for name, _ in self.servers.most_common(NAMED_SERVERS)]
        return ", ".join(named) + (", ..." if len(self.servers) > len(named) else "")

    @property
    def days(self) -> str:
        """The first and the last day."""
        return " to ".join(dict.fromkeys(filter(None, (self.first, self.last))))

    @property
    def sources(self) -> int:
        """How many said so independently: hosts by their names, or else the recipients' domains."""
        return len(self.hosts or self.servers)

    def add(self, one: Unknown) -> None:
        """Count one more."""
        self.count += 1
        self.lists.add(one.list_)
        if one.server and (one.server in self.servers or len(self.servers) < MAX_SERVERS):
            self.servers[one.server] += 1
            if one.named:
                self.hosts.add(one.server)
        self.first = min(filter(None, (self.first, one.day)), default="")
        self.last = max(self.last, one.day)
        if one.entry and len(self.entries) < MAX_ENTRIES:
            self.entries.append(one.entry)
        self.shown = tuple(
            ours if ours == theirs else key
            for ours, theirs, key in zip(self.shown, one.words.shown, _masks(one.words), strict=True)
        )


class Groups:
    """All groups, at most ``most``.  Where more come, the smaller half is dropped and counted in ``left_out``.

    So a group that is a large share of all replies is never lost, and the counts of the others are at least so many.
    """

    def __init__(self, most: int = MAX_GROUPS) -> None:
        """Begin with none."""
        self._most = most
        self._groups: dict[str, Group] = {}
        self.replies = 0
        self.left_out = 0

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, one: Unknown) -> None:
        """Count one reply in its group."""
        self.replies += 1
        id_ = _id(one)
        group = self._groups.get(id_)
        if group is None:
            if len(self._groups) >= self._most:
                self._drop()
            words = one.words
            group = Group(id_, one.why, words.code, words.shown, one.example, one.category, one.doubt)
            self._groups[id_] = group
        group.add(one)

    def get(self, id_: str) -> Group | None:
        """Return the group of an id."""
        return self._groups.get(id_)

    def biggest(self) -> list[Group]:
        """Return all, those of the most replies first."""
        return sorted(self._groups.values(), key=lambda group: (-group.count, group.id))

    def _drop(self) -> None:
        ranked = self.biggest()
        kept = ranked[: self._most // 2]
        self.left_out += sum(group.count for group in ranked[len(kept) :])
        self._groups = {group.id: group for group in kept}


def _id(one: Unknown) -> str:
    """Return the name of a group, the same whenever it is asked for."""
    key = _SEPARATOR.join((one.why, one.category, one.doubt, one.words.code, *one.words.key))
    return leading(sha256(key.encode("utf-8", "replace")).digest(), ID_CHARS)


def _masks(words: Words) -> tuple[str, ...]:
    """Return the words as they are shown where they vary within the group: with what varies masked."""
    return tuple(key if MASK in key else shown for key, shown in zip(words.key, words.shown, strict=True))
