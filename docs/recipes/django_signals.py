"""Django: nobody who is suppressed is mailed, and a hosted service's webhooks feed the list.

With django-anymail the service sets its own Return-Path, so only the check and the webhooks apply; import this module
in an AppConfig.ready().  With Django's own SMTP backend, ``envelope`` gives a message its return path and the header
fields by which its recipient unsubscribes.
"""

# mypy: disable-error-code="import-not-found, untyped-decorator"
# Django is not among our dependencies.

from email.utils import parseaddr
from typing import Any

from anymail.exceptions import AnymailCancelSend
from anymail.signals import AnymailTrackingEvent, EventType, pre_send, tracking
from django.conf import settings
from django.core.mail import EmailMessage
from django.dispatch import receiver

from bounced.client import Client

client = Client.from_url(settings.BOUNCED_REDIS_URL)


@receiver(pre_send)
def leave_out_the_suppressed(message: EmailMessage, **_: Any) -> None:
    """Take off a message whoever is suppressed, and what is no address; cancel it where none is left."""
    suppressed = client.suppressed_among(parseaddr(recipient)[1] for recipient in message.recipients())
    for field in ("to", "cc", "bcc"):
        setattr(message, field, [r for r in getattr(message, field) if parseaddr(r)[1] not in suppressed])
    if not message.recipients():
        raise AnymailCancelSend("every recipient is suppressed or is no address")


@receiver(tracking)
def tell_what_happened(event: AnymailTrackingEvent, **_: Any) -> None:
    """Hand on what the service's webhook says."""
    match event.event_type:
        case EventType.BOUNCED:
            if reply := event.mta_response or event.description:  # without one nothing can be judged
                client.report_rejected(event.recipient, reply, at=event.timestamp)
        case EventType.COMPLAINED:
            client.report_complained(event.recipient, at=event.timestamp)
        case EventType.UNSUBSCRIBED:
            client.report_unsubscribed(event.recipient, at=event.timestamp)
        case EventType.DELIVERED:
            client.report_delivered(event.recipient, at=event.timestamp)
        case EventType.CLICKED:  # not OPENED: mail programs and filters open by themselves
            client.report_engaged(event.recipient, at=event.timestamp)


def envelope(message: EmailMessage, sender: Client) -> EmailMessage:
    """Give a message to one recipient its return path and header fields, such as List-Unsubscribe.

    For Django's SMTP backend and a client with return_paths.
    """
    (recipient,) = message.recipients()
    address = parseaddr(recipient)[1]
    message.extra_headers.setdefault("From", message.from_email)
    message.extra_headers.update(sender.headers_for(address))
    message.from_email = sender.return_path_for(address)
    return message
