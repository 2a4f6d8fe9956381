"""SendGrid: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event."""

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
)
from bounced.core.exchange.hooks.names import failures
from bounced.core.exchange.hooks.secrets import p256_public_key
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.exchange.names import System

_TYPES = ("bounce", "blocked", "expired")
_OF_MAIL = ("Reputation", "Content", "Frequency or Volume Too High", "Technical Failure", "Technical")
_OF_ADDRESSES = ("Invalid Address", "Mailbox Unavailable")
_CLASSIFIED = (
    *(("bounce", name) for name in (*_OF_ADDRESSES, *_OF_MAIL)),
    *(("blocked", name) for name in _OF_MAIL),
)

_FAILURES = failures(System.SENDGRID)

MEANS = MappingProxyType(
    {
        "processed": SENT,
        "deferred": NO_EVIDENCE,
        "delivered": DELIVERED,
        "dropped": NOT_SENT,
        **{f"{type_}/{name}": _FAILURES[name] for type_, name in _CLASSIFIED},
        **{type_: _FAILURES[type_] for type_ in _TYPES},
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
"""Events, with the classification of a bounce.  What is ``blocked`` may pass the next time: no address is bad by it."""


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says."""
    yield Said(
        meaning(MEANS, _name(event)),
        address=event.text("email"),
        at=event.text("timestamp"),
        id=event.text("sg_event_id"),
        reply=server_reply(event.text("reason")) if event.text("event") == "bounce" else "",
        campaign=next(iter(event.texts("category")), "") or event.text("marketing_campaign_name"),
        return_path=event.text(PATH_KEY, f"unique_args.{PATH_KEY}"),
    )


def _name(event: Event) -> str:
    name = event.text("event")
    match name:
        case "bounce":
            type_ = event.text("type").lower()
            kind = type_ if type_ in _TYPES else "bounce"
            full = f"{kind}/{event.text('bounce_classification')}"
            return full if full in MEANS else kind
        case "open" if event.is_true("sg_machine_open"):
            return "open/machine"
    return name


SERVICE = Service("sendgrid", MEANS, hear, secret=p256_public_key)
