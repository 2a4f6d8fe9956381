"""Exim, and those that borrowed its words: an indented address, and what happened below it, indented further."""

import re

from bounced.core.notices import layout
from bounced.core.notices.family import Family
from bounced.core.notices.notice import Notice, addresses
from bounced.core.terms import PerRecipientFields

_MARK = re.compile(
    r"this message was created automatically by (?:the )?(?:mail delivery (?:software|system)|mail server)"
    r"|contained one or more recipient addresses that were\s+incorrectly constructed"
    r"|a message that you sent (?:has not yet been|could not be) delivered",
    re.IGNORECASE,
)
_MALFORMED = re.compile(rf"malformed address: *<?(?P<address>{layout.ADDRESS})>?", re.IGNORECASE)


def _read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    malformed = layout.named(notice.words, _MALFORMED)
    if malformed:
        return tuple(layout.about(item.address, notice.words) for item in malformed)
    found = layout.led(notice.words)
    failed = addresses(notice.header.get("x-failed-recipients"))
    if failed:
        reasons = {item.address.lower(): item.reason for item in reversed(found)}
        found = [layout.Named(address, reasons.get(address.lower(), "")) for address in failed]
    return layout.recipients(found, notice.words, frozenset() if failed else notice.senders)


EXIM = Family("exim", _MARK, _read)
