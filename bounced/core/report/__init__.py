"""A message to what it reports, whoever wrote it: the standard formats first, then notices, then the last resort."""

from bounced.core.message import read
from bounced.core.notices.notice import addresses
from bounced.core.report import amazon, delivery, feedback, noticed, replies
from bounced.core.terms import Kind, Report

_READERS = (
    delivery.from_part,
    feedback.read,
    replies.receipt,
    amazon.read,
    delivery.wrapped,
    delivery.from_text,
    noticed.read,
)


def parse(content: bytes) -> Report:
    """Return what a message reports.  Whatever comes, this raises nothing; what nobody understands is ``other``."""
    message = read(content)
    for reader in _READERS:
        if report := reader(message):
            return report._replace(sent_to=tuple(addresses(message.header.get("to"))))
    return _other(message.header.get("message-id"))


def _other(message_id: str) -> Report:
    return Report(kind=Kind.OTHER, reader="none", message_id=message_id or None)
