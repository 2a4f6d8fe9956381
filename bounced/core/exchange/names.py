"""What other systems call a failure, and what that is here; and the other way round.

One table for whoever reads their words: imports, hooks, log files.  A name never condemns by itself: where a server's
reply is known, the rules read that, and the name is the last resort.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bounced.core.exchange.formats import plain
from bounced.core.exchange.name_tables import CATEGORIES, CODES, NEAREST, OF_THE_DOUBTFUL, System
from bounced.core.terms import Category, Class, class_of

__all__ = ["Name", "System", "category_of", "named", "names_as_json", "names_of"]

NameJson = str | dict[str, str | int] | None


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a system has for a failure, or for something else that happened to a message.

    ``category`` is None where it says nothing of an address and is no failure of delivery.  ``code`` is the number
    that the system writes in its place, 0 where it writes the name.
    """

    system: System
    text: str
    category: Category | None
    code: int = 0

    @property
    def says_nothing(self) -> bool:
        """Whether nothing follows for the address: an automatic answer, or a message that was not even sent."""
        return self.category is None or self.category in _SAY_NOTHING

    def as_json(self) -> NameJson:
        """Return it as the system writes it: a text, or its members where it takes several to say it."""
        if self.system is System.SES:
            type_, _, subtype = self.text.partition("/")
            return {"bounceType": type_, "bounceSubType": subtype}
        return {"code": self.code, "name": self.text} if self.code else self.text


def named(system: System, text: str) -> Name | None:
    """Return what a system's name is in the table, None where it is not there.

    The name may be in any case, with or without what separates its words.  Of Amazon SES it is ``TYPE/SUBTYPE``, of
    SparkPost the number or the name.
    """
    return _BY_TEXT[system].get(plain(text))


def category_of(system: System, text: str) -> Category | None:
    """Return what a system's name is here, None where the name is not known or says nothing of an address."""
    found = named(system, text)
    return None if found is None or found.says_nothing else found.category


def names_of(category: Category, class_: Class | None = None) -> Mapping[System, Name | None]:
    """Return the nearest name that each system has for a category, None where it has none.

    ``class_`` is the class of the verdict: what looks hard and is not proven has the name of a soft failure.
    """
    doubtful = class_ is Class.SOFT and class_of(category) is Class.HARD
    return _OF_THE_DOUBTFUL if doubtful else _NEAREST.get(category, _NO_NAMES)


def names_as_json(category: Category, class_: Class | None = None) -> dict[str, NameJson]:
    """Return the nearest names as ``explain --json`` gives them.  (docs/contract.md, section 7)"""
    nearest = names_of(category, class_)
    return {str(system): None if name is None else name.as_json() for system, name in nearest.items()}


_SAY_NOTHING = frozenset({Category.ALREADY_SUPPRESSED, Category.AUTO_REPLY, Category.CHALLENGE, Category.SUBSCRIPTION})

NAMES: Mapping[System, tuple[Name, ...]] = MappingProxyType(
    {
        system: tuple(
            Name(system, text, category, CODES.get(system, {}).get(text, 0)) for text, category in means.items()
        )
        for system, means in CATEGORIES.items()
    }
)
"""Every name that is known."""

_BY_TEXT = {
    system: {plain(text): name for name in names for text in (name.text, str(name.code or name.text))}
    for system, names in NAMES.items()
}
_OF_THE_DOUBTFUL = MappingProxyType({system: named(system, text) for system, text in OF_THE_DOUBTFUL.items()})
_NO_NAMES: Mapping[System, Name | None] = MappingProxyType(dict.fromkeys(OF_THE_DOUBTFUL))
_NEAREST = {
    category: MappingProxyType({system: named(system, text) for system, text in row.items()})
    for category, row in NEAREST.items()
}
