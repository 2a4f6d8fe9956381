"""Return paths inside other text, such as the header of a returned original.

They stand in Original-Mail-From, Return-Path, Received, List-Unsubscribe, Message-ID or Feedback-ID: bare, wrapped,
percent-encoded (RFC 6068 section 2 wants ``=`` encoded in a mailto), in encoded words (RFC 2047), or folded over two
lines.  The work is linear in the length of the text.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from bounced.core.reading.message import unfold, unwrap_words
from bounced.core.return_path.paths import MAX_LOCAL_PART_BYTES

MAX_TEXT_CHARACTERS = 96 * 1024
MAX_ENCODINGS = 2
"""How often percent-encoding is undone: a redirection encodes again the link that it carries."""

# A signed local part after its prefix, as `signed` gives its grammar.  It is verified later, so this may be looser.
_SIGNED = re.compile(r"[a-z2-7]{18}=[a-z0-9-]{0,8}=[a-z0-9#$&'*+=?^_`{}~.-]+=[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII)
# Folding white space.  (RFC 5322 section 3.2.2; the CR is gone already)
_FOLD = re.compile(r"\n[ \t]++")
# A token after its prefix, "@", and the domain of its return path.
_TOKEN = re.compile(r"t([a-z2-7]{26})@([a-z0-9_.-]{1,253})", re.ASCII)


def searchable(text: str) -> str:
    """Return the text in lower case, cut, and behind it the same text with encodings and folds undone."""
    text = text[:MAX_TEXT_CHARACTERS].replace("\r", "")
    forms = [text]
    if "=?" in text:
        forms.append(unwrap_words(unfold(text)))
    if "\n " in text or "\n\t" in text:
        forms.append(_FOLD.sub("", text))
    forms = ["\n".join(forms).lower()]
    for _ in range(MAX_ENCODINGS):
        if "%" in forms[-1] and (decoded := unquote(forms[-1], errors="replace")) != forms[-1]:
            forms.append(decoded)
    return "\n".join(forms)


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
