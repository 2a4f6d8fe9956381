"""Django's own SMTP backend that mails no suppressed address and gives each recipient its own return path.

For a newsletter: get_connection("myproject.django_backend.EmailBackend").  The settings are BOUNCED_REDIS_URL,
BOUNCED_KEY_FILE, BOUNCED_KEY_ID and BOUNCED_DOMAIN.  A message may have an attribute `tag`, the campaign's code.
If Redis is away, sending raises redis.exceptions.RedisError and nothing is sent.
"""

# mypy: disable-error-code="import-not-found, misc"
# Django is not among our dependencies.

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from email.message import Message
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend

from bounced.client import Client, Keyring, ReturnPaths, SigningKey

key = SigningKey.from_file(settings.BOUNCED_KEY_ID, settings.BOUNCED_KEY_FILE)
client = Client.from_url(
    settings.BOUNCED_REDIS_URL, return_paths=ReturnPaths("main", (settings.BOUNCED_DOMAIN,), Keyring(key))
)


class EmailBackend(SmtpBackend):
    """Sends a message to each recipient by itself, and returns how many were handed over."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send messages to all recipients who are not suppressed."""
        return super().send_messages([each for message in email_messages for each in one_each(message)]) or 0


def one_each(message: EmailMessage) -> Iterator[EmailMessage]:
    """Yield a copy of a message for each recipient who may be mailed; all see the same To and Cc."""
    recipients = [parseaddr(recipient)[1] for recipient in message.recipients()]
    suppressed = client.suppressed_among(recipients)
    for recipient in (each for each in recipients if each not in suppressed):
        own = copy(message)
        own.to, own.cc, own.bcc = [recipient], [], []
        shown = {"From": message.from_email, "To": ", ".join(message.to), "Cc": ", ".join(message.cc)}
        own.extra_headers = {**{name: text for name, text in shown.items() if text}, **message.extra_headers}
        tag = getattr(message, "tag", "")
        own.extra_headers.update(client.headers_for(recipient, tag=tag))
        own.from_email = client.return_path_for(recipient, tag=tag)
        own.message = in_whole_lines(own.message)
        yield own


def in_whole_lines(make: Callable[..., Message]) -> Callable[..., Message]:
    """Return what makes the same message with header fields in one line: Django 6 makes encoded words of long ones."""

    def made(*how: Any, **more: Any) -> Message:
        message = make(*how, **more)
        message.policy = message.policy.clone(max_line_length=998)
        return message

    return made
