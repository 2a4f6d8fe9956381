"""Sends one message with the recipe's backend.  argv: the recipes' folder, Redis, the key's file, the relay's port."""

# mypy: disable-error-code="import-not-found"
# Django is not among our dependencies.

import sys

import django
from django.conf import settings
from django.core import mail

RECIPES, REDIS_URL, KEY_FILE, PORT = sys.argv[1:]
settings.configure(
    BOUNCED_DOMAIN="bounce.example.com",
    BOUNCED_KEY_FILE=KEY_FILE,
    BOUNCED_KEY_ID="a",
    BOUNCED_REDIS_URL=REDIS_URL,
    DEFAULT_CHARSET="utf-8",
    EMAIL_BACKEND="django_backend.EmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=int(PORT),
    USE_TZ=True,
)
django.setup()
sys.path.insert(0, RECIPES)

message = mail.EmailMessage(
    "News",
    "Hello",
    "News <news@example.com>",
    ["Alice <alice@example.org>", "bob@example.net"],
    ["hidden@example.org"],
    cc=["carol@example.org"],
)
message.tag = "nov"
sys.stdout.write(f"{message.send()}\n")
