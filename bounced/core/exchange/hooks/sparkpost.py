"""SparkPost: https://developers.sparkpost.com/api/webhooks/ and, for the same events, .../api/events/."""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from bounced.core.exchange.hooks.events import Event, json_events, server_reply
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
from bounced.core.exchange.hooks.names import failures
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.exchange.names import System
from bounced.core.terms import Category

MEANS = MappingProxyType(
    {
        "injection": SENT,
        "delivery": DELIVERED,
        "delay": NO_EVIDENCE,
        **failures(System.SPARKPOST, "bounce/"),
        "bounce": failed(Category.UNDETERMINED),
        "policy_rejection": NOT_SENT,
        "generation_failure": NOT_SENT,
        "generation_rejection": NOT_SENT,
        "spam_complaint": COMPLAINED,
        "spam_complaint/not-spam": NO_EVIDENCE,
        "spam_complaint/auth-failure": NO_EVIDENCE,
        "list_unsubscribe": UNSUBSCRIBED,
        "link_unsubscribe": UNSUBSCRIBED,
        "open": ENGAGED,
        "initial_open": ENGAGED,
        "amp_open": ENGAGED,
        "amp_initial_open": ENGAGED,
        "open/prefetched": NO_EVIDENCE,
        "click": ENGAGED,
        "amp_click": ENGAGED,
        "sms_status": NO_EVIDENCE,
        "relay_injection": NO_EVIDENCE,
        "relay_rejection": NO_EVIDENCE,
        "relay_delivery": NO_EVIDENCE,
        "relay_tempfail": NO_EVIDENCE,
        "relay_permfail": NO_EVIDENCE,
        "ab_test_completed": NO_EVIDENCE,
        "ab_test_cancelled": NO_EVIDENCE,
        "success": NO_EVIDENCE,
        "error": NO_EVIDENCE,
        "empty batch": NO_EVIDENCE,
    }
)
"""Types of events.  ``bounce`` and ``out_of_band`` have the number of their bounce class behind it."""

_FAILURES = frozenset({"bounce", "out_of_band"})
_OF_ITS_MTA = "[internal]"
"""Such as "550 5.1.2 [internal] Domain Lookup Failed": no server was asked.
https://support.sparkpost.com/momentum/4/message-responses
"""
_OPENED = frozenset({"open", "initial_open", "amp_open", "amp_initial_open"})


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says."""
    failed_ = event.text("type") in _FAILURES
    yield Said(
        meaning(MEANS, _name(event)),
        address=event.text("raw_rcpt_to", "rcpt_to"),
        at=event.text("timestamp"),
        id=event.text("event_id"),
        reply=_reply(event) if failed_ else "",
        mta=event.text("ip_address") if failed_ else "",
        campaign=event.text("campaign_id"),
        sent_at=event.text("injection_time"),
        return_path=event.text(f"rcpt_meta.{PATH_KEY}", "msg_from"),
    )


def _name(event: Event) -> str:
    name = event.text("type")
    if name in _FAILURES:
        full = f"bounce/{event.text('bounce_class')}"
        return full if full in MEANS else "bounce"
    if name == "spam_complaint":
        full = f"{name}/{event.text('fbtype').lower()}"
        return full if full in MEANS else name
    return "open/prefetched" if name in _OPENED and event.is_true("is_prefetched") else name


def _reply(event: Event) -> str:
    """Return what the server said; SparkPost may keep its code apart, and marks what its own MTA says."""
    said, code = event.text("raw_reason", "reason"), event.text("error_code")
    if _OF_ITS_MTA in said:
        return ""
    return server_reply(said) or (server_reply(f"{code} {said}") if said else "")


def _events(body: bytes, content_type: str = "") -> Sequence[Event]:
    """Return the events of a batch: each stands in a class of events, in ``msys``; an empty batch is a test."""
    unwrapped = (inner for each in json_events(body, content_type) for inner in _unwrapped(each))
    return list(unwrapped) or [Event({"type": "empty batch"})]


def _unwrapped(event: Event) -> Sequence[Event]:
    within = event.value("msys")
    if within == {}:
        return [Event({"type": "empty batch"})]
    return [Event(each) for each in within.values()] if isinstance(within, dict) else [event]


SERVICE = Service("sparkpost", MEANS, hear, _events)
