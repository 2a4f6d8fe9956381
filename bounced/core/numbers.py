"""Whole numbers that somebody else wrote (digits alone, and not too large), and shares for people."""

import re

MOST = 10**15 - 1
"""The largest number that is read.  Lua, JSON and every database hold it exactly."""

# 1*DIGIT, at most 15 of them after leading zeros, in ASCII.
_WHOLE = re.compile(r"0*([0-9]{1,15})", re.ASCII)


class Share(float):
    """A part of a whole, from 0 to 1, told as a percentage."""

    SMALLEST = 0.001

    def __str__(self) -> str:
        """Return the percentage to a tenth; what is neither nothing nor all is never told as such."""
        if 0 < self < self.SMALLEST:
            return f"<{self.SMALLEST:.1%}"
        if 1 - self.SMALLEST < self < 1:
            return f">{1 - self.SMALLEST:.1%}"
        return f"{self:.0%}" if self.is_integer() else f"{self:.1%}"


def whole(text: str | None) -> int | None:
    """Return the number from 0 to MOST that a text is in ASCII digits, leading zeros allowed; else None."""
    found = _WHOLE.fullmatch(text or "")
    return int(found[1]) if found else None
