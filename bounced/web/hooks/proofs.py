"""What proves the events of each service."""

from collections.abc import Mapping
from types import MappingProxyType

from bounced.web.hooks.mailgun import Mailgun
from bounced.web.hooks.proof import ProofMaker
from bounced.web.hooks.shared_secret import SharedSecret
from bounced.web.hooks.standard_webhooks import StandardWebhooks

PROOFS: Mapping[str, ProofMaker] = MappingProxyType(
    {
        "generic": StandardWebhooks,
        "kumomta": SharedSecret,
        "mailgun": Mailgun,
        "postmark": SharedSecret,
        "resend": StandardWebhooks,
    }
)
"""By the service's name, as in SERVICES."""
