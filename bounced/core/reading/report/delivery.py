"""Delivery status notifications, wherever in a message their fields stand.  (RFC 3464, RFC 6533)"""

import re
from collections.abc import Iterable, Mapping, Sequence

from bounced.core.limits import MAX_HEADER_BYTES, MAX_NOTICE_CHARS, MAX_STATUS_CHARS
from bounced.core.reading.message import Message, read
from bounced.core.reading.notices import finality, generic, layout
from bounced.core.reading.notices.notice import Notice, divided, from_message
from bounced.core.reading.notices.ours import phrases_of, without_ours, without_quoted
from bounced.core.reading.report import origin, status
from bounced.core.reading.report.members import with_members
from bounced.core.reading.report.origin import ReversePath
from bounced.core.terms import Action, Kind, PerRecipientFields, Report

_TYPES = ("message/delivery-status", "message/global-delivery-status")
_FIELDS = re.compile(r"^[ \t>]*+(?:reporting-mta|original-recipient|final-recipient):", re.IGNORECASE | re.MULTILINE)
_MEANINGFUL = frozenset({"action", "status", "diagnostic-code", "x-supplementary-info"})
_BEGINNING_BYTES = 40
_X400 = "IMCEA"
"""So begins Exchange's name for a mailbox that has no address here."""
_KINDS = (
    (Action.FAILED, Kind.BOUNCE),
    (Action.DELAYED, Kind.DELAYED),
    (Action.DELIVERED, Kind.DELIVERED),
    (Action.RELAYED, Kind.RELAYED),
    (Action.EXPANDED, Kind.EXPANDED),
)


def from_part(message: Message, path: ReversePath = ReversePath.UNKNOWN) -> Report | None:
    """Return what the status part of a message says.

    Mail programs forward a report with its parts: then they are the parts of another message than a report.
    """
    parts = [part for part in message.parts if part.content_type in _TYPES] or [
        part for part in message.parts if part.raw[:_BEGINNING_BYTES].lstrip().lower().startswith(b"reporting-mta:")
    ]
    if not parts or (message.header.content_type != "multipart/report" and _is_persons(message, path)):
        return None
    texts = [part.readable(message.work) for part in parts]
    if "reporting-mta" in parts[0].header:  # the blank line after the part's header got lost
        texts.insert(0, parts[0].header.block)
    return _from_fields(message, "\n\n".join(texts)[:MAX_STATUS_CHARS], "rfc3464", message.words)


def from_text(message: Message) -> Report | None:
    """Return what status fields say that stand in the text: Amazon WorkMail, gateways that flatten MIME."""
    words = message.words
    lowered = words.lower() if "ecipient" in words else ""
    begins = _FIELDS.search(words) if "-recipient:" in lowered or "reporting-mta:" in lowered else None
    return _from_fields(message, words, "fields-in-text", words[: begins.start()]) if begins else None


def wrapped(message: Message) -> Report | None:
    """Return what a notification says that a gateway passed on as an attachment."""
    part = message.first("message/rfc822")
    if part is None or b"delivery-status" not in part.raw[:MAX_HEADER_BYTES]:
        return None
    inner = read(part.octets, message.work)
    return from_part(inner) if inner.header.content_type == "multipart/report" else None


def _is_persons(message: Message, path: ReversePath) -> bool:
    """Tell a message that a person wrote, or may have written, around a report."""
    if path is ReversePath.SOMEBODY:
        return not origin.by_mail_system(message.header)
    return origin.is_handed_on(message.header)


def _from_fields(message: Message, fields: str, reader: str, words: str) -> Report | None:
    about_message, groups = status.read(fields)
    found = [recipient for group in groups if (recipient := status.recipient(group)).address]
    if not found:
        found = _nameless(groups, message)
    if not found:
        return None
    returned = message.returned_header
    found = _without_senders(found, message)
    ours = phrases_of(returned)
    found = with_members([_without_quoted(recipient, ours) for recipient in found], message)
    text = None
    if any(map(_leaves_questions, found)):
        notice = from_message(message, ours)
        notice.spend()
        reasons = {item.address.lower(): item.reason for item in reversed(layout.led(notice.words)) if item.reason}
        found = [_explained(recipient, notice, reasons, alone=len(found) == 1) for recipient in found]
        if len(words) <= MAX_NOTICE_CHARS and words is message.words and notice.returned == returned:
            text = notice.words  # the same words, cleaned of the same phrases
    return Report(
        kind=_kind(found),
        reader=reader,
        reporting_mta=status.typed(about_message.get("reporting-mta", ""))[1] or None,
        recipients=tuple(found),
        message_id=message.header.get("message-id") or None,
        text=without_ours(divided(words[:MAX_NOTICE_CHARS])[0], ours) if text is None else text,
        returned_header=returned,
        fields=about_message,
    )


