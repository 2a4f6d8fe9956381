"""The proof of services that sign nothing: a secret in the Authorization field.  (RFC 7617, RFC 6750)"""

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass

from bounced.web.hooks.proof import Asked, NotProven, Proven, Trusted, is_one_of


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """Basic or Bearer.  A secret with a colon is the user and the password of Basic, else any user will do."""

    trusted: Trusted

    async def check(self, asked: Asked) -> Proven:
        """Return the body.  Raises NotProven."""
        scheme, _, credentials = asked.headers.get("authorization", "").partition(" ")
        given = credentials.strip().encode("latin-1", "replace")
        match scheme.lower():
            case "bearer" if is_one_of(given, self.trusted.secrets):
                return Proven(asked.body)
            case "basic" if is_one_of(*_basic(given, self.trusted)):
                return Proven(asked.body)
        raise NotProven("bad_secret" if scheme else "no_secret")


def _basic(given: bytes, trusted: Trusted) -> tuple[bytes, list[bytes]]:
    """Return user and password, and which ones are good for that user."""
    try:
        pair = b64decode(given, validate=True)
    except NotBase64:
        pair = b""
    user = pair.partition(b":")[0]
    return pair, [each if b":" in each else user + b":" + each for each in trusted.secrets]
