"""Encoded octets to text: transfer encodings, charsets, encoded words, HTML."""

import binascii
import html
import re

from bounced.core.limits import MAX_TEXT_BYTES
from bounced.core.reading.message.limits import REFERENCE_UNITS, TAG_UNITS, Work

# Codecs that are no charset (punycode, idna, unicode_escape) can be slow or surprising: only these are asked for.
_CHARSETS = re.compile(
    r"(?:us-ascii|ascii|utf-?8|utf-?16(?:le|be)?|iso-?8859-?\d{1,2}|latin-?\d|(?:windows|cp)-?\d{3,4}|koi8-[rut]|"
    r"iso-2022-(?:jp|kr)(?:-\d)?|shift[_-]jis|s-?jis|euc-(?:jp|kr|cn)|gb2312|gbk|gb18030|big5(?:[-_](?:tw|hkscs))?|ks_c_5601-1987|cp949|mac-?roman|tis-620)\Z",
    re.IGNORECASE,
)
_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]{0,4000})\?=(?:[ \t]++(?==\?))?")
_HIDDEN = re.compile(r"<(style|script|head)\b", re.IGNORECASE | re.ASCII)
_END_OF_HIDDEN = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("style", "script", "head")}
_BREAK = re.compile(
    r"<(?:br|p|/p|div|/div|tr|/tr|li|h[1-6]|/h[1-6]|hr|pre|/pre|blockquote|d[dt])\b[^<>]*+>", re.IGNORECASE
)
_CELL = re.compile(r"</?t[dh]\b[^<>]*+>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*+>")
# No character has a longer number, and Python refuses to read one of more than 4300 digits.
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{8,}+|[xX][0-9a-fA-F]{8,}+);?")
MAX_HIDDEN = 100
MAX_HTML_CHARS = 16 * 1024


def transferred(raw: bytes, encoding: str) -> bytes:
    """Return octets without their transfer encoding.  (RFC 2045 section 6)  What cannot be undone stays."""
    raw = raw[: MAX_TEXT_BYTES * 2]
    if encoding == "quoted-printable":
        return binascii.a2b_qp(raw) if b"=" in raw else raw
    if encoding == "base64":
        return _from_base64(raw)
    return raw


def to_text(octets: bytes, charset: str) -> str:
    """Return octets as text.  An unknown charset, or none, is UTF-8 where that is possible, else Latin-1."""
    octets = octets[:MAX_TEXT_BYTES]
    shifts = b"\x1b" in octets or b"\x0e" in octets
    if octets.isascii() and not shifts and "16" not in charset:  # in all but UTF-16 these mean what they look like
        return octets.decode("ascii")
    if shifts and b"\x1b$" in octets:  # these say US-ASCII, or nothing, and send ISO-2022-JP
        charset = "iso-2022-jp"
    if charset and _CHARSETS.match(charset):
        try:
            return octets.decode(charset)
        except (UnicodeDecodeError, LookupError):
            pass
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def unwrap_words(value: str) -> str:
    """Return text with its encoded words undone.  (RFC 2047)"""
    return _WORD.sub(_word, value) if "=?" in value else value


def from_html(markup: str, work: Work) -> str:
    """Return what a reader of HTML would see, one line for each block.  Raises WorkSpent."""
    work.spend(len(markup) + markup.count("<") * TAG_UNITS + markup.count("&") * REFERENCE_UNITS)
    shown = _BREAK.sub("\n", _without_hidden(markup)[:MAX_HTML_CHARS].replace("\n", " "))
    shown = _CELL.sub(" ", shown)  # what stands in two cells is no one word
    text = html.unescape(_NO_CHARACTER.sub("\ufffd", _TAG.sub("", shown))).replace("\xa0", " ")
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def _without_hidden(markup: str) -> str:
    kept, start = [], 0
    while found := _HIDDEN.search(markup, start):
        kept.append(markup[start : found.start()])
        end = _END_OF_HIDDEN[found[1].lower()].search(markup, found.end())
        if end is None or len(kept) > MAX_HIDDEN:
            return "".join(kept)
        start = end.start()
    return "".join([*kept, markup[start:]])


def _word(found: re.Match[str]) -> str:
    charset, encoding, content = found[1], found[2], found[3].encode("utf-8", "replace")
    octets = _from_base64(content) if encoding in "bB" else binascii.a2b_qp(content, header=True)
    return to_text(octets, charset.partition("*")[0])


def _from_base64(raw: bytes) -> bytes:
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    if len(letters) % 4 == 1:  # six bits are no octet
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
