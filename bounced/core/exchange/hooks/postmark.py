"""Postmark: https://postmarkapp.com/developer/webhooks/webhooks-overview."""

from collections.abc import Iterator

from bounced.core.exchange.hooks.events import Event
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    ENGAGED,
    Said,
    failed,
)
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.terms import Category

MEANS = {
    "Delivery": DELIVERED,
    "Open": ENGAGED,
    "Click": ENGAGED,
    "SpamComplaint": COMPLAINED,
    "Bounce/HardBounce": failed(Category.MAILBOX_UNKNOWN),
    "Bounce/SoftBounce": failed(Category.UNDETERMINED),
}
"""An example for the other services; the table follows the documentation in the next commit."""


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says."""
    kind = event.text("RecordType")
    name = f"Bounce/{event.text('Type')}" if kind == "Bounce" else kind
    yield Said(
        meaning(MEANS, name),
        address=event.text("Email", "Recipient"),
        at=event.text("BouncedAt", "DeliveredAt", "ReceivedAt"),
        id=event.text("ID") and f"{event.text('ID')}",
        reply=event.text("Details") if kind == "Bounce" else "",
        campaign=event.text("Tag"),
        return_path=event.text(f"Metadata.{PATH_KEY}"),
    )


SERVICE = Service("postmark", MEANS, hear)
