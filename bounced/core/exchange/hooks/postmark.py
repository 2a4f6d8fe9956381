"""Postmark: bounces, deliveries, opens, clicks, spam complaints, subscription changes.  (docs/hooks.md)"""

from collections.abc import Iterator

from bounced.core.exchange.hooks.events import Event, server_reply
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    ENGAGED,
    NO_EVIDENCE,
    NOT_SENT,
    UNSUBSCRIBED,
    Said,
    delayed,
    failed,
)
from bounced.core.exchange.hooks.service import PATH_KEY, Service, meaning
from bounced.core.terms import Category

MEANS = {
    "Delivery": DELIVERED,
    "Open": ENGAGED,
    "Click": ENGAGED,
    "SpamComplaint": COMPLAINED,
    "SubscriptionChange/ManualSuppression/Recipient": UNSUBSCRIBED,
    "SubscriptionChange/ManualSuppression/Customer": NO_EVIDENCE,
    "SubscriptionChange/ManualSuppression/Admin": NO_EVIDENCE,
    "SubscriptionChange/HardBounce": NO_EVIDENCE,
    "SubscriptionChange/SpamComplaint": NO_EVIDENCE,
    "SubscriptionChange/Reactivated": NO_EVIDENCE,
    "Bounce/HardBounce": failed(Category.MAILBOX_UNKNOWN),
    "Bounce/BadEmailAddress": failed(Category.BAD_ADDRESS),
    "Bounce/SoftBounce": failed(),
    "Bounce/Transient": delayed(),
    "Bounce/DnsError": delayed(Category.DNS_FAILURE),
    "Bounce/Blocked": failed(Category.REPUTATION_BLOCK),
    "Bounce/SpamNotification": failed(Category.SPAM_CONTENT),
    "Bounce/VirusNotification": failed(Category.VIRUS),
    "Bounce/DMARCPolicy": failed(Category.AUTH_FAILURE),
    "Bounce/Unknown": failed(),
    "Bounce/SpamComplaint": COMPLAINED,
    "Bounce/Unsubscribe": UNSUBSCRIBED,
    "Bounce/ManuallyDeactivated": NOT_SENT,
    "Bounce/Inactive": NOT_SENT,
    "Bounce/Subscribe": NO_EVIDENCE,
    "Bounce/AutoResponder": NO_EVIDENCE,
    "Bounce/AddressChange": NO_EVIDENCE,
    "Bounce/OpenRelayTest": NO_EVIDENCE,
    "Bounce/ChallengeVerification": NO_EVIDENCE,
    "Bounce/Unconfirmed": NO_EVIDENCE,
    "Bounce/SMTPApiError": NOT_SENT,
    "Bounce/InboundError": NO_EVIDENCE,
    "Bounce/TemplateRenderingFailed": NOT_SENT,
}
"""RecordType, and behind it what tells further: Type of a bounce, SuppressionReason and Origin of a change."""


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says."""
    kind = event.text("RecordType")
    yield Said(
        meaning(MEANS, _name(event, kind)),
        address=event.text("Email", "Recipient"),
        at=event.text("BouncedAt", "DeliveredAt", "ReceivedAt", "ChangedAt"),
        id=event.text("ID"),
        reply=server_reply(event.text("Details")) if kind == "Bounce" else "",
        campaign=event.text("Tag"),
        return_path=event.text(f"Metadata.{PATH_KEY}"),
    )


def _name(event: Event, kind: str) -> str:
    if kind == "Bounce":
        return f"Bounce/{event.text('Type')}"
    if kind != "SubscriptionChange":
        return kind
    if not event.is_true("SuppressSending"):
        return "SubscriptionChange/Reactivated"
    reason, origin = event.text("SuppressionReason"), event.text("Origin")
    return f"{kind}/{reason}/{origin}" if reason == "ManualSuppression" else f"{kind}/{reason}"


SERVICE = Service("postmark", MEANS, hear)
