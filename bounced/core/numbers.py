"""Whole numbers that somebody else wrote: digits alone, and not too large."""

import re

MOST = 10**15 - 1
"""The largest number that is read.  Lua, JSON and every database hold it exactly."""

# 1*DIGIT, at most 15 of them after leading zeros, in ASCII.
_WHOLE = re.compile(r"0*([0-9]{1,15})", re.ASCII)


def whole(text: str | None) -> int | None:
    """Return the number from 0 to MOST that a text is in ASCII digits, leading zeros allowed; else None."""
    found = _WHOLE.fullmatch(text or "")
    return int(found[1]) if found else None
