"""Whole numbers that somebody else wrote, read without trust: all digits or none, and bounded."""

import re
from collections.abc import Mapping

from bounced.core.escape import visible

MOST = 10**15 - 1
"""What Lua, JSON and every database count exactly."""

_WHOLE = re.compile(r"0*([0-9]{1,15})", re.ASCII)


def whole(text: str | None) -> int | None:
    """Return the number from 0 to MOST that a text is in ASCII digits, leading zeros allowed; else None."""
    found = _WHOLE.fullmatch(text or "")
    return int(found[1]) if found else None


def counters_of(fields: Mapping[str, str]) -> dict[str, int]:
    """Return the counters of an hour's hash; a field that holds no count is left out, like those of bookkeeping."""
    return {
        visible(name): count
        for name, text in fields.items()
        if not name.startswith(BOOKKEEPING) and (count := whole(text)) is not None
    }


BOOKKEEPING = "~fields:"
"""How the fields begin that tell how much room of an hour's hash is taken."""
