"""A message as a flat list of its leaf parts, cut at every limit, in linear time."""

import re
from typing import NamedTuple

from bounced.core.limits import MAX_CONTENT_BYTES, MAX_HEADER_BYTES, MAX_TEXT_BYTES
from bounced.core.reading.message.header import Header, as_text, of_part
from bounced.core.reading.message.limits import DECODED_OCTETS_A_UNIT, MAX_DEPTH, MAX_PARTS, SPLIT_OCTETS_A_UNIT, Work
from bounced.core.reading.message.text import from_html, to_text, transferred

_GUESSED_BOUNDARY = re.compile(rb"\n--(\S[^\n]{0,98})\n(?=Content-)", re.IGNORECASE)
_FIELD_BEGINS = re.compile(rb"[^:\n]*+:")
_STATUS_FIELD = re.compile(
    rb"^[ \t]*(?:reporting-mta|(?:original|final)-recipient|action|status|arrival-date)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
MAX_DELIMITERS = 500
MAX_PADDING = 200
GREETING_CHARS = 20
"""Less text than this is no explanation: the next part may hold it."""
RETURNED_TYPES = frozenset(
    {
        "message/rfc822",
        "message/global",
        "message/rfc822-headers",
        "message/global-headers",
        "message/partial",
        "text/rfc822-headers",
        "text/rfc822-header",
        "text/rfc822",
    }
)


class Part(NamedTuple):
    """A leaf: its header, its media type in lower case, and its octets as they came."""

    header: Header
    content_type: str
    raw: bytes

    @property
    def octets(self) -> bytes:
        """The content without its transfer encoding."""
        encoding = self.header.encoding
        return transferred(self.raw, encoding) if encoding else self.raw

    @property
    def text(self) -> str:
        """The content as text; HTML as a reader sees it."""
        return self.readable(Work())

    def readable(self, work: Work) -> str:
        """Return the content as text, HTML as a reader sees it.  Raises WorkSpent."""
        work.spend(len(self.raw[:MAX_TEXT_BYTES]) // DECODED_OCTETS_A_UNIT)
        text = to_text(self.octets, self.header.charset).replace("\r", "")
        return from_html(text, work) if self.content_type == "text/html" else text


class Message(NamedTuple):
    """A message's own header and its leaves, depth first.  A message without MIME has one leaf, text/plain.

    ``words`` is the explanatory text: plain text where there is any, else HTML, before any returned part.  ``work`` is
    what those who read it further may still spend.
    """

    header: Header
    parts: tuple[Part, ...]
    words: str
    work: Work

    @property
    def returned_header(self) -> str:
        """The header of the message that came back in a part of its own, as it stands."""
        for part in self.parts:
            if part.content_type in RETURNED_TYPES:
                return header_of(part.octets)
        return ""

    def first(self, *content_types: str) -> Part | None:
        """Return the first leaf of one of these media types."""
        for part in self.parts:
            if part.content_type in content_types:
                return part
        return None


def read(content: bytes, work: Work | None = None) -> Message:
    """Return a bounded view of a message.  Line ends may be CRLF or LF.  Raises WorkSpent, and nothing else."""
    work = work or Work()
    content = content[:MAX_CONTENT_BYTES].replace(b"\r", b"").lstrip(b" \t\n")
    if content.startswith(b"From "):  # a line that mbox put there
        content = content.partition(b"\n")[2]
    block, body = _divide(content)
    header = Header(as_text(block))
    parts: list[Part] = []
    _collect(header, body, parts, work)
    return Message(header, tuple(parts), _words(parts, work), work)


def header_of(content: bytes) -> str:
    """Return the header of a message as it stands."""
    return as_text(_divide(content.lstrip(b"\n"))[0])


def _divide(content: bytes) -> tuple[bytes, bytes]:
    if content[:1] == b"\n":
        return b"", content[1:]
    block, _, body = content.partition(b"\n\n")
    return (block, body) if _FIELD_BEGINS.match(block) else (b"", content)


def _collect(header: Header, body: bytes, parts: list[Part], work: Work, depth: int = 0) -> None:
    content_type = header.content_type or "text/plain"
    if depth < MAX_DEPTH and (content_type.startswith("multipart/") or (depth == 0 and _hides_parts(header, body))):
        work.spend(len(body) // SPLIT_OCTETS_A_UNIT)
        for piece in _pieces(header, body):
            if len(parts) >= MAX_PARTS:
                return
            block, inner = _divide(piece)
            _collect(of_part(block), inner, parts, work, depth + 1)
        if parts:
            return
    parts.append(Part(header, content_type, body))


def _words(parts: list[Part], work: Work) -> str:
    found = {"text/plain": "", "text/html": ""}
    for part in parts:
        content_type = part.content_type
        if content_type in RETURNED_TYPES:
            break
        if content_type not in found and _is_mislabelled(part):
            content_type = "text/plain"
        if content_type in found and len(found[content_type]) < GREETING_CHARS:
            found[content_type] += part.readable(work).strip("\n")
            if len(found["text/plain"]) >= GREETING_CHARS:
                break
    text = found["text/plain"]
    return text if text.strip() else found["text/html"]


def _is_mislabelled(part: Part) -> bool:
    """Tell a multipart whose boundary is nowhere to be found, and a text under the type of status fields."""
    if part.content_type.startswith("multipart/"):
        return True
    return part.content_type.endswith("delivery-status") and not _STATUS_FIELD.search(part.raw)


def _hides_parts(header: Header, body: bytes) -> bool:
    """Tell a multipart whose Content-Type was lost on the way."""
    return not header.content_type and b"MIME" in body[:200] and "content-type" not in header


def _pieces(header: Header, body: bytes) -> list[bytes]:
    boundary = header.boundary.encode("utf-8", "replace")
    found = _split(body, boundary) if boundary else []
    if found:
        return found
    guessed = _GUESSED_BOUNDARY.search(b"\n" + body[:MAX_HEADER_BYTES])
    return _split(body, guessed[1].rstrip()) if guessed else []


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """Return what stands between delimiter lines.  (RFC 2046 section 5.1.1)"""
    delimiter = b"\n--" + boundary
    _, *chunks = (b"\n" + body).split(delimiter, MAX_DELIMITERS)
    if chunks and b"\n" not in chunks[-1] and not chunks[-1].strip():  # cut off: nothing follows the last delimiter
        chunks.pop()
    pieces: list[list[bytes]] = []
    for chunk in chunks:
        if chunk.startswith(b"\n"):
            pieces.append([chunk[1:]])
            continue
        padding, _, content = chunk.partition(b"\n")
        if padding.startswith(b"--"):
            break
        if not padding[:MAX_PADDING].strip():
            pieces.append([content])
        elif pieces:  # a line that only begins like the delimiter: that of a nested multipart
            pieces[-1] += (delimiter, chunk)
    return [b"".join(piece) for piece in pieces]
