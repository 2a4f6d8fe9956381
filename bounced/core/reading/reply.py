"""Find an SMTP reply in a text, and split it into reply code, enhanced status code and words."""

import re
from typing import NamedTuple

from bounced.core.limits import MAX_REPLY_CHARS

ADDRESS = "@"
"""What ``neutral`` puts in the place of a mail address."""
HOST = "~"
"""What ``neutral`` puts in the place of a host name, an IP address or a URL."""

# What must not stand before is looked at behind the first digit: Python's engine skips to a first character alone.
_ENHANCED = re.compile(r"(?P<status>[245](?<![\d.].)\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_LEADING = re.compile(r"[^\w(]{0,3}(?P<code>[245]\d\d)(?=[\s:;,\-]|$)[:;,\-]?\s*")
_QUOTED_CODE = re.compile(
    r"(?<![\w.\-])(?P<code>[245]\d\d)(?=-['\"]|[ -]#?[245]\.\d)"
    r"|(?:[:;,\"'(\[<]|\bcode\b)[ :]{0,4}(?P<marked>[245]\d\d)(?=[ ,\-][ ,]*['\"<]?[A-Za-z])",
    re.IGNORECASE,
)
_EXPIRED_WITH_REASON = re.compile(r"[<(\[](?P<reply>[45]\d\d [245]\.\d{1,3}\.\d{1,3} [^<>]*)[>)\]]\s*$")
_INTRODUCED = re.compile(
    r"(?:\bsaid:|\bsmtp;|<<<|\breturned(?: was)?:?|\bresponse was:?|\bresponded with(?: failure)?:?|\berror message:?)"
    r"\s*(?P<reply>['\"\[<]?\s*[245]\d\d[\s\-:].*)",
    re.IGNORECASE | re.DOTALL,
)
_INTRODUCTIONS = ("said:", "smtp;", "<<<", "returned", "respon", "error message")
_WRAPPED = re.compile(r"5\.\d{1,3}\.\d{1,3} - [A-Za-z ,()]+ (?P<reply>[45]\d\d-['\"].*)", re.DOTALL)
# It begins with the characters that may stand before a reply, so that the others are skipped over.
_REPLY_IN_TEXT = re.compile(
    r"[\n:;'\"\[(<>](?:(?<=\n)[ \t>]*(?:<<<[ \t]*)?| |(?<!>))(?P<reply>[45]\d\d(?:[ \-]|: )[ \t]*\S[^\n]*)"
)
_DIALOGUE = re.compile(r"<<<[ \t]*(?P<reply>[45]\d\d[ \-][^\n]*)")

# What notices write below a reply, in its paragraph.
_NEXT_FIELD = re.compile(
    r"\n[ \t]*+(?:remote[ -](?:system|mta|host)|(?:reporting|received-from)-mta|(?:final|original)-recipient"
    r"|action|status|last-attempt-date|message-id|subject|from|to|date):",
    re.IGNORECASE,
)
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_ADDRESS = re.compile(
    r"(?<![^\s<>()\[\]{},;:'\"|@])[^\s<>()\[\]{},;:'\"|@]+@(?:\[[^\]\s]*\]?|[\w\-.]*[\w\-]|(?=[>)\]]))"
)
_URL = re.compile(r"((?:https?://|www\.)[^\s<>'\")\]]*)", re.IGNORECASE)
_HOST = re.compile(
    r"(?<![\w.\-])((?:[\w\-]++\.)+(?:[a-z][a-z0-9\-]*[a-z]|[A-Z][A-Z0-9\-]*[A-Z])(?!\.?[\w\-])"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)|(?:[0-9a-fA-F]{0,4}:){3,}[0-9a-fA-F:.]*)"
)


class Reply(NamedTuple):
    """An SMTP reply: ``code`` such as 550, ``status`` such as 5.1.1 (None where missing), ``text`` on one line.

    (RFC 5321 section 4.2, RFC 3463)
    """

    code: str | None
    status: str | None
    text: str


