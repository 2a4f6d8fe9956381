"""Text of others made safe to store, log, show and export: what cannot be printed is escaped.

Peers, senders and files fill many fields: diagnostics, names of servers, campaigns, reasons.  A terminal obeys ESC and
C1 controls, an editor reverses text after U+202E, a log takes a line break for the next line, and UTF-8 cannot carry
half of a surrogate pair.  So each character that is not printable, except the space, is written as an escape sequence.
"""

import re
from collections.abc import Mapping

from bounced.core.limits import MAX_STORED_CHARS

ADDRESS = "address"
"""The field that holds a normalised address.  It is never escaped: it has no controls, and an escaped address would be
another address."""

# An escape that `spelled` writes (Python's: "\\" "u" 4HEX / "\\" "U" 8HEX), or a quoted pair of the address itself.
_ESCAPE = re.compile(r"\\(?:(?P<quoted>[\\\"])|u(?P<short>[0-9a-f]{4})|U(?P<long>[0-9a-f]{8}))")


def visible(text: str) -> str:
    """Return text in which everything that cannot be printed is escaped.  An escape sequence stays as it is."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def escaped(text: str, most: int = MAX_STORED_CHARS) -> str:
    """Return the beginning of a text, at most so many characters, escaped."""
    short = visible(text[: most + 1])
    return short if len(short) <= most else short[: most - 1] + "…"


def visible_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Return stored fields as they may be shown, whichever version stored them."""
    return {visible(name): text if name == ADDRESS else visible(text) for name, text in fields.items()}


def json_escaped(line: str) -> str:
    """Return the same JSON document with JSON's own escapes for everything that cannot be printed."""
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
