"""Brevo: https://developers.brevo.com/docs/transactional-webhooks and .../docs/marketing-webhooks."""

from collections.abc import Iterator
from types import MappingProxyType

from bounced.core.exchange.hooks.events import Event, server_reply
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    ENGAGED,
    NO_EVIDENCE,
    NOT_SENT,
    SENT,
    UNSUBSCRIBED,
    Said,
    failed,
)
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.terms import Category

MEANS = MappingProxyType(
    {
        "request": SENT,
        "sent": SENT,
        "delivered": DELIVERED,
        "deferred": NO_EVIDENCE,
        "hard_bounce": failed(Category.MAILBOX_UNKNOWN),
        "soft_bounce": failed(Category.UNDETERMINED),
        "blocked": NOT_SENT,
        "invalid_email": NOT_SENT,
        "error": NOT_SENT,
        "spam": COMPLAINED,
        "unsubscribed": UNSUBSCRIBED,
        "unsubscribe": UNSUBSCRIBED,
        "opened": ENGAGED,
        "unique_opened": ENGAGED,
        "proxy_open": NO_EVIDENCE,
        "unique_proxy_open": NO_EVIDENCE,
        "click": ENGAGED,
        "list_addition": NO_EVIDENCE,
        "contact_updated": NO_EVIDENCE,
        "contact_deleted": NO_EVIDENCE,
    }
)
"""Events of transactional mail, and of campaigns."""

_REPLIES = frozenset({"hard_bounce", "soft_bounce"})


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says.  ``id`` is the webhook's, so the message, the event and its time make the name."""
    name, at = event.text("event"), event.text("ts_event", "ts_epoch", "ts")
    message = event.text("message-id")
    yield Said(
        meaning(MEANS, name),
        address=event.text("email"),
        at=at,
        id=message and f"{message}/{name}/{at}",
        reply=server_reply(event.text("reason")) if name in _REPLIES else "",
        campaign=next(iter(event.texts("tags")), "") or event.text("campaign name", "tag"),
        return_path=_path(event),
    )


def _path(event: Event) -> str:
    """Return our return path from what the sender wrote into X-Mailin-custom: ``name:value|name:value``."""
    pairs = (pair.partition(":") for pair in event.text("X-Mailin-custom").split("|"))
    return next((value.strip() for name, _, value in pairs if name.strip() == PATH_KEY), "")


SERVICE = Service("brevo", MEANS, hear)
