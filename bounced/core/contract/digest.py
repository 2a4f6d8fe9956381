"""Telling one report from another: the digest under which it is counted."""

import re
from hashlib import sha256

from bounced.core.limits import MAX_HEADER_BYTES
from bounced.core.terms import Kind

_TRACE = re.compile(
    rb"^(?:received|return-path|delivered-to|x-original-to|envelope-to|authentication-results|arc-[a-z-]+):"
    rb"[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.IGNORECASE | re.MULTILINE,
)
_END_OF_HEADER = re.compile(rb"\n\r?\n")


def report_digest(path: str, kind: Kind, message_id: str | None, content: bytes) -> str:
    """Return the SHA-256 of PATH and the notice's kind and Message-ID, or its content without trace fields, in hex.

    (docs/contract.md, section 1.)  A resend of the same notice has the same digest, whichever way it took.  The kind
    tells a failure from the warning before it: some MTAs make the Message-ID of both from the message's queue id.
    """
    identity = (
        f"{kind} {message_id}".encode("utf-8", "surrogateescape") if message_id else without_trace_fields(content)
    )
    return sha256(path.encode() + b"\0" + identity).hexdigest()


def without_trace_fields(content: bytes) -> bytes:
    """Return a message without what each relay adds to its header.  (RFC 5321 section 4.4, RFC 8601, RFC 8617)"""
    end = _END_OF_HEADER.search(content)
    header = content[: end.start() + 1 - content.endswith(b"\r", 0, end.start())] if end else content
    header = header[:MAX_HEADER_BYTES]
    return _TRACE.sub(b"", header) + content[len(header) :]
