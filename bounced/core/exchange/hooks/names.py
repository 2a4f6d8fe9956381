"""What a service's names of failures mean as events: taken from the one table of names."""

from collections.abc import Mapping
from types import MappingProxyType

from bounced.core.exchange.hooks.heard import NO_EVIDENCE, NOT_SENT, Means, failed
from bounced.core.exchange.names import NAMES, Name, System
from bounced.core.terms import Category

_ON_ITS_LIST = frozenset({Category.ALREADY_SUPPRESSED, Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR})
"""What a service says of mail that it did not send, because of its own list or of the message itself."""


def failures(system: System, before: str = "") -> Mapping[str, Means]:
    """Return what each name of a system means where a message failed; ``before`` is the event that has the name."""
    return MappingProxyType({f"{before}{name.code or name.text}": _means(name) for name in NAMES[system]})


def _means(name: Name) -> Means:
    if name.category is None or name.category in _ON_ITS_LIST:
        return NOT_SENT
    return NO_EVIDENCE if name.says_nothing else failed(name.category)
