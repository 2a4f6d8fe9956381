"""Mailjet: https://dev.mailjet.com/email/guides/webhooks/."""

from collections.abc import Iterator
from types import MappingProxyType

from bounced.core.exchange.hooks.events import Event, NotJson, json_value
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    ENGAGED,
    NOT_SENT,
    UNSUBSCRIBED,
    Said,
    failed,
)
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.terms import Category

MEANS = MappingProxyType(
    {
        "sent": DELIVERED,
        "open": ENGAGED,
        "click": ENGAGED,
        "bounce/user unknown": failed(Category.MAILBOX_UNKNOWN),
        "bounce/mailbox inactive": failed(Category.MAILBOX_INACTIVE),
        "bounce/quota exceeded": failed(Category.MAILBOX_FULL),
        "bounce/invalid domain": failed(Category.DOMAIN_INVALID),
        "bounce/no mail host": failed(Category.DOMAIN_INVALID),
        "bounce/relay/access denied": failed(Category.RELAY_DENIED),
        "bounce/greylisted": failed(Category.GREYLISTED),
        "bounce/sender blocked": failed(Category.REPUTATION_BLOCK),
        "bounce/content blocked": failed(Category.CONTENT_REJECTED),
        "bounce/policy issue": failed(Category.POLICY),
        "bounce/system issue": failed(Category.REMOTE_SYSTEM),
        "bounce/protocol issue": failed(Category.PROTOCOL_ERROR),
        "bounce/connection issue": failed(Category.NETWORK),
        "bounce/preblocked": NOT_SENT,
        "bounce/spam preblocked": NOT_SENT,
        "bounce/blacklisted": NOT_SENT,
        "bounce/spam reporter": NOT_SENT,
        "bounce/typofix": NOT_SENT,
        "bounce/duplicate in campaign": NOT_SENT,
        "bounce/bad or empty template": NOT_SENT,
        "bounce/error in template language": NOT_SENT,
        "bounce": failed(Category.UNDETERMINED),
        "blocked": NOT_SENT,
        "spam": COMPLAINED,
        "unsub": UNSUBSCRIBED,
    }
)
"""Events, with the error of a bounce.  An error that is no permanent one (``hard_bounce``) is asked as any other."""

_HARD_NAMES = frozenset({"user unknown", "mailbox inactive", "invalid domain", "no mail host"})


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says."""
    kind, at = event.text("event").lower(), event.text("time")
    message = event.text("MessageID", "Message_GUID", "mj_message_id")
    yield Said(
        meaning(MEANS, _name(event) if kind == "bounce" else kind),
        address=event.text("email"),
        at=at,
        id=message and f"{message}/{kind}/{at}",
        reply=event.text("comment") if kind == "bounce" else "",
        campaign=event.text("customcampaign"),
        return_path=_path(event),
    )


def _name(event: Event) -> str:
    """Return the name of a bounce: an error that Mailjet itself takes for temporary is no reason against an address."""
    error = event.text("error").lower()
    name = f"bounce/{error}"
    temporary = error in _HARD_NAMES and event.value("hard_bounce") is False
    return name if name in MEANS and not temporary else "bounce"


def _path(event: Event) -> str:
    """Return our return path, which the sender wrote into the payload (as JSON, or alone) or the custom ID."""
    payload = event.text("Payload")
    try:
        inner = Event(json_value(payload.encode("utf-8", "replace"))).text(PATH_KEY)
    except NotJson:
        inner = payload
    return inner or event.text("CustomID")


SERVICE = Service("mailjet", MEANS, hear)
