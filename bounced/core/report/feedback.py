"""Complaints: the abuse reporting format, and feeds that forward a message without it.  (RFC 5965, RFC 6590)"""

import re

from bounced.core.message import Header, Message, unwrap_words
from bounced.core.notices.notice import addresses
from bounced.core.report.status import address
from bounced.core.terms import Kind, PerRecipientFields, Report

MAX_RECIPIENTS = 100

_COMPLAINTS = frozenset(
    {"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "complaint", "miscategorized", ""}
)
_FEED = re.compile(r"complaint about message from|^email feedback report for ip|abuse report \[", re.IGNORECASE)
_RECIPIENT_FIELDS = ("original-rcpt-to", "removal-recipient", "redacted-address")
_RETURNED_RECIPIENT = ("x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "to")


def read(message: Message) -> Report | None:
    """Return a complaint, or what else a feedback report says: ``not-spam`` and ``auth-failure`` are no complaint."""
    part = message.first("message/feedback-report")
    if part is None:
        return _feed(message)
    report = Header(part.text.strip())
    returned = Header(message.returned_header)
    type_ = report.get("feedback-type").lower()
    named = [value for name in _RECIPIENT_FIELDS for value in report.every(name)]
    found = [cleaned for value in named if (cleaned := address(value)) and "@" in cleaned]
    return Report(
        kind=Kind.COMPLAINT if type_ in _COMPLAINTS else Kind.OTHER,
        reader="arf",
        reporting_mta=address(report.get("reporting-mta")),
        recipients=_recipients(found or _returned_recipients(returned)),
        message_id=message.header.get("message-id") or None,
        returned_header=returned.block,
        fields={**report.first_values(), "feedback-type": type_ or "abuse"},
    )


def _feed(message: Message) -> Report | None:
    """Return a complaint of a provider that sends the message alone, such as Microsoft's."""
    if not message.first("message/rfc822") or not _FEED.search(unwrap_words(message.header.get("subject"))):
        return None
    returned = Header(message.returned_header)
    return Report(
        kind=Kind.COMPLAINT,
        reader="complaint-feed",
        recipients=_recipients(_returned_recipients(returned)),
        message_id=message.header.get("message-id") or None,
        returned_header=returned.block,
        fields={"feedback-type": "abuse"},
    )


def _returned_recipients(returned: Header) -> list[str]:
    return next((found for name in _RETURNED_RECIPIENT if (found := addresses(returned.get(name)))), [])


def _recipients(found: list[str]) -> tuple[PerRecipientFields, ...]:
    unique = list(dict.fromkeys(found))[:MAX_RECIPIENTS]
    return tuple(PerRecipientFields(original_recipient=recipient) for recipient in unique)
