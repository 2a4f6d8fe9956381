"""Django's own SMTP backend that mails no suppressed address and gives each recipient its own return path.

EMAIL_BACKEND = "myproject.django_backend.EmailBackend", and in the settings BOUNCED_REDIS_URL, BOUNCED_KEY_FILE,
BOUNCED_KEY_ID and BOUNCED_DOMAIN.  If Redis is away, sending raises redis.exceptions.RedisError and nothing is sent.
"""

# mypy: disable-error-code="import-not-found, misc"
# Django is not among our dependencies.

from collections.abc import Iterator, Sequence
from copy import copy
from email.utils import parseaddr

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
        own.extra_headers.update(client.headers_for(recipient))
        own.from_email = client.return_path_for(recipient)
        yield own
