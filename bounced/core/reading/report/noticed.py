"""Notices that follow no standard, as reports."""

from bounced.core.limits import MAX_NOTICE_CHARS
from bounced.core.reading.message import Message
from bounced.core.reading.notices import FAMILIES, generic
from bounced.core.reading.notices.notice import Notice, from_message
from bounced.core.reading.notices.phrases import CONVERSATIONS
from bounced.core.reading.report import automatic
from bounced.core.reading.report.members import with_members
from bounced.core.terms import Action, Kind, PerRecipientFields, Report

ENOUGH = 2
"""So many of author, subject, words and returned message must speak of a bounce where no family is recognised."""


def read(message: Message) -> Report | None:
    """Return what a notice says; None for a message that is none.

    An automatic answer may quote a bounce, with a null sender even: it is an answer unless a mail system wrote it.  So
    may people who answer a bounce or hand one on.
    """
    notice = from_message(message)
    if not generic.by_mail_system(notice):
        if answer := automatic.read(message):
            return answer
        if CONVERSATIONS.matching(notice.subject) and not notice.anonymous:
            return None
    asked = set()  # most families share one layout, and a notice may bear the marks of many
    for family in FAMILIES.of(notice):
        if family.read not in asked:
            asked.add(family.read)
            notice.spend()
            if recipients := family.read(notice):
                return _report(message, notice, family.name, recipients)
    if generic.certainty(notice) >= ENOUGH:
        notice.spend()
        return _report(message, notice, "notice", () if generic.read in asked else generic.read(notice))
    return automatic.automatic(message)


def _report(message: Message, notice: Notice, reader: str, recipients: tuple[PerRecipientFields, ...]) -> Report:
    return Report(
        kind=Kind.DELAYED if notice.action is Action.DELAYED else Kind.BOUNCE,
        reader=reader,
        recipients=tuple(with_members(recipients, message)),
        message_id=message.header.get("message-id") or None,
        text=notice.words[:MAX_NOTICE_CHARS],
        returned_header=notice.returned,
    )
