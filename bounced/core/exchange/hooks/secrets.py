"""How the secret of a service is read from its file."""

import re
from base64 import b64decode
from binascii import Error as NotBase64

# unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~".  (RFC 3986 section 2.3)
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]+")

# A field value is stripped of the white space around it.  (RFC 9110 section 5.5)
_ONE_LINE = re.compile(rb"(?:[!-~](?:[ -~]*[!-~])?)?")

MIN_SECRET_BYTES = 16
"""Of a secret that somebody chose."""
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----(.+)-----END PUBLIC KEY-----\s*", re.DOTALL)
# SubjectPublicKeyInfo of id-ecPublicKey on secp256r1, up to the first octet of an uncompressed point.  (RFC 5480)
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_P256_BYTES = 91
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""The curve: y^2 = x^3 - 3x + b, modulo p.  (NIST SP 800-186 section 3.2.1.3)"""

STANDARD_WEBHOOKS_PREFIX = b"whsec_"


def chosen_secret(written: bytes) -> bytes:
    """Return a secret as it stands.  Raises ValueError for one that is too short, or that no header field can hold."""
    if not _ONE_LINE.fullmatch(written):
        raise ValueError("one line of printable ASCII without spaces at its ends is needed")
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


def p256_public_key(written: bytes) -> bytes:
    """Return a public key of the curve P-256, written in base64 or as PEM.  Raises ValueError for anything else."""
    in_pem = _PEM.fullmatch(written)
    try:
        key = b64decode(b"".join((in_pem[1] if in_pem else written).split()), validate=True)
    except NotBase64:
        key = b""
    if len(key) != _P256_BYTES or not key.startswith(_P256) or not _is_on_curve(key.removeprefix(_P256)):
        raise ValueError("a public key (ECDSA, P-256) in base64 is needed")
    return key


def _is_on_curve(point: bytes) -> bool:
    x, y = int.from_bytes(point[:32]), int.from_bytes(point[32:])
    return x < _P and y < _P and (y * y - x * x * x + 3 * x - _B) % _P == 0