def split(line: str) -> Reply:
    """Split a reply on one line, such as a Diagnostic-Code's, into its parts.

    The reply of the last server counts where one server quotes another, and marks of continuation
    (``550-5.1.1``) are taken out of the words.
    """
    whole = line[:MAX_REPLY_CHARS].strip()
    wrapped = _WRAPPED.match(whole)
    line = wrapped["reply"] if wrapped else _innermost(whole)
    leading = _LEADING.match(line)
    if leading:
        code, rest = leading["code"], _without_continuation(line[leading.end() :], leading["code"])
    else:
        quoted = _QUOTED_CODE.search(line)
        code, rest = quoted["code"] or quoted["marked"] if quoted else None, line
    enhanced = (None if wrapped else _ENHANCED.search(rest)) or _ENHANCED.search(whole)
    return Reply(code, enhanced["status"] if enhanced else None, " ".join(rest.split()))


def find(text: str) -> str | None:
    """Return the reply that a notice quotes in its own words, on one line; None where it quotes none.

    What a server said in a transcript (``<<<``) comes before what the reporting MTA made of it.
    """
    if "4" not in text and "5" not in text:
        return None
    text = f"\n{text}"
    found = _DIALOGUE.search(text) or _REPLY_IN_TEXT.search(text)
    if not found:
        return None
    paragraph = text[found.start("reply") : found.start("reply") + MAX_REPLY_CHARS].replace("\r", "")
    words = _NEXT_FIELD.split(paragraph.partition("\n\n")[0], maxsplit=1)[0]
    return " ".join(words.replace("<<<", " ").split())


def status_in(text: str) -> str | None:
    """Return the first enhanced status code in a text.  (RFC 3463)"""
    found = _ENHANCED.search(text)
    return found["status"] if found else None


class Neutral(NamedTuple):
    """A text without names, and the host names and links that were taken out, with spaces between them."""

    text: str
    names: str


def neutral(text: str) -> Neutral:
    """Take addresses, host names, IP addresses and URLs out of ``text``, so that no name is read as a reason.

    ``mailspamprotection.example`` does not say spam.  An address becomes ``@``, all others ``~``.  Paragraphs become
    sentences of one line, ended by a semicolon.
    """
    names: list[str] = []
    if "\n" in text:
        text = _PARAGRAPH.sub(" ; ", text)
    words = [
        _neutral_word(word, names)
        if not word.isalpha() and ("." in word[:-1] or "@" in word or ":" in word[:-1])
        else word
        for word in text.split()
    ]
    return Neutral(" ".join(words), " ".join(names))


def _neutral_word(word: str, names: list[str]) -> str:
    if _ENHANCED.fullmatch(word):
        return word
    if "@" in word:
        word = _ADDRESS.sub(ADDRESS, word)
    if "://" in word or word[:4].lower() == "www.":
        word = _without(_URL, word, names)
    return _without(_HOST, word, names) if "." in word or ":" in word else word


def _without(pattern: re.Pattern[str], word: str, names: list[str]) -> str:
    """Take what a pattern finds out of a word; the pattern is one group, so that every second piece is a name."""
    pieces = pattern.split(word)
    names += pieces[1::2]
    return HOST.join(pieces[::2])


def _innermost(line: str) -> str:
    if line[-1:] in (">", ")", "]") and (inner := _EXPIRED_WITH_REASON.search(line)):
        return inner["reply"]
    while (start := _introduction(line)) is not None and (quoted := _INTRODUCED.search(line, start)):
        line = quoted["reply"].lstrip("'\"[< ")
    return line


def _introduction(line: str) -> int | None:
    """Return where to begin to look for the words that introduce a reply; None where there are none."""
    lowered = line.lower()
    found = [lowered.find(word) for word in _INTRODUCTIONS if word in lowered]
    if not found:
        return None
    return min(found) if len(lowered) == len(line) else 0


def _without_continuation(rest: str, code: str) -> str:
    """Take ``550-5.7.1`` and a last ``550 5.7.1`` out of the words that they interrupt."""
    if code not in rest:
        return rest
    enhanced = _ENHANCED.search(rest)
    status = rf"(?:[ \-]*{re.escape(enhanced['status'])})?" if enhanced else ""
    cleaned = re.sub(rf"{code[0]}(?<!\S.){code[1:]}(?:-|\s|$){status}", " ", rest)
    return f"{enhanced['status']} {cleaned}" if enhanced and enhanced["status"] not in cleaned else cleaned
