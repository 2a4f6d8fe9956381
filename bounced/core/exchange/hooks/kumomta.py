"""KumoMTA's log hook: its log records, one alone, an array, or a line each.  (docs/hooks.md)"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bounced.core.exchange.hooks.events import Event, json_events, json_lines
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    NO_EVIDENCE,
    NOT_SENT,
    SENT,
    Means,
    Said,
    delayed,
    failed,
)
from bounced.core.exchange.hooks.service import PATH_FIELD, Service, meaning
from bounced.core.exchange.names import System, category_of
from bounced.core.terms import Category

MEANS = {
    "Reception": SENT,
    "Delivery": DELIVERED,
    "Bounce": failed(),
    "OOB": failed(),
    "Expiration": failed(Category.EXPIRED),
    "TransientFailure": delayed(),
    "Feedback": COMPLAINED,
    "AdminBounce": NOT_SENT,
    "AdminRebind": NO_EVIDENCE,
    "Delay": NO_EVIDENCE,
    "Delayed": NO_EVIDENCE,
    "DeferredInjectionRebind": NO_EVIDENCE,
    "Rejection": NO_EVIDENCE,
    "XferIn": NO_EVIDENCE,
    "XferOut": NO_EVIDENCE,
}
"""The record's type."""

_IN_LINES = re.compile(rb"\}[ \t\r]*\n\s*\{")
"""Two objects in two lines, which no JSON document has."""
_BY_MAIL = ("OOB", "Feedback")
_STAGES = {"EHLO": "EHLO", "HELO": "EHLO", "MAIL": "MAIL", "RCPT": "RCPT", "DATA": "DATA", ".": "DATA"}
NOT_ABUSE = frozenset({"not-spam", "auth-failure", "opt-out-list"})
"""Feedback types that are no complaint.  (RFC 6591, RFC 6430)"""


def events(body: bytes, content_type: str) -> Sequence[Event]:
    """Return the records of a body.  Raises NotJson."""
    return json_lines(body) if "ndjson" in content_type.lower() or _IN_LINES.search(body) else json_events(body)


def hear(event: Event) -> Iterator[Said]:
    """Say what one record says, of each of its recipients."""
    means, type_ = _means(event), event.text("type")
    if means.type is None or (type_ == "Reception" and not event.text("sender")):
        yield Said(NO_EVIDENCE if means.type else means)
        return
    if type_ in _BY_MAIL:
        yield _come_by_mail(event, means, type_)
        return
    command = event.text("response.command").upper().split(" ")[0]
    for address in event.texts("recipient"):
        yield Said(
            means,
            address=address,
            at=event.text("timestamp", "event_time"),
            id=_id(event, type_),
            reply=_reply(event),
            mta=event.text("peer_address.name").rstrip("."),
            stage=_STAGES.get(command, ""),
            campaign=_campaign(event),
            sent_at=event.text("created"),
            return_path=event.header("headers", field=PATH_FIELD) or event.text("sender"),
        )


def _means(event: Event) -> Means:
    """Return what a record's type means; its own classifier has called the failure something, if it is on."""
    means = meaning(MEANS, event.text("type"))
    category = category_of(System.KUMOMTA, event.text("bounce_classification")) if means.category else None
    return means if category in (None, Category.UNDETERMINED) else replace(means, category=category)


def _come_by_mail(event: Event, means: Means, type_: str) -> Said:
    """Return what a record says of a report that came by mail: its recipient is ours, so our path tells whose it is."""
    report = event.inner("feedback_report")
    paths = (report.text("original_mail_from"), *event.texts("recipient"), event.text("sender"))
    return Said(
        NO_EVIDENCE if report.text("feedback_type").lower() in NOT_ABUSE else means,
        at=event.text("timestamp", "event_time"),
        id=_id(event, type_),
        reply=_reply(event) if type_ == "OOB" else "",
        return_path=" ".join(filter(None, paths)),
    )


def _id(event: Event, type_: str) -> str:
    """Return what a record is called: a message has several, and several attempts have one each."""
    id_ = event.text("id")
    return id_ and f"{id_} {type_} {event.text('num_attempts')}".strip()


def _reply(event: Event) -> str:
    response = event.inner("response")
    code, content = response.text("code"), response.text("content")
    enhanced = response.inner("enhanced_code")
    status = ".".join(enhanced.text(name) for name in ("class", "subject", "detail"))
    return " ".join(filter(None, (code, status.strip("."), content))) if code not in ("", "0") else content


def _campaign(event: Event) -> str:
    """Return the campaign: that of the message's meta data, else what stands before the tenant in the queue's name."""
    queue, colon, _ = event.text("queue").partition(":")
    return event.text("meta.campaign") or (queue if colon else "")


SERVICE = Service("kumomta", MEANS, hear, events)
