"""Amazon SES by way of SNS: bounces, complaints and deliveries as JSON in the text of a mail."""

import json
import re
from typing import Any

from bounced.core.reading.message import Message
from bounced.core.reading.report.status import address, status
from bounced.core.terms import Action, Kind, PerRecipientFields, Report

MAX_RECIPIENTS = 100

_MARK = re.compile(r'"(?:notificationType|eventType)\\?"\s*:\s*\\?"(Bounce|Complaint|Delivery|DeliveryDelay)\\?"')
_WRAPPED = "!\n "  # Sendmail breaks lines over 990 octets
_KINDS = {
    "Bounce": Kind.BOUNCE,
    "Complaint": Kind.COMPLAINT,
    "Delivery": Kind.DELIVERED,
    "DeliveryDelay": Kind.DELAYED,
}


def read(message: Message) -> Report | None:
    """Return what a notification of Amazon SES says."""
    text = message.words
    found = _MARK.search(text)
    if not found:
        return None
    try:
        event = _event(text.replace(_WRAPPED, "").lstrip())
    except (ValueError, RecursionError):
        return None
    kind = _KINDS[found[1]]
    about = event.get(found[1][0].lower() + found[1][1:]) if isinstance(event, dict) else None
    if not isinstance(about, dict):
        return None
    return Report(
        kind=kind,
        reader="amazon-ses",
        reporting_mta=_text(about.get("reportingMTA")),
        recipients=tuple(_recipients(kind, about)),
        message_id=message.header.get("message-id") or None,
        fields={"feedback-type": _text(about.get("complaintFeedbackType")) or "abuse"}
        if kind is Kind.COMPLAINT
        else {},
    )


def _event(text: str) -> object:
    """Return the notification, without the envelope that SNS puts around it where asked to.  Raises ValueError."""
    event, _ = json.JSONDecoder().raw_decode(text)
    inner = event.get("Message") if isinstance(event, dict) else None
    return json.loads(inner) if isinstance(inner, str) else event


def _recipients(kind: Kind, about: dict[str, Any]) -> list[PerRecipientFields]:
    found: list[PerRecipientFields] = []
    for name in ("bouncedRecipients", "complainedRecipients", "delayedRecipients", "recipients"):
        entries = about.get(name)
        for entry in entries[:MAX_RECIPIENTS] if isinstance(entries, list) else []:
            recipient = _recipient(kind, about, entry if isinstance(entry, dict) else {"emailAddress": entry})
            found += [recipient] if recipient.address else []
    return found


def _recipient(kind: Kind, about: dict[str, Any], entry: dict[str, Any]) -> PerRecipientFields:
    actions = {Kind.BOUNCE: Action.FAILED, Kind.DELIVERED: Action.DELIVERED, Kind.DELAYED: Action.DELAYED}
    reply = _text(entry.get("diagnosticCode")) or _text(about.get("smtpResponse"))
    return PerRecipientFields(
        final_recipient=address(_text(entry.get("emailAddress"))),
        action=actions.get(kind),
        status=status(_text(entry.get("status")) or ""),
        diagnostic_code=reply and " ".join(reply.removeprefix("smtp;").split()),
        text=" ".join(filter(None, (_text(about.get("bounceType")), _text(about.get("bounceSubType"))))) or None,
    )


def _text(value: object) -> str | None:
    return value[:2000] if isinstance(value, str) and value else None
