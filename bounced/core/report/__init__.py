"""A message to what it reports, whoever wrote it: the standard formats first, then notices, then the last resort."""

from dataclasses import replace

from bounced.core import notices
from bounced.core.message import Message, read
from bounced.core.message.limits import MAX_HEADER_BYTES
from bounced.core.notices import generic, layout
from bounced.core.notices.notice import Notice, from_message
from bounced.core.report import amazon, feedback, finality, replies, status
from bounced.core.terms import Action, Kind, PerRecipientFields, Report

MAX_TEXT_CHARS = 8000

_KINDS = (
    (Action.FAILED, Kind.BOUNCE),
    (Action.DELAYED, Kind.DELAYED),
    (Action.DELIVERED, Kind.DELIVERED),
    (Action.RELAYED, Kind.RELAYED),
    (Action.EXPANDED, Kind.EXPANDED),
)
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")


def parse(content: bytes) -> Report:
    """Return what a message reports.  Whatever comes, this raises nothing; what nobody understands is ``other``."""
    message = read(content)
    return _standard(message) or _wrapped(message) or _notice(message) or _report(message, Kind.OTHER, "none", ())


def _standard(message: Message) -> Report | None:
    return feedback.read(message) or _delivery_status(message) or replies.receipt(message) or amazon.read(message)


def _wrapped(message: Message) -> Report | None:
    """Read a delivery status notification that a gateway passed on as an attachment."""
    part = message.first("message/rfc822")
    if part is None or b"delivery-status" not in part.raw[:MAX_HEADER_BYTES]:
        return None
    inner = read(part.octets)
    return _delivery_status(inner) if inner.header.content_type == "multipart/report" else None


def _delivery_status(message: Message) -> Report | None:
    part = message.first(*_STATUS_TYPES)
    if part is None:
        return None
    text = part.text.replace("\r", "\n")
    if "reporting-mta" in part.header:  # the blank line after the part's header got lost
        text = f"{part.header.block}\n{text}"
    return _from_fields(message, from_message(message), text, "rfc3464")


def _from_fields(message: Message, notice: Notice, text: str, reader: str) -> Report | None:
    about_message, groups = status.read(text)
    found = [fields for group in groups if (fields := status.recipient(group)).address]
    recipients = tuple(_explained(fields, notice, alone=len(found) == 1) for fields in found)
    if len(recipients) == 1 and not _is_mailbox(recipients[0]):
        recipients = (_with_mailbox(recipients[0], notice),)
    if not recipients:
        return None
    return _report(
        message,
        _kind(recipients),
        reader,
        recipients,
        notice=notice,
        fields=about_message,
    )


def _explained(fields: PerRecipientFields, notice: Notice, *, alone: bool) -> PerRecipientFields:
    """Add the notice's own words where the fields give no reply, and see whether a delay is really the end."""
    if fields.diagnostic_code is None or fields.action is Action.DELAYED:
        known = {address.lower() for address in (fields.original_recipient, fields.final_recipient) if address}
        found = next((item for item in layout.led(notice.words) if item.address.lower() in known), None)
        words = found.reason if found and found.reason else (notice.words if alone else "")
        said = layout.about(fields.address or "", words)
        fields = replace(
            fields,
            diagnostic_code=fields.diagnostic_code or said.diagnostic_code,
            text=said.text,
        )
        if fields.action is Action.DELAYED and finality.gave_up(notice.subject, words):
            fields = replace(fields, action=Action.FAILED)
    return fields


def _is_mailbox(fields: PerRecipientFields) -> bool:
    return "@" in (fields.address or "")[1:] and not (fields.address or "").startswith("|")


def _with_mailbox(fields: PerRecipientFields, notice: Notice) -> PerRecipientFields:
    """Add the address that a program, a file or a broken Final-Recipient stands for, where the notice names one."""
    named = generic.read(notice)
    return replace(fields, original_recipient=named[0].address) if len(named) == 1 else fields


def _kind(recipients: tuple[PerRecipientFields, ...]) -> Kind:
    actions = {fields.action for fields in recipients}
    return next((kind for action, kind in _KINDS if action in actions), Kind.BOUNCE)


def _notice(message: Message) -> Report | None:
    notice = from_message(message)
    certainty = generic.certainty(notice)
    daemon = generic.by_daemon(notice)
    if not daemon:
        answer = replies.auto_reply(message) or replies.challenge(message) or replies.subscription(message)
        if answer:
            return answer
    in_text = (
        _from_fields(message, notice, notice.full, "fields-in-text")
        if "final-recipient:" in notice.full.lower()
        else None
    )
    if in_text:
        return in_text
    for family in notices.FAMILIES:
        if family.recognises(notice):
            recipients = family.read(notice)
            if recipients:
                return _noticed(message, notice, family.name, recipients)
    if certainty < 2 and not (daemon and certainty):  # noqa: PLR2004
        return None
    return _noticed(message, notice, "notice", generic.read(notice))


def _noticed(message: Message, notice: Notice, reader: str, recipients: tuple[PerRecipientFields, ...]) -> Report:
    delayed = finality.is_delay(notice.subject, notice.words)
    if delayed:
        recipients = tuple(replace(fields, action=Action.DELAYED) for fields in recipients)
    return _report(message, Kind.DELAYED if delayed else Kind.BOUNCE, reader, recipients, notice=notice)


def _report(
    message: Message,
    kind: Kind,
    reader: str,
    recipients: tuple[PerRecipientFields, ...],
    *,
    notice: Notice | None = None,
    fields: dict[str, str] | None = None,
) -> Report:
    about = fields or {}
    return Report(
        kind=kind,
        reader=reader,
        reporting_mta=status.typed(about.get("reporting-mta", ""))[1] or None,
        recipients=recipients,
        message_id=message.header.get("message-id") or None,
        text=notice.words[:MAX_TEXT_CHARS] if notice else "",
        returned_header=notice.returned.block if notice and notice.returned else "",
        fields=about,
    )
