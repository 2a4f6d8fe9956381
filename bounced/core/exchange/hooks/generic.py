"""Events of your own programs: entries of the intake as JSON, one or an array of them.  (docs/hooks.md)"""

from collections.abc import Iterator

from bounced.core.exchange.hooks.events import Event
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    ENGAGED,
    SENT,
    SUBSCRIBED,
    UNSUBSCRIBED,
    Means,
    Said,
)
from bounced.core.exchange.hooks.secrets import standard_webhooks_key
from bounced.core.exchange.hooks.service import Service, meaning
from bounced.core.state import EvidenceType

MEANS = {
    "delivered": DELIVERED,
    "engaged": ENGAGED,
    "rejected": Means(EvidenceType.REJECTED),
    "complained": COMPLAINED,
    "unsubscribed": UNSUBSCRIBED,
    "subscribed": SUBSCRIBED,
    "sent": SENT,
}
"""The types of the intake that a program may tell; an operator's decisions are made elsewhere."""

FIELDS = (
    "id",
    "at",
    "reply",
    "mta",
    "stage",
    "category",
    "action",
    "campaign",
    "sent_at",
    "return_path",
    "profile",
    "count",
    "domain",
)
"""Fields of the intake that are taken as they stand.  (docs/contract.md, section 2)"""


def hear(event: Event) -> Iterator[Said]:
    """Say what an event says.  Its id is not the service's own: the same event may come by another door."""
    given = {name: text for name in FIELDS if (text := event.text(name))}
    yield Said(meaning(MEANS, event.text("type")), address=event.text("address"), more=given)


SERVICE = Service("generic", MEANS, hear, secret=standard_webhooks_key)
