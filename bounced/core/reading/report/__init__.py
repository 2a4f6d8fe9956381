"""A message to what it reports, whoever wrote it: the standard formats first, then notices, then the last resort."""

from bounced.core.reading.border import attempt
from bounced.core.reading.message import read
from bounced.core.reading.message.limits import MAX_WORK, Work
from bounced.core.reading.notices.notice import addresses
from bounced.core.reading.report import amazon, automatic, delivery, feedback, noticed
from bounced.core.reading.report.origin import ReversePath
from bounced.core.terms import Kind, Report


def parse(content: bytes, *, work: int = MAX_WORK, reverse_path: str | None = None) -> Report:
    """Return what a message reports; what nobody understands is ``other``.

    ``reverse_path`` is the envelope's: empty for the null one, None where nobody knows it.  What looks like a notice,
    and by this path is not proven to be a mail system's, is ``unproven``.
    Whatever comes, this raises nothing: what cannot be read, or not with so many units of ``work``, is a bounce that
    gives no reason.
    """
    return attempt(lambda: _parse(content, work, ReversePath.of(reverse_path)), unread)


def unread(fault: Exception) -> Report:
    """Return the report of a message that could not be read: a bounce that says nothing, not even who wrote it."""
    return Report(kind=Kind.BOUNCE, reader="unread", fault=fault)


def _parse(content: bytes, work: int, path: ReversePath) -> Report:
    message = read(content, Work(work))
    report = (
        delivery.from_part(message, path)
        or feedback.read(message)
        or automatic.receipt(message)
        or amazon.read(message)
        or noticed.read(message, path)
    )
    if report is None:
        return Report(kind=Kind.OTHER, reader="none", message_id=message.header.get("message-id") or None)
    return report._replace(sent_to=tuple(addresses(message.header.get("to"))))
