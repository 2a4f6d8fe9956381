"""What proves the events of each service."""

import ssl
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from bounced.web.hooks.ecdsa import EcdsaSignature
from bounced.web.hooks.fetching import Fetcher
from bounced.web.hooks.mailgun import Mailgun
from bounced.web.hooks.proof import Proof, ProofMaker, Trusted
from bounced.web.hooks.shared_secret import SharedSecret
from bounced.web.hooks.sns import SnsProof
from bounced.web.hooks.sns.certificates import Certificates, system_roots
from bounced.web.hooks.standard_webhooks import StandardWebhooks


def _sns(trusted: Trusted) -> Proof:
    return SnsProof(trusted, *_amazon())


@cache
def _amazon() -> tuple[Fetcher, Certificates]:
    """Return what asks Amazon, for all lists: the system's authorities take a megabyte."""
    fetch = Fetcher(ssl.create_default_context())
    return fetch, Certificates(fetch, system_roots)


PROOFS: Mapping[str, ProofMaker] = MappingProxyType(
    {
        "brevo": SharedSecret,
        "generic": StandardWebhooks,
        "kumomta": SharedSecret,
        "mailgun": Mailgun,
        "mailjet": SharedSecret,
        "postmark": SharedSecret,
        "resend": StandardWebhooks,
        "sendgrid": EcdsaSignature,
        "ses": _sns,
        "sparkpost": SharedSecret,
    }
)
"""By the service's name, as in SERVICES."""
