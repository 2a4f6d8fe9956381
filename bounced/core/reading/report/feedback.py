"""Complaints: the abuse reporting format, and feeds that forward a message without it.  (RFC 5965, RFC 6590)"""

import re

from bounced.core.limits import MAX_HEADER_BYTES
from bounced.core.reading.message import RETURNED_TYPES, Header, Message, header_of, unwrap_words
from bounced.core.reading.notices.notice import addresses
from bounced.core.reading.report.status import address
from bounced.core.terms import Kind, PerRecipientFields, Report

MAX_RECIPIENTS = 100
MAX_REPORT_CHARS = 12 * 1024

_COMPLAINTS = frozenset(
    {"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "complaint", "miscategorized", ""}
)
_FEED = re.compile(r"complaint about message from|^email feedback report for ip|abuse report \[", re.IGNORECASE)
_COMMENT = re.compile(r"[\s;(]")
_INLINE_TYPES = ("text/plain", "text/html", "application/octet-stream")
_RECIPIENT_FIELDS = ("original-rcpt-to", "removal-recipient", "redacted-address")
_RETURNED_RECIPIENT = ("x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "to")


def read(message: Message) -> Report | None:
    """Return a complaint, or what else a feedback report says: ``not-spam`` and ``auth-failure`` are no complaint."""
    part = message.first("message/feedback-report")
    if part is None:
        return _feed(message)
    text = part.readable(message.work)
    report = Header(text.strip())
    returned = Header(message.returned_header)
    type_ = _first_word(report.get("feedback-type"))
    named = [value for name in _RECIPIENT_FIELDS for value in report.every(name)]
    found = [cleaned for value in named if (cleaned := address(value)) and "@" in cleaned]
    return Report(
        kind=Kind.COMPLAINT if type_ in _COMPLAINTS else Kind.OTHER,
        reader="arf",
        reporting_mta=address(report.get("reporting-mta")),
        recipients=_recipients(found or _returned_recipients(returned)),
        message_id=message.header.get("message-id") or None,
        returned_header=returned.block,
        fields={**report.first_values(), "feedback-type": type_ or "abuse", "author-domain": _author_domain(message)},
        traces=_traces(message, text),
    )


def _feed(message: Message) -> Report | None:
    """Return a complaint of a provider that sends the message alone, such as Microsoft's."""
    if not message.first(*RETURNED_TYPES) or not _FEED.search(unwrap_words(message.header.get("subject"))):
        return None
    returned = Header(message.returned_header)
    return Report(
        kind=Kind.COMPLAINT,
        reader="complaint-feed",
        recipients=_recipients(_returned_recipients(returned)),
        message_id=message.header.get("message-id") or None,
        returned_header=returned.block,
        fields={"feedback-type": "abuse", "author-domain": _author_domain(message)},
        traces=_traces(message),
    )


def _traces(message: Message, report: str = "") -> str:
    """Return what may hold our return path: the report's fields, and the header that came back, whole.

    Where no part is the returned message its header may stand in the text of one.  The complaint's own header comes
    last: some relays add the fields of the original to it.  (RFC 5965 section 3.2, RFC 9477 section 3.2)
    """
    original = [header_of(part.octets) for part in message.parts if part.content_type in RETURNED_TYPES]
    if not original:
        inline = [part for part in message.parts if part.content_type in _INLINE_TYPES]
        original = [part.readable(message.work)[:MAX_REPORT_CHARS] for part in inline]
    returned = "\n".join(original)
    pieces = (report[:MAX_REPORT_CHARS], returned[:MAX_HEADER_BYTES], message.header.block[:MAX_REPORT_CHARS])
    return "\n".join(pieces)


def _author_domain(message: Message) -> str:
    """Return the domain in which the complaint itself was written: the provider's, mostly."""
    return next(iter(addresses(message.header.get("from"))), "").rpartition("@")[2]


def _first_word(value: str) -> str:
    """Return a type in lower case, without the comment or parameters that some write behind it."""
    return _COMMENT.split(value.strip(), maxsplit=1)[0].lower()


def _returned_recipients(returned: Header) -> list[str]:
    return next((found for name in _RETURNED_RECIPIENT if (found := addresses(returned.get(name)))), [])


def _recipients(found: list[str]) -> tuple[PerRecipientFields, ...]:
    unique = list(dict.fromkeys(found))[:MAX_RECIPIENTS]
    return tuple(PerRecipientFields(original_recipient=recipient) for recipient in unique)
