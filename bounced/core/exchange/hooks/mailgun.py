"""Mailgun: each request holds one event beside its signature.  (docs/hooks.md)"""

from collections.abc import Iterator

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
    delayed,
    failed,
)
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.terms import Category

MEANS = {
    "accepted": SENT,
    "delivered": DELIVERED,
    "opened": ENGAGED,
    "opened/bot": NO_EVIDENCE,
    "clicked": ENGAGED,
    "clicked/bot": NO_EVIDENCE,
    "complained": COMPLAINED,
    "unsubscribed": UNSUBSCRIBED,
    "failed/temporary": delayed(),
    "failed/permanent": failed(),
    "failed/permanent/old": failed(Category.EXPIRED),
    "failed/permanent/espblock": failed(Category.REPUTATION_BLOCK),
    "failed/permanent/suppress-bounce": NOT_SENT,
    "failed/permanent/suppress-complaint": NOT_SENT,
    "failed/permanent/suppress-unsubscribe": NOT_SENT,
    "rejected": NOT_SENT,
    "stored": NO_EVIDENCE,
    "list_member_uploaded": NO_EVIDENCE,
    "list_member_upload_error": NO_EVIDENCE,
    "list_uploaded": NO_EVIDENCE,
}
"""The event, behind it the severity of a failure, and behind that a reason which says more than the reply."""

NOT_TRIED = ("605", "606", "607")
"""Mailgun's own codes for addresses on its lists, to which it sends nothing."""


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says."""
    data = event.inner("event-data")
    status, name = data.inner("delivery-status"), data.text("event")
    yield Said(
        NOT_SENT if name == "failed" and status.text("code") in NOT_TRIED else meaning(MEANS, _name(data, name)),
        address=data.text("recipient"),
        at=data.text("timestamp"),
        id=data.text("id"),
        reply=_reply(status) if name == "failed" else "",
        mta=status.text("mx-host").rstrip("."),
        campaign=next(iter(data.texts("tags")), ""),
        return_path=data.text(f"user-variables.{PATH_KEY}", "envelope.sender"),
    )


def _name(data: Event, name: str) -> str:
    if name in ("opened", "clicked"):
        return f"{name}/bot" if data.text("client-info.bot") else name
    if name != "failed":
        return name
    named = f"failed/{data.text('severity')}"
    with_reason = f"{named}/{data.text('reason')}"
    return with_reason if with_reason in MEANS else named


def _reply(status: Event) -> str:
    """Return the server's reply: what Mailgun writes in ``message`` may lack the codes.

    Mailgun has codes of its own with words of its own, such as 498 ("No MX") and 602 ("Too old"): no server said those.
    """
    message = status.text("message", "description")
    code, enhanced = status.text("code"), status.text("enhanced-code")
    codes = [each for each in (code, enhanced) if each and each not in message]
    return server_reply(" ".join([*codes, message])) if message else ""


SERVICE = Service("mailgun", MEANS, hear)
