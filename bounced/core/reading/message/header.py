"""Header fields, unfolded, as text."""

import re
from functools import cache, cached_property, lru_cache

from bounced.core.limits import MAX_HEADER_BYTES, MAX_VALUE_CHARS
from bounced.core.reading.message.limits import MAX_FIELDS, MAX_HEADER_LINES

REMEMBERED_BLOCKS = 256
REMEMBERED_BYTES = 400
SHORT_HEADER_CHARS = 8192
"""The lines of a shorter one are not counted: they are few enough."""

_FOLD = re.compile(r"\n[ \t]++(?=\S)")
_FIELD = re.compile(r"^([!-9;-~]{1,76}+)[ \t]*+:[ \t]*+(.*)", re.MULTILINE)
# It begins with the character itself, so that the others are skipped over.
_BOUNDARY = re.compile(r'[bB](?<!\w.)(?i:oundary)[ \t]*+=[ \t]*+(?:"([^"\n]{1,200})"|([^\s;"]{1,200}))')
_CHARSET = re.compile(r"""\bcharset[ \t]*+=[ \t]*+["']?([\w.:-]{1,40})""", re.IGNORECASE)


def unfold(block: str) -> str:
    """Return a block of fields with each folded line joined to the one before.  (RFC 5322 section 2.2.3)"""
    return _FOLD.sub(" ", block) if "\n " in block or "\n\t" in block else block


def fields(block: str) -> list[tuple[str, str]]:
    """Return the fields of an unfolded block in order, names as written.  Lines that are no field are left out."""
    return _FIELD.findall(block)[:MAX_FIELDS]


def as_text(block: bytes) -> str:
    """Return a block of fields as text, as much of it as is looked at."""
    return block[:MAX_HEADER_BYTES].decode("utf-8", "replace")


class Header:
    """The header of a message or of a part.  Names are compared in lower case, the first of several fields counts.

    ``content_type`` is the media type in lower case, without parameters; empty where none is said.  A field is looked
    for when somebody asks for it, once: of most messages few are asked for.
    """

    def __init__(self, block: str) -> None:
        """Take a block of fields as it came, folded or not."""
        self._block = f"\n{_bounded(block)}"
        lower = self._block.lower()
        self._lower = lower if len(lower) == len(self._block) else ""  # a few letters become two
        self._values: dict[str, str] = {}
        self._type = self._first("content-type")
        self.content_type = (self._type.partition(";")[0].split() or [""])[0].lower()  # the semicolon may be missing

    def get(self, name: str) -> str:
        """Return the value of the first field of this name (lower case); empty where there is none."""
        value = self._values.get(name)
        if value is None:
            value = self._values[name] = self._first(name).strip()[:MAX_VALUE_CHARS]
        return value

    def every(self, name: str) -> list[str]:
        """Return the values of all fields of this name (lower case)."""
        return [value.strip()[:MAX_VALUE_CHARS] for found, value in fields(self.block) if found.lower() == name]

    def has(self, field: re.Pattern[str]) -> bool:
        """Return whether some field begins like a pattern, which begins with the line end before it."""
        return field.search(self._block) is not None

    def first_values(self) -> dict[str, str]:
        """Return the first value of each field, names in lower case."""
        return {name.lower(): value for name, value in reversed(_FIELD.findall(self.block))}

    def __contains__(self, name: str) -> bool:
        return self._found(name) is not None

    @cached_property
    def block(self) -> str:
        """All fields, unfolded."""
        return unfold(self._block)[1:]

    @property
    def boundary(self) -> str:
        """The boundary parameter, wherever in the header it stands: some MTAs break the line without folding it."""
        found = _BOUNDARY.search(self._type) or _BOUNDARY.search(self.block)
        return (found[1] or found[2]).rstrip() if found else ""

    @cached_property
    def charset(self) -> str:
        """The charset parameter; empty where none is said."""
        found = _CHARSET.search(self._type)
        return found[1] if found else ""

    @cached_property
    def encoding(self) -> str:
        """The transfer encoding in lower case; empty where none is said."""
        return self.get("content-transfer-encoding").lower()

    def _first(self, name: str) -> str:
        found = self._found(name)
        return unfold(found[1]) if found else ""

    def _found(self, name: str) -> re.Match[str] | None:
        """Return the place of the first field of this name; most of those that are asked for are not there."""
        if not self._lower:
            return _field(name).search(self._block)
        start = self._lower.find(f"\n{name}")
        return None if start < 0 else _field(name).search(self._block, start)


def _bounded(block: str) -> str:
    if len(block) < SHORT_HEADER_CHARS or block.count("\n") < MAX_HEADER_LINES:
        return block
    return "\n".join(block.split("\n", MAX_HEADER_LINES)[:-1])


@cache
def _field(name: str) -> re.Pattern[str]:
    """Return the pattern for a field of this name, behind a line end, that gives its value with the folded lines."""
    return re.compile(rf"\n(?ai:{re.escape(name)})[ \t]*+:(.*(?:\n[ \t]++(?=\S).*){{0,500}}+)")


def of_part(block: bytes) -> Header:
    """Return the header of a part.  Mail systems write the same short ones again and again: these are remembered."""
    return _remembered(block) if len(block) <= REMEMBERED_BYTES else Header(as_text(block))


@lru_cache(REMEMBERED_BLOCKS)
def _remembered(block: bytes) -> Header:
    return Header(as_text(block))
