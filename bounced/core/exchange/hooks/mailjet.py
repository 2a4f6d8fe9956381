"""Mailjet: https://dev.mailjet.com/email/guides/webhooks/."""

from collections.abc import Iterator
from types import MappingProxyType

from bounced.core.exchange.hooks.events import Event, NotJson, json_value, server_reply
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    ENGAGED,
    NOT_SENT,
    UNSUBSCRIBED,
    Said,
    failed,
)
from bounced.core.exchange.hooks.names import failures
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.exchange.names import System, category_of
from bounced.core.terms import CLASS_OF, Category, Class

MEANS = MappingProxyType(
    {
        "sent": DELIVERED,
        "open": ENGAGED,
        "click": ENGAGED,
        **failures(System.MAILJET, "bounce/"),
        "bounce": failed(Category.UNDETERMINED),
        "blocked": NOT_SENT,
        "spam": COMPLAINED,
        "unsub": UNSUBSCRIBED,
    }
)
"""Events, with the error of a bounce.  An error that is no permanent one (``hard_bounce``) is asked as any other."""


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says."""
    kind, at = event.text("event"), event.text("time")
    message = event.text("MessageID", "Message_GUID", "mj_message_id")
    yield Said(
        meaning(MEANS, _name(event) if kind == "bounce" else kind),
        address=event.text("email"),
        at=at,
        id=message and f"{message}/{kind}/{at}",
        reply=server_reply(event.text("comment")) if kind == "bounce" else "",
        campaign=event.text("customcampaign"),
        return_path=_path(event),
    )


def _name(event: Event) -> str:
    """Return the name of a bounce: an error that Mailjet itself takes for temporary is no reason against an address."""
    error = event.text("error").lower()
    name = f"bounce/{error}"
    category = category_of(System.MAILJET, error)
    hard = category is not None and CLASS_OF[category] is Class.HARD
    doubted = hard and event.value("hard_bounce") is False
    return name if name in MEANS and not doubted else "bounce"


def _path(event: Event) -> str:
    """Return our return path, which the sender wrote into the payload (as JSON, or alone) or the custom ID."""
    payload = event.text("Payload")
    try:
        inner = Event(json_value(payload.encode("utf-8", "replace"))).text(PATH_KEY)
    except NotJson:
        inner = payload
    return inner or event.text("CustomID")


SERVICE = Service("mailjet", MEANS, hear)