def _without_quoted(fields: PerRecipientFields, ours: Iterable[str]) -> PerRecipientFields:
    """Take the words of our message out of a reply that quotes them."""
    reply = fields.diagnostic_code
    if not reply or (cleaned := without_quoted(reply, ours)) == reply:
        return fields
    return fields._replace(diagnostic_code=cleaned)


def _nameless(groups: Sequence[Mapping[str, str]], message: Message) -> list[PerRecipientFields]:
    """Return the groups of a report that forgot to say whose they are; a single one for whom the words name."""
    found = [status.recipient(group) for group in groups if not _MEANINGFUL.isdisjoint(group)]
    return [_with_mailbox(found[0], from_message(message))] if len(found) == 1 else found


def _without_senders(found: list[PerRecipientFields], message: Message) -> list[PerRecipientFields]:
    """Take out the address to which the report itself went: some MTAs call our own return path the Final-Recipient.

    The recipient then is the original one, or whom the words or the returned message name.
    """
    sent_to = message.header.get("to").lower()
    if not any(fields.final_recipient and fields.final_recipient.lower() in sent_to for fields in found):
        return found
    notice = from_message(message)
    return [_without_sender(fields, notice, alone=len(found) == 1) for fields in found]


def _without_sender(fields: PerRecipientFields, notice: Notice, *, alone: bool) -> PerRecipientFields:
    if (fields.final_recipient or "").lower() not in notice.senders:
        return fields
    others = (fields.original_recipient, fields.actual_recipient)
    if any(other and "@" in other and other.lower() not in notice.senders for other in others):
        return fields._replace(final_recipient=None)
    named = _with_mailbox(fields, notice).original_recipient if alone else None
    return fields._replace(final_recipient=named) if named and named.lower() not in notice.senders else fields


def _leaves_questions(fields: PerRecipientFields) -> bool:
    return fields.diagnostic_code is None or fields.action is Action.DELAYED or not _is_mailbox(fields)


def _explained(
    fields: PerRecipientFields, notice: Notice, reasons: Mapping[str, str], *, alone: bool
) -> PerRecipientFields:
    """Answer from the notice's own words: why, for whom, and whether a delay is really the end."""
    if alone and not _is_mailbox(fields):
        fields = _with_mailbox(fields, notice)
    names = (fields.actual_recipient, fields.original_recipient, fields.final_recipient)
    known = (address.lower() for address in names if address)
    words = next((reasons[address] for address in known if address in reasons), None)
    if words is None:
        words = layout.told(notice.words) if alone else ""
    said = layout.about(fields.address or "", words)
    final = fields.action is Action.DELAYED and finality.gave_up(notice.subject, words)
    return fields._replace(
        action=Action.FAILED if final else fields.action,
        diagnostic_code=fields.diagnostic_code or said.diagnostic_code,
        text=said.text,
    )


def _is_mailbox(fields: PerRecipientFields) -> bool:
    address = fields.address or ""
    return "@" in address[1:] and not address.startswith(("|", _X400))


def _with_mailbox(fields: PerRecipientFields, notice: Notice) -> PerRecipientFields:
    """Add the address that a program, a file or a broken Final-Recipient stands for, where the notice names one."""
    notice.spend()
    named = generic.read(notice)
    return fields._replace(original_recipient=named[0].address) if len(named) == 1 else fields


def _kind(recipients: list[PerRecipientFields]) -> Kind:
    actions = {fields.action for fields in recipients}
    for action, kind in _KINDS:
        if action in actions:
            return kind
    return Kind.BOUNCE
