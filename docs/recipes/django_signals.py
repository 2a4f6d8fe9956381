"""django-anymail: mail no suppressed address, and hand on to the list what the service's webhooks say.

Import this module in the ready() of an AppConfig.  settings.BOUNCED_REDIS_URL is the Redis of bounced.  If Redis is
away, sending raises redis.exceptions.RedisError and nothing is sent: try again later, as after any other failure.
"""

# mypy: disable-error-code="import-not-found, untyped-decorator"
# Django is not among our dependencies.

from contextlib import suppress
from email.utils import parseaddr
from typing import Any

from anymail.exceptions import AnymailCancelSend
from anymail.signals import AnymailTrackingEvent, EventType, pre_send, tracking
from django.conf import settings
from django.core.mail import EmailMessage
from django.dispatch import receiver

from bounced.client import BadAddress, Client

NO_REPLY = "no server's reply was given"
"""The reply of a failure for which the service gives none: its own words do not prove that an address is bad."""

NO_COMPLAINTS = ("not-spam", "auth-failure")
"""Types of feedback of Amazon SES that are no complaint.  (RFC 6430, RFC 6591)"""

client = Client.from_url(settings.BOUNCED_REDIS_URL)


@receiver(pre_send)
def leave_out_the_suppressed(message: EmailMessage, **_: Any) -> None:
    """Remove suppressed recipients, and what is no address, from a message; cancel it if no recipient is left."""
    suppressed = client.suppressed_among(parseaddr(recipient)[1] for recipient in message.recipients())
    for field in ("to", "cc", "bcc"):
        setattr(message, field, [r for r in getattr(message, field) if parseaddr(r)[1] not in suppressed])
    if not message.recipients():
        raise AnymailCancelSend("every recipient is suppressed or is no address")


@receiver(tracking)
def tell_what_happened(event: AnymailTrackingEvent, **_: Any) -> None:
    """Hand on what the service's webhook says.

    A message that the service did not send (EventType.REJECTED, FAILED) says nothing about the address.
    """
    if not event.recipient or may_be_about_another(event):
        return
    with suppress(BadAddress):  # else the service would send the same event for days
        match event.event_type:
            case EventType.BOUNCED:
                client.report_rejected(event.recipient, event.mta_response or NO_REPLY, at=event.timestamp)
            case EventType.COMPLAINED if is_complaint(event):
                client.report_complained(event.recipient, at=event.timestamp)
            case EventType.UNSUBSCRIBED if is_from_all_mail(event):
                client.report_unsubscribed(event.recipient, at=event.timestamp)
            case EventType.DELIVERED:
                client.report_delivered(event.recipient, at=event.timestamp)
            case EventType.CLICKED:  # not OPENED: mail programs and filters open by themselves
                client.report_engaged(event.recipient, at=event.timestamp)


def may_be_about_another(event: AnymailTrackingEvent) -> bool:
    """Return whether a message had several recipients and the service does not say which one it means.

    Resend does not; Amazon SES names everybody who may have complained.
    """
    resend = event.esp_event.get("data") or {}
    ses = event.esp_event.get("complaint") or {}
    return len(resend.get("to", ())) > 1 or len(ses.get("complainedRecipients", ())) > 1


def is_complaint(event: AnymailTrackingEvent) -> bool:
    """Return whether an event is a complaint and not a report of another kind.

    A SpamNotification of Postmark is a server's judgement; anymail calls it a complaint.
    """
    return bool(event.esp_event.get("Type") != "SpamNotification" and event.description not in NO_COMPLAINTS)


def is_from_all_mail(event: AnymailTrackingEvent) -> bool:
    """Return whether somebody wants no mail at all; one group of SendGrid is not enough."""
    return bool(event.esp_event.get("event") != "group_unsubscribe")
