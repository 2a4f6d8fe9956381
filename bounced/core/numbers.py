"""Whole numbers that somebody else wrote, read without trust: all digits or none, and bounded."""

import re

MOST = 10**15 - 1
"""What Lua, JSON and every database count exactly."""

_WHOLE = re.compile(r"0*([0-9]{1,15})", re.ASCII)


def whole(text: str | None) -> int | None:
    """Return the number from 0 to MOST that a text is in ASCII digits, leading zeros allowed; else None."""
    found = _WHOLE.fullmatch(text or "")
    return int(found[1]) if found else None
