"""qmail-send and its descendants: ``<address>:`` and a paragraph about it."""

import re

from bounced.core.notices import layout
from bounced.core.notices.family import Family
from bounced.core.notices.notice import Notice
from bounced.core.terms import PerRecipientFields

_MARK = re.compile(
    r"this is the qmail-send program|i wasn't able to deliver your message|\bqmail\b"
    r"|unable to deliver message to the following address|unable to deliver your message to the following address"
    r"|your mail message to the following address\(es\) could not be delivered"
    r"|we were not able to deliver your message|i was not able to deliver your message",
    re.IGNORECASE,
)


def _read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    return layout.recipients(layout.led(notice.words), notice.words, notice.senders)


QMAIL = Family("qmail", _MARK, _read)
