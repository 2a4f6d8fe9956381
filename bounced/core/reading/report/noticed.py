"""Messages without a status part of their own: notices that follow no standard, and what only looks like one."""

from bounced.core.limits import MAX_NOTICE_CHARS
from bounced.core.reading.message import Header, Message
from bounced.core.reading.notices import FAMILIES, finality, generic, layout
from bounced.core.reading.notices.notice import Notice, from_message
from bounced.core.reading.notices.phrases import ANNOUNCEMENTS_OF_FAILURE, Success, success
from bounced.core.reading.report import automatic, delivery, origin
from bounced.core.reading.report.members import with_members
from bounced.core.reading.report.origin import ReversePath, Signs
from bounced.core.reading.report.status import address
from bounced.core.terms import Action, Kind, PerRecipientFields, Report

_SUCCESSES = {Success.DELIVERED: Action.DELIVERED, Success.RELAYED: Action.RELAYED}
_KINDS = {Action.DELAYED: Kind.DELAYED, Action.DELIVERED: Kind.DELIVERED, Action.RELAYED: Kind.RELAYED}


def read(message: Message, path: ReversePath) -> Report | None:
    """Return what a message says; None for one that is no report.

    It is a notice of failure only where something proves that a mail system wrote it.  An automatic answer may quote a
    bounce, with a null reverse path even: it is an answer unless a mail system wrote it.
    """
    notice = from_message(message)
    signs = Signs(message, notice)
    if found := automatic.answer(message, signs):
        return found
    if signs.prove(path):
        return _notice(message, notice._replace(action=_action(notice, signs)))
    if signs.author or signs.phrase:
        return _unproven(message, signs)
    return automatic.submitted(message) or (_unproven(message, signs) if signs.attached else None)


def _notice(message: Message, notice: Notice) -> Report:
    """Return what a notice says: its fields, wherever they stand, else its words by the layout of its family."""
    if origin.is_rejection(message):
        return _report(message, notice, "sieve", _rejected(message, notice))
    if report := delivery.wrapped(message) or delivery.from_text(message):
        return report
    asked = set()  # most families share one layout, and a notice may bear the marks of many
    for family in FAMILIES.of(notice):
        if family.read not in asked:
            asked.add(family.read)
            notice.spend()
            if recipients := family.read(notice):
                return _report(message, notice, family.name, recipients)
    notice.spend()
    return _report(message, notice, "notice", () if generic.read in asked else generic.read(notice))


def _rejected(message: Message, notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Return whose mailbox refused a message: the fields say it, whomever the words tell to write to."""
    part = message.first(*origin.DISPOSITIONS)
    fields = Header(part.readable(message.work).strip()) if part else Header("")
    named = address(fields.get("final-recipient")) or address(fields.get("original-recipient"))
    return layout.recipients([layout.Named(named)], notice, certain=True) if named else generic.read(notice)


def _action(notice: Notice, signs: Signs) -> Action:
    """Return what a notice's words say was done.

    Mail systems report by words that all went well, too; then nothing comes back.
    """
    action = finality.action(notice.subject, notice.words)
    if notice.brings_back or action is not Action.FAILED:
        return action
    succeeded = success(signs.words)
    return _SUCCESSES[succeeded] if succeeded and not ANNOUNCEMENTS_OF_FAILURE.matching(signs.words) else action


def _report(message: Message, notice: Notice, reader: str, recipients: tuple[PerRecipientFields, ...]) -> Report:
    return Report(
        kind=_KINDS.get(notice.action, Kind.BOUNCE),
        reader=reader,
        recipients=tuple(with_members(recipients, message)),
        message_id=message.header.get("message-id") or None,
        text=notice.words[:MAX_NOTICE_CHARS],
        returned_header=notice.returned,
    )


def _unproven(message: Message, signs: Signs) -> Report:
    """Return what may be a notice: nothing of its words, which a person may have written."""
    return Report(
        kind=Kind.UNPROVEN,
        reader="unproven",
        message_id=message.header.get("message-id") or None,
        signs=signs.names(),
    )
