"""A selection as people ask for it, in their words: which providers, categories and rules there are."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from bounced.core.mailbox import BadAddress, normalise_domain
from bounced.core.meaning.providers import PROVIDERS, known_as
from bounced.core.selection import PERSONS, Selection
from bounced.core.terms import Category

FILTERS = ("domain", "provider", "category", "campaign", "rule", "match")
"""What of a selection is asked for by a word; its span is beside them."""
PROVIDER_NAMES = tuple(provider.name for provider in PROVIDERS)
RELEASABLE = tuple(category for category in Category if category not in PERSONS)
"""The categories that a selection may release."""
_NEAREST, _SHOWN = 5, 20


class NotThere(ValueError):  # noqa: N818 - says what is so
    """No selection is made of what was asked for.  ``name`` is the filter that says so."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Choice(NamedTuple):
    """What a list has to choose from.

    ``tags`` has the tags of campaigns by their names.  ``rules`` gives the names of the rows; it is asked only where
    somebody names one.  ``keeps_addresses`` is false for a list that keeps keyed hashes.
    """

    list_: str
    tags: Mapping[str, str]
    rules: Callable[[], Iterable[str]]
    keeps_addresses: bool

    def selection(self, asked: Mapping[str, str], *, persons_too: bool = False) -> Selection:
        """Return the selection, without a span, that somebody asks for by FILTERS.

        ``persons_too`` where it may be of what people said.  Raises NotThere.
        """
        given = {name: asked.get(name, "").strip() for name in FILTERS}
        return Selection(
            domain=self._domain(given["domain"]),
            provider=_provider(given["provider"]),
            category=_category(given["category"], persons_too=persons_too),
            campaign=self.tags.get(given["campaign"], given["campaign"]),
            rule=self._rule(given["rule"]),
            match=given["match"],
        )

    def _domain(self, text: str) -> str:
        if not text:
            return ""
        if not self.keeps_addresses:
            raise NotThere("domain", f"the list {self.list_} keeps keyed hashes, and no domains")
        try:
            return normalise_domain(text.rpartition("@")[2])
        except BadAddress as error:
            raise NotThere("domain", str(error)) from error

    def _rule(self, text: str) -> str:
        names = list(self.rules()) if text else []
        if text and text not in names:
            raise NotThere("rule", none_such(text, names))
        return text


def _provider(text: str) -> str:
    if not text or text.lower() in PROVIDER_NAMES:
        return text.lower()
    known = known_as(text)
    raise NotThere("provider", none_such(text, PROVIDER_NAMES, [known] if known in PROVIDER_NAMES else []))


def _category(text: str, *, persons_too: bool) -> Category | None:
    if not text:
        return None
    if not persons_too and text in PERSONS:
        raise NotThere("category", f"{text} stays: no filter releases it.  `bounced release ADDRESS` does, one by one")
    names = [str(category) for category in (Category if persons_too else RELEASABLE)]
    if text not in names:
        raise NotThere("category", none_such(text, names))
    return Category(text)


def none_such(text: str, names: Iterable[str], nearest: list[str] | None = None) -> str:
    """Return that there is no such name, and the nearest there are."""
    names = list(names)
    nearest = nearest or get_close_matches(text.lower(), names, n=_NEAREST, cutoff=0.5)
    if nearest:
        return f"there is no {text!r}; did you mean {' or '.join(nearest)}?"
    return f"there is no {text!r}; there is {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
