"""Resend: one event in each request.  (docs/hooks.md)"""

from collections.abc import Iterator

from bounced.core.exchange.hooks.events import Event, bare, without_type
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    ENGAGED,
    NO_EVIDENCE,
    NOT_SENT,
    SENT,
    Said,
    delayed,
    failed,
)
from bounced.core.exchange.hooks.secrets import standard_webhooks_key
from bounced.core.exchange.hooks.service import PATH_FIELD, PATH_KEY, Service, meaning
from bounced.core.terms import Category

MEANS = {
    "email.sent": SENT,
    "email.delivered": DELIVERED,
    "email.opened": ENGAGED,
    "email.clicked": ENGAGED,
    "email.complained": COMPLAINED,
    "email.delivery_delayed": delayed(),
    "email.bounced": failed(),
    "email.bounced/Permanent/NoEmail": failed(Category.MAILBOX_UNKNOWN),
    "email.bounced/Permanent/Suppressed": NOT_SENT,
    "email.bounced/Permanent/OnAccountSuppressionList": NOT_SENT,
    "email.bounced/Transient/MailboxFull": failed(Category.MAILBOX_FULL),
    "email.bounced/Transient/MessageTooLarge": failed(Category.MESSAGE_TOO_BIG),
    "email.bounced/Transient/ContentRejected": failed(Category.CONTENT_REJECTED),
    "email.bounced/Transient/AttachmentRejected": failed(Category.CONTENT_REJECTED),
    "email.suppressed": NOT_SENT,
    "email.failed": NOT_SENT,
    "email.scheduled": NO_EVIDENCE,
    "email.received": NO_EVIDENCE,
    "contact.created": NO_EVIDENCE,
    "contact.updated": NO_EVIDENCE,
    "contact.deleted": NO_EVIDENCE,
    "domain.created": NO_EVIDENCE,
    "domain.updated": NO_EVIDENCE,
    "domain.deleted": NO_EVIDENCE,
}
"""The type, and behind it what a bounce is called: its type and subType, which are Amazon's."""


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says.  It names every recipient of the message, so of several nobody knows which is meant."""
    data, type_ = event.inner("data"), event.text("type")
    means = meaning(MEANS, _name(data, type_))
    if means.type is None:
        yield Said(means)
        return
    recipients = bare([address for name in ("to", "cc", "bcc") for address in data.texts(name)])
    alone = len(recipients) == 1
    yield Said(
        means if alone else NO_EVIDENCE,
        address=recipients[0] if alone else "",
        at=event.text("created_at"),
        id=_id(event, data, type_),
        reply=_reply(data),
        campaign=_tag(data, "campaign") or data.text("broadcast_id"),
        sent_at=data.text("created_at"),
        return_path=data.header("headers", field=PATH_FIELD) or _tag(data, PATH_KEY),
    )


def _name(data: Event, type_: str) -> str:
    named = f"{type_}/{data.text('bounce.type')}/{data.text('bounce.subType')}"
    return named if named in MEANS else type_


def _id(event: Event, data: Event, type_: str) -> str:
    message = data.text("email_id")
    return message and f"{message} {type_} {event.text('created_at')}"


def _reply(data: Event) -> str:
    """Return the server's words; ``message`` are Resend's own about it."""
    return " ".join(map(without_type, data.texts("bounce.diagnosticCode")))


def _tag(data: Event, name: str) -> str:
    """Return a tag: of an object, or of a list of objects with name and value."""
    return data.header("tags", field=name)


SERVICE = Service("resend", MEANS, hear, secret=standard_webhooks_key)
