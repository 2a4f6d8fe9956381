"""Whether a text holds an address: as it is, inside a return path, or in a message in whatever encoding."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from bounced.core.reading.border import attempt
from bounced.core.reading.message import Part, read

ERASED = "(erased)"


@dataclass(frozen=True)
class Mention:
    """One normalised address, and every form in which our keys and texts may hold it.

    ``ids`` are the forms that keys carry: the address, or its keyed hash.
    """

    address: str
    ids: tuple[str, ...]

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The forms in lower case: whatever holds none of them does not hold the address."""
        local_part, _, domain = self.address.rpartition("@")
        domains = dict.fromkeys((domain, _unicode(domain)))
        written = (f"{local_part}{at}{each}" for each in domains for at in "@=")
        return tuple(dict.fromkeys(form.lower() for form in (*written, *self.ids)))

    def within(self, text: str) -> bool:
        """Return whether the address stands in a text; as a part of a longer address it does not."""
        return self._pattern.search(text) is not None

    def without(self, text: str) -> str:
        """Return the text with the address taken out."""
        return self._pattern.sub(ERASED, text)

    def within_message(self, content: bytes) -> bool:
        """Return whether the address stands in a message, its encodings undone."""
        return any(self.within(text) for text in _texts(content))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        forms = "|".join(map(re.escape, self.forms))
        return re.compile(rf"(?<![a-z0-9._+-])(?:{forms})(?![a-z0-9-]|\.[a-z0-9])", re.IGNORECASE)


def _texts(content: bytes) -> Iterator[str]:
    """Yield a message as it stands, and its parts without their encodings; what cannot be read stands as it is."""
    yield content.decode("utf-8", "replace")
    for part in attempt(lambda: read(content).parts, lambda _fault: ()):
        yield from attempt(partial(_forms, part), lambda _fault: ())


def _forms(part: Part) -> tuple[str, ...]:
    return part.octets.decode("utf-8", "replace"), part.text


def _unicode(domain: str) -> str:
    """Return a domain as people write it."""
    try:
        return domain.encode().decode("idna")
    except UnicodeError:
        return domain
