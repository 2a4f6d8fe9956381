"""The proof of Standard Webhooks: an HMAC over id, time and body.  (standardwebhooks.com, version 1.0.0)

The services of Svix name the header fields otherwise; what is signed is the same.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field

from bounced.core.numbers import whole
from bounced.web.hooks.proof import Asked, NotProven, Proven, Trusted, is_one_of

TOLERANCE_S = 300
"""How far the time of an attempt may be from ours.  Each further attempt has a time of its own."""
VERSION = "v1"
MAX_SIGNATURES = 10
PREFIXES = ("webhook", "svix")


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """Signatures by any of the keys.  Those of a sender that is replacing its key stand behind each other."""

    trusted: Trusted
    prefixes: tuple[str, ...] = field(default=PREFIXES)

    async def check(self, asked: Asked) -> Proven:
        """Return the body.  Raises NotProven."""
        prefix = next((each for each in self.prefixes if f"{each}-signature" in asked.headers), None)
        if prefix is None:
            raise NotProven("no_signature")
        id_, at, signatures = (asked.headers.get(f"{prefix}-{name}", "") for name in ("id", "timestamp", "signature"))
        signed = b".".join((id_.encode("latin-1"), at.encode("latin-1"), asked.body))
        good = [hmac.digest(key, signed, "sha256") for key in self.trusted.secrets]
        if not any([is_one_of(given, good) for given in _given(signatures)]):  # noqa: C419 - each is compared
            raise NotProven("bad_signature")
        sent_at = whole(at)
        if sent_at is None or abs(asked.now.timestamp() - sent_at) > TOLERANCE_S:
            raise NotProven("bad_time")
        return Proven(asked.body, call=id_)


def _given(signatures: str) -> list[bytes]:
    """Return the signatures of a field: VERSION, a comma, and octets in base64, separated by spaces."""
    given = []
    for each in signatures.split()[:MAX_SIGNATURES]:
        version, _, encoded = each.partition(",")
        if version == VERSION:
            try:
                given.append(b64decode(encoded, validate=True))
            except (NotBase64, ValueError):
                continue
    return given


def signature(key: bytes, id_: str, at: int, body: bytes) -> str:
    """Return the field that proves a body."""
    signed = b".".join((id_.encode(), str(at).encode(), body))
    return f"{VERSION},{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
