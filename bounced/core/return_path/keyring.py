"""The keys that sign return paths and those that still verify them, and how the secret in a key's file is read.

The daemon, the clients and the recipes for other languages read it in the same way.  A key that somebody reads with
the newline behind it is another key: every return path made with it is refused, and every bounce is lost.  So what
editors, shells and environments add to a text does not count.  (docs/return-path.md)
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from bounced.core.return_path.base32 import VALUE_OF
from bounced.core.return_path.errors import BadReturnPath, Reason

MIN_SECRET_BYTES = 16
BLOCK_BYTES = 64
MAX_FILE_BYTES = 64 * 1024

_UTF8_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BLANKS = b" \t\r\n"
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n"


class KeyStatus(StrEnum):
    """What a key may still do."""

    SIGNING = "signing"
    VERIFY = "verify"
    REVOKED = "revoked"


class PathLike(Protocol):
    """The name of a file, such as pathlib.Path."""

    def __fspath__(self) -> str:
        """Return the name."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret and the one base32 character by which return paths name it.

    ``secret_of`` is applied to the secret.  Raises ValueError for an id or a secret that cannot be used.
    """

    id: str
    secret: bytes = field(repr=False)
    status: KeyStatus = KeyStatus.SIGNING
    _inner: "hashlib._Hash" = field(init=False, repr=False, compare=False)
    _outer: "hashlib._Hash" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse an id that does not fit HEAD, and a secret that can be guessed; prepare the halves of the HMAC."""
        if self.id not in VALUE_OF:
            raise ValueError(f"a key is named by one character of a-z2-7, got {self.id!r}")
        try:
            object.__setattr__(self, "secret", secret_of(self.secret))
        except ValueError as error:
            raise ValueError(f"key {self.id}: {error}") from error
        if len(self.secret) < MIN_SECRET_BYTES:
            raise ValueError(f"key {self.id}: a secret has at least {MIN_SECRET_BYTES} octets, got {len(self.secret)}")
        secret = self.secret if len(self.secret) <= BLOCK_BYTES else hashlib.sha256(self.secret).digest()
        padded = secret.ljust(BLOCK_BYTES, b"\0")
        object.__setattr__(self, "_inner", hashlib.sha256(bytes(octet ^ 0x36 for octet in padded)))
        object.__setattr__(self, "_outer", hashlib.sha256(bytes(octet ^ 0x5C for octet in padded)))

    @classmethod
    def from_file(cls, id_: str, file: str | PathLike, status: KeyStatus = KeyStatus.SIGNING) -> "SigningKey":
        """Return the key in a file.  Raises OSError, and ValueError that names the file for what is no good key."""
        with open(file, "rb") as opened:  # noqa: PTH123 - the core knows no pathlib
            octets = opened.read(MAX_FILE_BYTES)
        try:
            return cls(id_, octets, status)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error

    @classmethod
    def from_text(cls, id_: str, text: str, status: KeyStatus = KeyStatus.SIGNING) -> "SigningKey":
        """Return the key in a text, such as a variable of the environment.  Raises ValueError."""
        return cls(id_, text.encode(), status)

    def hmac(self, message: bytes) -> bytes:
        """Return HMAC-SHA256 under this key.

        The key is hashed once and not for each message, which is a third of the work.  (RFC 2104 section 4)
        """
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class Keyring:
    """The keys of one list: exactly one signs, any number verify.  Raises ValueError for any other set."""

    __slots__ = ("_by_id", "signing")

    signing: SigningKey
    _by_id: Mapping[str, SigningKey]

    def __init__(self, *keys: SigningKey) -> None:
        by_id = {key.id: key for key in keys}
        if len(by_id) != len(keys):
            raise ValueError(f"two keys share one id: {' '.join(sorted(key.id for key in keys))}")
        signing = [key for key in keys if key.status is KeyStatus.SIGNING]
        if len(signing) != 1:
            raise ValueError(f"exactly one key signs, got {len(signing)}")
        self.signing = signing[0]
        self._by_id = MappingProxyType(by_id)

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All of them, revoked ones too."""
        return tuple(self._by_id.values())

    def verifying(self, key_id: str, *, revoked_too: bool = False) -> SigningKey:
        """Return the key of that name if it may verify.  Raises BadReturnPath.

        ``revoked_too``: what it verifies is so harmless that it counts even where others know the secret.
        """
        key = self._by_id.get(key_id)
        if key is None:
            raise BadReturnPath(Reason.UNKNOWN_KEY)
        if key.status is KeyStatus.REVOKED and not revoked_too:
            raise BadReturnPath(Reason.REVOKED_KEY)
        return key


def secret_of(octets: bytes) -> bytes:
    """Return the secret in what a key's file, or a variable of the environment, holds.

    From ASCII text, and from text with a byte order mark of UTF-8, the mark is removed, and so are blanks and line ends
    around the text.  From other octets only line ends at the end are removed.  Raises ValueError for UTF-16, and where
    there is nothing but NULs.
    """
    if octets.startswith(_OTHER_MARKS):
        raise ValueError("a secret is plain text or octets, got UTF-16")
    text = octets.removeprefix(_UTF8_MARK)
    is_text = text is not octets or not octets.translate(None, _TEXT)
    secret = text.strip(_BLANKS) if is_text else octets.rstrip(b"\r\n")
    if secret and not secret.strip(b"\0"):
        raise ValueError("a secret is not made of NUL octets alone, as a file is that was never written out")
    return secret
