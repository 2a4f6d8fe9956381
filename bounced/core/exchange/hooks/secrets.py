"""How the secret of a service is read from its file."""

import re
from base64 import b64decode
from binascii import Error as NotBase64

# unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~".  (RFC 3986 section 2.3)
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]+")

MIN_SECRET_BYTES = 16
"""Of a secret that somebody chose."""
STANDARD_WEBHOOKS_PREFIX = b"whsec_"


def chosen_secret(written: bytes) -> bytes:
    """Return a secret as it stands.  Raises ValueError for one that is too short."""
    if len(written) < MIN_SECRET_BYTES:
        raise ValueError(f"at least {MIN_SECRET_BYTES} octets are needed, got {len(written)}")
    return written


def path_secret(written: bytes) -> bytes:
    """Return a secret that stands in a URL as it is written.  Raises ValueError where it would be encoded."""
    if not _UNRESERVED.fullmatch(written):
        raise ValueError("only letters, digits, dot, -, _ and ~ can stand in a path")
    return chosen_secret(written)


def standard_webhooks_key(written: bytes) -> bytes:
    """Return the key of a secret of Standard Webhooks: whsec_ and the key in base64.  Raises ValueError."""
    encoded = written.removeprefix(STANDARD_WEBHOOKS_PREFIX)
    try:
        key = b64decode(encoded, validate=True)
    except NotBase64:
        key = b""
    if encoded == written or len(key) < MIN_SECRET_BYTES:
        raise ValueError(f"whsec_ and at least {MIN_SECRET_BYTES} octets in base64 are needed")
    return key
