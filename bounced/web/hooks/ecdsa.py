"""The proof of SendGrid: a signature (ECDSA, P-256, SHA-256) over the time and the body.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

from base64 import b64decode
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bounced.core.numbers import whole
from bounced.web.hooks.proof import Asked, NotProven, Proven, Trusted

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

MAX_AGE = timedelta(hours=25)
"""SendGrid tries for a day to post a batch, and does not say that it signs it anew."""
MAX_AHEAD = timedelta(minutes=15)


class EcdsaSignature:
    """Checks by the public keys that SendGrid shows, one for each webhook.  Raises ValueError for what is no key."""

    def __init__(self, trusted: Trusted) -> None:
        self._keys = [_key(each) for each in trusted.secrets]

    async def check(self, asked: Asked) -> Proven:
        """Return the body.  Raises NotProven."""
        signature, timestamp = asked.headers.get(SIGNATURE, ""), asked.headers.get(TIMESTAMP, "")
        at = whole(timestamp)
        if not signature or at is None:
            raise NotProven("no_signature")
        now = asked.now.timestamp()
        if not now - MAX_AGE.total_seconds() <= at <= now + MAX_AHEAD.total_seconds():
            raise NotProven("bad_time")
        try:
            octets = b64decode(signature, validate=True)
        except ValueError:  # no base64
            raise NotProven("bad_signature") from None
        signed = timestamp.encode() + asked.body
        if not any(_is_signed(key, octets, signed) for key in self._keys):
            raise NotProven("bad_signature")
        return Proven(asked.body)


def _is_signed(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _key(der: bytes) -> EllipticCurvePublicKey:
    key = load_der_public_key(der)
    assert isinstance(key, EllipticCurvePublicKey)
    return key
