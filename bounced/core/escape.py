"""What somebody else wrote, as it may be stored, logged, shown and exported: it is seen, and does nothing.

Peers, senders and files fill many fields: diagnostics, names of servers, campaigns, reasons.  A terminal obeys ESC and
C1, an editor turns text around at U+202E, a log takes a line break for the next line, and no UTF-8 carries half a
surrogate pair.  Each character that is not printable, the space excepted, is written as its escape sequence.
"""

import re
from collections.abc import Mapping

from bounced.core.limits import MAX_STORED_CHARS

ADDRESS = "address"
"""The field that holds a normalised address: it has no controls, and another spelling would be another address."""

_ESCAPE = re.compile(r"\\(?:(?P<quoted>[\\\"])|u(?P<short>[0-9a-f]{4})|U(?P<long>[0-9a-f]{8}))")


def visible(text: str) -> str:
    """Return text with all that cannot be printed escaped; what is escaped already stays as it is."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def escaped(text: str, most: int = MAX_STORED_CHARS) -> str:
    """Return what is kept of a text: visible, and at most so many characters."""
    short = visible(text[: most + 1])
    return short if len(short) <= most else short[: most - 1] + "…"


def visible_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Return stored fields as they may be shown, whichever version stored them."""
    return {visible(name): text if name == ADDRESS else visible(text) for name, text in fields.items()}


def json_escaped(line: str) -> str:
    """Return JSON with everything that cannot be printed, in its strings, as JSON's own escapes: the same document."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else _in_json(ord(c)) for c in line)


def spelled(address: str) -> str:
    """Return an address in printable characters; ``unspelled`` gives it back."""
    if address.isprintable():
        return address
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) <= _BMP else f"\\U{ord(c):08x}" for c in address
    )


def unspelled(address: str) -> str:
    """Return the address that ``spelled`` made printable.  Raises ValueError for a number that is no character.

    Backslashes of an address stand in pairs, or before a quote, and only between quotes.  (RFC 5321 section 4.1.2)
    """
    return _ESCAPE.sub(
        lambda found: found[0] if found["quoted"] else chr(int(found["short"] or found["long"], 16)), address
    )


_BMP = 0xFFFF


def _in_json(code: int) -> str:
    if code <= _BMP:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
