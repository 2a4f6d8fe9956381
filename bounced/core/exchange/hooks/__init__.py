"""Events of hosted services and MTAs that come over HTTP: one small table for each service."""

from collections.abc import Mapping
from types import MappingProxyType

from bounced.core.exchange.hooks import (
    brevo,
    generic,
    kumomta,
    mailgun,
    mailjet,
    postmark,
    resend,
    sendgrid,
    ses,
    sparkpost,
)
from bounced.core.exchange.hooks.heard import Entry, Heard, Means, Said, Silence, Silent, Unclear
from bounced.core.exchange.hooks.service import PATH_FIELD, PATH_KEY, NotHeard, Service, TooManyEvents

SERVICES: Mapping[str, Service] = MappingProxyType(
    {
        module.SERVICE.name: module.SERVICE
        for module in (
            generic,
            ses,
            sendgrid,
            mailgun,
            postmark,
            sparkpost,
            brevo,
            mailjet,
            resend,
            kumomta,
        )
    }
)
"""All of them, by the name that stands in the URL."""

__all__ = [
    "PATH_FIELD",
    "PATH_KEY",
    "SERVICES",
    "Entry",
    "Heard",
    "Means",
    "NotHeard",
    "Said",
    "Service",
    "Silence",
    "Silent",
    "TooManyEvents",
    "Unclear",
]
