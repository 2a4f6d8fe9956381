"""qmail-send and its descendants (Yahoo, MessageLabs, GoDaddy, ...): ``<address>:`` and a paragraph about it."""

from bounced.core.reading.notices import layout
from bounced.core.reading.notices.family import Family
from bounced.core.reading.notices.notice import Notice
from bounced.core.terms import PerRecipientFields


def _read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    return layout.recipients(layout.led(notice.words), notice)


QMAIL = Family(
    "qmail",
    r"this is the qmail-send program|\bqmail\b|i('m afraid i)? wasn't able to deliver your message"
    r"|(un|not )able to deliver (your )?message to the following address"
    r"|your mail message to the following address\(es\) could not be delivered",
    _read,
)
