"""Return paths inside other text, such as the header of a returned original.

They stand in Return-Path, Received, List-Unsubscribe, Message-ID or Feedback-ID, bare, wrapped or percent-encoded
(RFC 6068 section 2 wants ``=`` encoded in a mailto).  Work is linear in the length of the text.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from bounced.core.return_path.paths import MAX_LOCAL_PART_BYTES

MAX_TEXT_CHARACTERS = 64 * 1024

_SIGNED = re.compile(r"[a-z2-7]{18}=[a-z0-9-]{0,8}=[a-z0-9#$&'*+=?^_`{}~.-]+=[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII)
_TOKEN = re.compile(r"t([a-z2-7]{26})@([a-z0-9_.-]{1,253})", re.ASCII)


def searchable(text: str) -> str:
    """Return the text in lower case, bounded, with what was percent-encoded once more in plain."""
    lower = text[:MAX_TEXT_CHARACTERS].lower()
    return lower + "\n" + unquote(lower, errors="replace") if "%3d" in lower else lower


def signed_candidates(text: str, prefix: str) -> Iterator[str]:
    """Yield what looks like a signed local part, prefix included, in searchable text."""
    for start in _starts(text, prefix):
        found = _SIGNED.match(text, start + len(prefix), start + MAX_LOCAL_PART_BYTES)
        if found:
            yield prefix + found[0]


def token_candidates(text: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield what looks like a token, and the domain of its address, in searchable text."""
    for start in _starts(text, prefix):
        found = _TOKEN.match(text, start + len(prefix))
        if found:
            yield found[1], found[2]


def _starts(text: str, prefix: str) -> Iterator[int]:
    start = text.find(prefix)
    while start >= 0:
        yield start
        start = text.find(prefix, start + 1)
