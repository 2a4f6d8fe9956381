"""What a format is: the columns that tell it, and what its words and replies mean; and which format a file has."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache

from bounced.core.exchange.rows import SkipReason
from bounced.core.terms import Category

Fields = Mapping[str, str]
"""One row of a file: column names in lower case, values without surrounding space."""

Meaning = Category | SkipReason
"""What a service's word says of an address: why to suppress it, or why its row is left out."""

BETWEEN = "\n"
"""What stands between the values of a list in JSON."""

SILENT = frozenset({SkipReason.UNDETERMINED, SkipReason.SOME_MAIL})
"""Reasons for which a row is left out that the operator may answer, since the service does not say more."""


class Unrecognised(ValueError):  # noqa: N818 - says what is so; the message names what would be understood
    """Columns that no format has."""


@lru_cache(4096)
def plain(text: str) -> str:
    """Return a word as it is compared: in lower case, and without what only separates its parts."""
    return text.lower().replace("_", "").replace(" ", "").replace("-", "").replace(".", "")


@dataclass(frozen=True, slots=True)
class Words:
    """A column of a service's own words, and what each of them means, the strongest first.

    ``column`` is one column, or several with ``+`` between them; then there is a ``+`` between the words too.
    """

    column: str
    means: Mapping[str, Meaning]

    def read(self, fields: Fields) -> Meaning | None:
        """Return what the column of a row says, None where none of the words is in it."""
        means = self.means
        value = self.value(fields)
        if BETWEEN in value:
            found = set(map(plain, value.split(BETWEEN)))
            return next((meaning for word, meaning in means.items() if word in found), None)
        return means.get(plain(value))

    def value(self, fields: Fields) -> str:
        """Return the column's value as it stands in the row."""
        if "+" not in self.column:
            return fields.get(self.column, "")
        return "+".join(fields.get(column, "") for column in self.column.split("+"))


@dataclass(frozen=True, slots=True)
class Format:
    """One export of one service.

    ``columns`` tell it from others, beside the address, whose column has one of the names ``addresses``; ``address``
    is the name that it has in the file at hand.  The first of ``words`` that knows the row's word counts.  ``reply``
    are the columns that hold a server's reply: the rules decide what it means.  ``otherwise`` is for a row of which
    neither words nor rules know anything.  ``at`` is the column with the time of the suppression, ``said`` the column
    with text about the address, ``scope`` the one that names the only mail that somebody does not want.
    ``told_by`` is for a format whose columns alone say that an address is bad: a file of other failures may have the
    same columns, so the text has to match this pattern too.
    ``written`` is for one whose columns a list of subscribers may have: a file of it has no other columns, and ``at``
    is written as the pattern says.
    """

    name: str
    addresses: tuple[str, ...]
    columns: frozenset[str]
    words: tuple[Words, ...] = ()
    reply: tuple[str, ...] = ()
    otherwise: Meaning | None = None
    at: str = ""
    said: str = ""
    scope: str = ""
    told_by: re.Pattern[str] | None = None
    written: re.Pattern[str] | None = None
    address: str = field(default="", kw_only=True)

    @property
    def says_why(self) -> bool:
        """Whether the columns give a reason; else the operator has to give it."""
        return bool(self.words or self.reply) or self.otherwise is not SkipReason.UNDETERMINED

    @property
    def may_be_silent(self) -> bool:
        """Whether rows may give no reason, so that the operator may give it for them."""
        meanings = (self.otherwise, *(meaning for words in self.words for meaning in words.means.values()))
        some = any(isinstance(each, SkipReason) and each in SILENT for each in meanings)
        return some or bool(self.reply or self.written)

    def told(self, fields: Fields) -> Meaning | None:
        """Return what the service's own words in a row mean, None where it has none that is known."""
        return next((meaning for words in self.words if (meaning := words.read(fields)) is not None), None)


def detect(columns: Iterable[str], formats: Iterable[Format]) -> Format:
    """Return the first format of a file with these columns, which are in lower case.  Raises Unrecognised."""
    names, formats = frozenset(columns), tuple(formats)
    for each in formats:
        address = next((name for name in each.addresses if name in names), None)
        is_all = not each.written or len(names) == len(each.columns) + 1
        if address is not None and each.columns <= names and is_all:
            return replace(each, address=address)
    raise Unrecognised(_unknown(names, formats))


def seen(columns: Iterable[str], formats: Iterable[Format]) -> str:
    """Say which columns a file has, and which format comes nearest to them."""
    names, formats = frozenset(columns), tuple(formats)
    told = ", ".join(repr(name[:40]) for name in sorted(names)[:20]) or "none"
    nearest = max(formats, key=lambda each: _share(each, names))
    if _share(nearest, names) >= 0.5:  # noqa: PLR2004 - half of them
        missing = sorted(nearest.columns - names) or [" or ".join(nearest.addresses)]
        return f"The file has {told}. Nearest is {nearest.name}, which also has {', '.join(missing)}."
    if alike := {each for name in names for each in get_close_matches(name, _every_address(formats), 1, 0.75)}:
        return f"The file has {told}. Is one of them the address? That column is called {' or '.join(sorted(alike))}."
    return f"The file has {told}."


def _unknown(names: frozenset[str], formats: tuple[Format, ...]) -> str:
    """Say what was seen in a file, what comes nearest, and what is known."""
    known = "".join(f"\n  {each.name}: {', '.join(_told_by(each))}" for each in formats)
    told = f"no format has its columns. {seen(names, formats)} There are{known}"
    return f"{told}\nWhich file of which service: docs/import.md."


def _share(each: Format, names: frozenset[str]) -> float:
    """Return which part of the columns of a format a file has."""
    has = len(each.columns & names) + (not names.isdisjoint(each.addresses))
    return has / (len(each.columns) + 1) if each.columns else 0


def _every_address(formats: Iterable[Format]) -> list[str]:
    return sorted({name for each in formats for name in each.addresses})


def _told_by(each: Format) -> list[str]:
    return [" or ".join(each.addresses), *sorted(each.columns)]
