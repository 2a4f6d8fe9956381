"""A message to what it reports, whoever wrote it: the standard formats first, then notices, then the last resort."""

from bounced.core.reading.border import attempt
from bounced.core.reading.message import read
from bounced.core.reading.message.limits import MAX_WORK, Work
from bounced.core.reading.notices.notice import addresses
from bounced.core.reading.report import amazon, automatic, delivery, feedback, noticed
from bounced.core.terms import Kind, Report

_READERS = (
    delivery.from_part,
    feedback.read,
    automatic.receipt,
    amazon.read,
    delivery.wrapped,
    delivery.from_text,
    noticed.read,
)


def parse(content: bytes, *, work: int = MAX_WORK) -> Report:
    """Return what a message reports; what nobody understands is ``other``.

    Whatever comes, this raises nothing: what cannot be read, or not with so many units of ``work``, is a bounce that
    gives no reason.
    """
    return attempt(lambda: _parse(content, work), unread)


def unread(fault: Exception) -> Report:
    """Return the report of a message that could not be read: a bounce that says nothing, not even who wrote it."""
    return Report(kind=Kind.BOUNCE, reader="unread", fault=fault)


def _parse(content: bytes, work: int) -> Report:
    message = read(content, Work(work))
    for reader in _READERS:
        if report := reader(message):
            return report._replace(sent_to=tuple(addresses(message.header.get("to"))))
    return _other(message.header.get("message-id"))


def _other(message_id: str) -> Report:
    return Report(kind=Kind.OTHER, reader="none", message_id=message_id or None)
