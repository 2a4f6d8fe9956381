"""Telling one report from another: the digest under which it is counted.

The same notice comes with CRLF by SMTP and with LF from a Maildir, so the digest is over content with LF line ends.  A
door keeps the first 1 MiB as it came, and of a longer notice that holds fewer lines with CRLF than with LF.  Therefore
only so much of a notice counts as both forms always hold: each CR LF pair takes two octets for one, so the first 1 MiB
holds half of it at least, less the trace fields that only one of the two may have.
"""

import re
from hashlib import sha256

from bounced.core.limits import MAX_CONTENT_BYTES, MAX_HEADER_BYTES
from bounced.core.terms import Class, Kind

COUNTED_BYTES = MAX_CONTENT_BYTES // 2 - MAX_HEADER_BYTES
"""Whoever changes this changes the digests of long notices: the former ones then belong to ``older_digests``."""
_CUT_BY_0_1_0 = 1024 * 1024

_SAYS_MOST_FIRST = (Class.HARD, Class.SOFT, Class.TRANSIENT, Class.BLOCK, Class.UNDETERMINED)
"""How much a bounce says: what was cut off on its way is understood as one of those further behind, or not at all."""

_TRACE = re.compile(
    rb"^(?:received|return-path|delivered-to|x-original-to|envelope-to|authentication-results|arc-[a-z-]+):"
    rb"[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.IGNORECASE | re.MULTILINE,
)
_END_OF_HEADER = re.compile(rb"\n\r?\n")


def report_digests(
    path: str, kind: Kind, class_: Class | None, message_id: str | None, content: bytes
) -> tuple[str, ...]:
    """Return the digest under which a report is counted, then those under which it may have been counted before.

    ``class_`` is None where the report belongs to nobody, or is not proven.
    """
    return (
        report_digest(path, kind, message_id, content, class_),
        *fuller_digests(path, kind, message_id, class_),
        *older_digests(path, kind, message_id, content),
    )


def report_digest(path: str, kind: Kind, message_id: str | None, content: bytes, class_: Class | None = None) -> str:
    """Return the SHA-256 of PATH and the notice's kind, class and Message-ID, or its content without trace fields.

    (docs/contract.md, section 1.)  In hex.  A resend of the same notice has the same digest, whichever way it took.
    The kind tells a failure from the warning before it: some MTAs make the Message-ID of both from the message's queue
    id.  The class of a bounce tells a whole notice from a copy that a broken connection cut off.
    """
    if message_id:
        if kind is Kind.BOUNCE:
            return _digest_of_words(path, kind, class_ if class_ in _SAYS_MOST_FIRST else Class.NONE, message_id)
        return _digest_of_words(path, kind, message_id)
    return _digest(path, without_trace_fields(content.replace(b"\r\n", b"\n"))[:COUNTED_BYTES])


def fuller_digests(path: str, kind: Kind, message_id: str | None, class_: Class | None) -> tuple[str, ...]:
    """Return the digests of the copies of a bounce that say more than one of this class, none without a Message-ID.

    Where such a copy was counted, this one adds nothing.
    """
    if kind is not Kind.BOUNCE or not message_id:
        return ()
    further = _SAYS_MOST_FIRST.index(class_) if class_ in _SAYS_MOST_FIRST else len(_SAYS_MOST_FIRST)
    return tuple(report_digest(path, kind, message_id, b"", more) for more in _SAYS_MOST_FIRST[:further])


def event_digest(id_: str, type_: str, address_id: str) -> str:
    """Return the SHA-256 of what an event is called where it happened, of its type and of whom it is about, in hex."""
    return sha256(f"{type_}\0{address_id}\0{id_}".encode("utf-8", "surrogateescape")).hexdigest()


def older_digests(path: str, kind: Kind, message_id: str | None, content: bytes) -> tuple[str, ...]:
    """Return the digests under which version 0.1.0 may have counted the same notice, where they differ.

    That version knew no class.  Without a Message-ID it took the content as it came: by SMTP with CRLF and the first
    1 MiB of it, or otherwise with LF.
    """
    if message_id:
        return (_digest_of_words(path, kind, message_id),) if kind is Kind.BOUNCE else ()
    over_smtp = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")[:_CUT_BY_0_1_0]
    forms = dict.fromkeys((content, over_smtp))
    return tuple(_digest(path, without_trace_fields(form)) for form in forms)


def without_trace_fields(content: bytes) -> bytes:
    """Return a message without what each relay adds to its header.  (RFC 5321 section 4.4, RFC 8601, RFC 8617)"""
    end = _END_OF_HEADER.search(content)
    header = content[: end.start() + 1 - content.endswith(b"\r", 0, end.start())] if end else content
    header = header[:MAX_HEADER_BYTES]
    return _TRACE.sub(b"", header) + content[len(header) :]


def _digest_of_words(path: str, *words: str) -> str:
    return _digest(path, " ".join(words).encode("utf-8", "surrogateescape"))


def _digest(path: str, identity: bytes) -> str:
    return sha256(path.encode() + b"\0" + identity).hexdigest()
