"""Sendmail before it knew RFC 3464, back to version 5: a transcript of the session."""

import re

from bounced.core.reading.notices import layout
from bounced.core.reading.notices.family import Family
from bounced.core.reading.notices.notice import Notice
from bounced.core.terms import PerRecipientFields

_VERDICT = re.compile(
    rf"^[45]\d\d (?:\d\.\d\.\d )?<?(?P<address>{layout.ADDRESS})>?\.\.\. ?(?P<reason>[^\n]*)", re.MULTILINE
)
_TOLD = re.compile(
    rf"^>>> RCPT TO: ?<?(?P<address>{layout.ADDRESS})>?[^\n]*\n<<< (?P<reason>[^\n]*)", re.MULTILINE | re.IGNORECASE
)


_REASON = re.compile(
    rf"^<?(?P<address>{layout.ADDRESS})>?[^\n]*\n(?:[ \t]+[^\n]*\n){{0,2}}?"
    rf"[ \t]+\(reason: (?P<reason>[45]\d\d[^\n]*?)\)?$",
    re.MULTILINE,
)


def _read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Read the lines of Sendmail's own verdict; what the remote server said of the address comes before it."""
    told = {
        found["address"].lower(): found["reason"]
        for pattern in (_REASON, _TOLD)
        for found in pattern.finditer(notice.words)
    }
    found = [
        layout.Named(match["address"], told.get(match["address"].lower(), match[0]))
        for match in _VERDICT.finditer(notice.words)
    ]
    return layout.recipients(found or layout.led(notice.words), notice)


SENDMAIL = Family(
    "sendmail",
    r"-- ?transcript of session follows|the following addresses had (permanent|delivery|transient|fatal)",
    _read,
)
