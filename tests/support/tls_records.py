"""A TLS 1.3 client's records, encrypted by hand: OpenSSL sends none that a hostile peer would.  (RFC 8446)"""

import hmac
import struct
from hashlib import sha384
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SUITE = "TLS_AES_256_GCM_SHA384"
ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
GOODBYE = b"\x01\x00"  # close_notify
CHANGE_OF_KEYS = b"\x18\x00\x00\x01\x01"  # KeyUpdate, update_requested


class Records:
    """Goes on where a client with a file of its secrets (``keylog_filename``) has finished its handshake."""

    def __init__(self, secrets: Path) -> None:
        (line,) = (line for line in secrets.read_text().splitlines() if line.startswith("CLIENT_TRAFFIC_SECRET_0 "))
        self._secret = bytes.fromhex(line.split()[2])
        self._begin()

    def of(self, kind: int, content: bytes) -> bytes:
        """Return the next record."""
        inner = content + bytes([kind])
        head = b"\x17\x03\x03" + struct.pack(">H", len(inner) + 16)
        nonce = bytes(a ^ b for a, b in zip(self._iv, struct.pack(">4xQ", self._number), strict=True))
        self._number += 1
        return head + AESGCM(self._key).encrypt(nonce, inner, head)

    def change_keys(self) -> bytes:
        """Return a record that changes the keys and asks for new ones; the next is under the new key."""
        record = self.of(HANDSHAKE, CHANGE_OF_KEYS)
        self._secret = self._expand(b"traffic upd", sha384().digest_size)
        self._begin()
        return record

    def _begin(self) -> None:
        self._key, self._iv, self._number = self._expand(b"key", 32), self._expand(b"iv", 12), 0

    def _expand(self, label: bytes, size: int) -> bytes:
        label = b"tls13 " + label
        about = struct.pack(">H", size) + bytes([len(label)]) + label + b"\0"
        return hmac.new(self._secret, about + b"\1", sha384).digest()[:size]
