"""Signatures of webhooks: HMAC-SHA256 of id, time and body.  (Standard Webhooks 1.0.0, standardwebhooks.com)

What receivers check stands in its library `standardwebhooks`, which the tests ask; the library itself would bring an
HTTP client and five more packages for the ten lines here.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable

PREFIX = "whsec_"
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64


def secret_of(text: str) -> bytes:
    """Return the octets of a secret, ``whsec_`` and base64.  Raises ValueError, whose words hold nothing of it."""
    text = text.strip()
    if not text.startswith(PREFIX):
        raise ValueError(f'begin with "{PREFIX}"')
    try:
        secret = b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError(f'hold base64 behind "{PREFIX}"') from None
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        raise ValueError(f"hold {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} octets in base64, got {len(secret)}")
    return secret


def signatures(secrets: Iterable[bytes], id_: str, unix_time: int, body: bytes) -> str:
    """Return the field ``webhook-signature``: one signature for each secret, so that a receiver may know either."""
    signed = b"%b.%d.%b" % (id_.encode(), unix_time, body)
    return " ".join(f"v1,{b64encode(hmac.digest(secret, signed, 'sha256')).decode()}" for secret in secrets)
