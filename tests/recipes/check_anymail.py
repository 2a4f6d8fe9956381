"""Does what a project with django-anymail does, and prints what came of it.  argv: the recipes' folder, Redis."""

# mypy: disable-error-code="import-not-found"
# Django is not among our dependencies.

import base64
import json
import sys
from datetime import UTC, datetime

import django
from django.conf import settings
from django.core import mail
from django.urls import include, path

RECIPES, REDIS_URL = sys.argv[1:]
LOGIN = "service:a secret of the test"
settings.configure(
    ALLOWED_HOSTS=["testserver"],
    ANYMAIL={"WEBHOOK_SECRET": LOGIN},
    BOUNCED_REDIS_URL=REDIS_URL,
    DEFAULT_CHARSET="utf-8",
    EMAIL_BACKEND="anymail.backends.test.EmailBackend",
    INSTALLED_APPS=["anymail"],
    ROOT_URLCONF=(path("anymail/", include("anymail.urls")),),
    USE_TZ=True,
)
django.setup()
sys.path.insert(0, RECIPES)

import django_signals  # noqa: E402, F401 - as an AppConfig does in ready()
from anymail.signals import AnymailTrackingEvent, tracking  # noqa: E402
from django.test import Client  # noqa: E402

WHEN = datetime(2026, 11, 1, 12, tzinfo=UTC)


def sent(to: list[str], **more: list[str]) -> object:
    """Return how many messages were sent, and to whom."""
    mail.outbox = []
    number = mail.EmailMessage("News", "Hello", "news@example.com", to, **more).send()
    return [number, [message.recipients() for message in mail.outbox]]


def posted(service: str, body: object, login: str = LOGIN) -> object:
    """Return how Django answers a webhook."""
    authorization = f"Basic {base64.b64encode(login.encode()).decode()}"
    return (
        Client()
        .post(
            f"/anymail/{service}/tracking/",
            json.dumps(body),
            content_type="application/json",
            headers={"authorization": authorization},
        )
        .status_code
    )


def heard(event_type: str, recipient: str | None, esp_event: object, **more: object) -> None:
    """Send what anymail makes of a webhook that needs more of the service than a test has."""
    event = AnymailTrackingEvent(
        event_type=event_type, recipient=recipient, esp_event=esp_event, timestamp=WHEN, **more
    )
    tracking.send(sender=None, event=event, esp_name="a service")


asked = json.load(sys.stdin)
for each in asked.get("hear", []):
    heard(**each)
said = {
    "sent": [sent(**each) for each in asked.get("send", [])],
    "posted": [posted(*each) for each in asked.get("post", [])],
}
sys.stdout.write(json.dumps(said))
