"""SendGrid: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event."""

from collections.abc import Iterator
from types import MappingProxyType

from bounced.core.exchange.hooks.events import Event
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
from bounced.core.exchange.hooks.secrets import p256_public_key
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.terms import Category

MEANS = MappingProxyType(
    {
        "processed": SENT,
        "deferred": NO_EVIDENCE,
        "delivered": DELIVERED,
        "dropped": NOT_SENT,
        "bounce/Invalid Address": failed(Category.MAILBOX_UNKNOWN),
        "bounce/Mailbox Unavailable": failed(Category.MAILBOX_FULL),
        "bounce/Reputation": failed(Category.REPUTATION_BLOCK),
        "bounce/Content": failed(Category.CONTENT_REJECTED),
        "bounce/Frequency or Volume Too High": failed(Category.RATE_LIMITED),
        "bounce/Technical Failure": failed(Category.REMOTE_SYSTEM),
        "bounce": failed(Category.UNDETERMINED),
        "blocked/Reputation": failed(Category.REPUTATION_BLOCK),
        "blocked/Content": failed(Category.CONTENT_REJECTED),
        "blocked/Frequency or Volume Too High": failed(Category.RATE_LIMITED),
        "blocked/Technical Failure": failed(Category.REMOTE_SYSTEM),
        "blocked": failed(Category.UNDETERMINED),
        "spamreport": COMPLAINED,
        "unsubscribe": UNSUBSCRIBED,
        "group_unsubscribe": NO_EVIDENCE,
        "group_resubscribe": NO_EVIDENCE,
        "open": ENGAGED,
        "open/machine": NO_EVIDENCE,
        "click": ENGAGED,
        "account_status_change": NO_EVIDENCE,
    }
)
"""Events, with the classification of a bounce.  Its type ``blocked`` is a name of its own: the next mail may pass."""


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says."""
    yield Said(
        meaning(MEANS, _name(event)),
        address=event.text("email"),
        at=event.text("timestamp"),
        id=event.text("sg_event_id"),
        reply=event.text("reason", "status") if event.text("event").lower() == "bounce" else "",
        campaign=next(iter(event.texts("category")), "") or event.text("marketing_campaign_name"),
        return_path=event.text(PATH_KEY, f"unique_args.{PATH_KEY}"),
    )


def _name(event: Event) -> str:
    name = event.text("event")
    match name.lower():
        case "bounce":
            kind = "blocked" if event.text("type").lower() == "blocked" else "bounce"
            full = f"{kind}/{event.text('bounce_classification')}"
            return full if full in MEANS else kind
        case "open" if event.is_true("sg_machine_open"):
            return "open/machine"
    return name


SERVICE = Service("sendgrid", MEANS, hear, secret=p256_public_key)
