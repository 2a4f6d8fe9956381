"""Amazon SES, whose events come through Amazon SNS: event publishing, and the older notifications of an identity.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html and
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html.
"""

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType

from bounced.core.exchange.hooks.events import Event, bare, json_events, without_type
from bounced.core.exchange.hooks.heard import (
    COMPLAINED,
    DELIVERED,
    ENGAGED,
    NO_EVIDENCE,
    NOT_SENT,
    SENT,
    UNSUBSCRIBED,
    Means,
    Said,
    failed,
)
from bounced.core.exchange.hooks.names import failures
from bounced.core.exchange.hooks.service import PATH_FIELD, PATH_KEY, Service, meaning
from bounced.core.exchange.names import System
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.terms import Category

MEANS = MappingProxyType(
    {
        **failures(System.SES, "Bounce/"),
        "Bounce/Permanent": failed(Category.UNDETERMINED),
        "Bounce/Transient": failed(Category.UNDETERMINED),
        "Bounce/Undetermined": failed(Category.UNDETERMINED),
        "Complaint": COMPLAINED,
        "Complaint/not-spam": NO_EVIDENCE,
        "Complaint/auth-failure": NO_EVIDENCE,
        "Complaint/OnAccountSuppressionList": NOT_SENT,
        "Delivery": DELIVERED,
        "DeliveryDelay": NO_EVIDENCE,
        "Send": SENT,
        "Reject": NOT_SENT,
        "Rendering Failure": NOT_SENT,
        "Open": ENGAGED,
        "Click": ENGAGED,
        "Subscription/unsubscribeAll": UNSUBSCRIBED,
        "Subscription": NO_EVIDENCE,
        "AmazonSnsSubscriptionSucceeded": NO_EVIDENCE,
    }
)
"""Types of events, with the type and subtype of a bounce.  A subtype that is not here means what its type means."""

_TESTING = b"Successfully validated SNS topic"
"""What SES says, not in JSON, when somebody chooses a topic for its events."""
_OF_SES = re.compile(r"(?:^|[.-])amazonses\.com$|\.amazonaws\.com$", re.IGNORECASE)


def hear(event: Event) -> Iterator[Said]:
    """Say what one event says, of each of its recipients."""
    kind = event.text("eventType", "notificationType")
    match kind.lower():
        case "bounce":
            yield from _bounce(event)
        case "complaint":
            yield from _complaint(event)
        case "delivery":
            named = bare(event.texts("delivery.recipients")) or _sent_to(event)
            yield from (_said(event, DELIVERED, each, "delivery") for each in named)
        case "open" | "click":
            yield from _of_one(event, meaning(MEANS, kind), _sent_to(event), kind.lower())
        case "subscription":
            left = event.is_true("subscription.newTopicPreferences.unsubscribeAll")
            means = meaning(MEANS, "Subscription/unsubscribeAll" if left else "Subscription")
            yield from _of_one(event, means, _sent_to(event), "subscription")
        case _:
            means = meaning(MEANS, kind)
            yield from (_said(event, means, each, kind) for each in _sent_to(event) or [""])


def _bounce(event: Event) -> Iterator[Said]:
    """Say which recipients failed.

    A recipient is named by whoever reports, in a notice that came later: where the message was forwarded, or somebody
    lies, it is not one to whom it was sent.  Then a recipient of ours failed for a reason that nobody knows.
    """
    type_, subtype = event.text("bounce.bounceType"), event.text("bounce.bounceSubType")
    name = f"Bounce/{type_}/{subtype}"
    means = meaning(MEANS, name if name in MEANS else f"Bounce/{type_}")
    id_, sent_to = event.text("bounce.feedbackId"), _sent_to(event)
    for recipient in event.each("bounce.bouncedRecipients"):
        for address in bare([recipient.text("emailAddress")]):
            if any(_is_same(address, each) for each in sent_to):
                reply = without_type(recipient.text("diagnosticCode"))
                yield _said(event, means, address, "bounce", id_=id_, reply=reply, mta=_server(event))
            else:
                yield from _of_one(event, means, sent_to, "bounce", id_)


def _complaint(event: Event) -> Iterator[Said]:
    """Say who complained.  Where SES names all whom it may have been, it is the one of our return path."""
    kinds = (event.text("complaint.complaintSubType"), event.text("complaint.complaintFeedbackType"))
    names = [name for kind in kinds if (name := f"Complaint/{kind}") in MEANS]
    recipients = bare([each.text("emailAddress") for each in event.each("complaint.complainedRecipients")])
    means = meaning(MEANS, names[0] if names else "Complaint")
    yield from _of_one(event, means, recipients, "complaint", event.text("complaint.feedbackId"))


def _of_one(event: Event, means: Means, recipients: Sequence[str], inner: str, id_: str = "") -> Iterator[Said]:
    """Say something of the one recipient that somebody was; of several, it is the one of our return path, or nobody."""
    if len(recipients) == 1:
        yield _said(event, means, recipients[0], inner, id_=id_)
    elif recipients:
        yield _said(event, means, "", inner, id_=id_, among=tuple(recipients))


def _said(
    event: Event,
    means: Means,
    address: str,
    inner: str,
    *,
    id_: str = "",
    reply: str = "",
    mta: str = "",
    among: tuple[str, ...] = (),
) -> Said:
    at = event.text(f"{inner}.timestamp")
    message = event.text("mail.messageId")
    return Said(
        means,
        address=address,
        at=at or event.text("mail.timestamp"),
        id=id_ or (message and f"{message}/{at}"),
        reply=reply,
        mta=mta,
        campaign=next(iter(event.texts("mail.tags.campaign")), ""),
        sent_at=event.text("mail.timestamp"),
        return_path=_path(event),
        among=among,
    )


def _sent_to(event: Event) -> Sequence[str]:
    return bare(event.texts("mail.destination"))


def _is_same(address: str, other: str) -> bool:
    try:
        return normalise(address) == normalise(other)
    except BadAddress:
        return False


def _path(event: Event) -> str:
    tagged = next(iter(event.texts(f"mail.tags.{PATH_KEY}")), "")
    return event.header("mail.headers", field=PATH_FIELD) or tagged or event.text("mail.source")


def _server(event: Event) -> str:
    """Return the server that refused: SES itself reports what another one said to it in the dialogue."""
    reporting = event.text("bounce.reportingMTA").rpartition(";")[2].strip()
    return event.text("bounce.remoteMtaIp") if not reporting or _OF_SES.search(reporting) else reporting


def _events(body: bytes, content_type: str = "") -> Sequence[Event]:
    if body.startswith(_TESTING):
        return [Event({"eventType": "AmazonSnsSubscriptionSucceeded"})]
    return json_events(body, content_type)


SERVICE = Service("ses", MEANS, hear, _events, by_topic=True)
