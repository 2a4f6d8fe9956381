"""What a log file holds, from a place on.  In a compressed file places are counted in what was compressed."""

import os
import zlib
from collections.abc import Callable
from typing import Protocol

CHUNK_BYTES = 256 * 1024
MAGIC_BYTES = 4
"""How many octets tell whether a file is compressed."""
_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 31


class NotReadable(Exception):  # noqa: N818 - says what is so; the message says why
    """A compressed file that is damaged; the message says how."""


class NoLibrary(Exception):  # noqa: N818 - likewise
    """A file is compressed in a way that no library here can read."""


class Contents(Protocol):
    """What a file holds."""

    def read_at(self, place: int, most: int) -> bytes:
        """Return up to so many octets from a place on; fewer only where there are no more.  Raises NotReadable."""


class Decompressor(Protocol):
    """One frame of a compressed file, as ``zlib`` and ``zstandard`` read it."""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""

    @property
    def unused_data(self) -> bytes:
        """What follows its end."""

    def decompress(self, data: bytes, /) -> bytes:
        """Return what further octets hold."""


class Plain:
    """A file that is not compressed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read_at(self, place: int, most: int) -> bytes:
        """Return up to so many octets from a place on."""
        return os.pread(self._descriptor, most, place)


class Compressed:
    """A compressed file, perhaps one that grows.  It is read forwards; a step back reads it again from its beginning.

    ``begin`` makes the decompressor of one frame.
    """

    def __init__(self, descriptor: int, begin: Callable[[], Decompressor]) -> None:
        self._descriptor = descriptor
        self._begin = begin
        self._rewind()

    def read_at(self, place: int, most: int) -> bytes:
        """Return up to so many octets from a place on.  Raises NotReadable."""
        if place < self._at:
            self._rewind()
        while True:
            passed = min(place - self._at, len(self._held))
            del self._held[:passed]
            self._at += passed
            if (self._at == place and len(self._held) >= most) or not self._hold_more():
                return bytes(self._held[:most]) if self._at == place else b""

    def _rewind(self) -> None:
        self._frame = self._begin()
        self._raw_at = 0
        self._at = 0
        self._held = bytearray()

    def _hold_more(self) -> bool:
        raw = os.pread(self._descriptor, CHUNK_BYTES, self._raw_at)
        if not raw:
            return False
        self._raw_at += len(raw)
        try:
            while raw:
                if self._frame.eof:
                    self._frame = self._begin()
                self._held += self._frame.decompress(raw)
                raw = self._frame.unused_data if self._frame.eof else b""
        except Exception as error:  # each library has its own
            raise NotReadable(f"it is damaged: {error}") from error
        return True


def contents_of(descriptor: int) -> Contents | None:
    """Return what a file holds; None where it is too short to tell.  Raises NoLibrary."""
    magic = os.pread(descriptor, MAGIC_BYTES, 0)
    if len(magic) < MAGIC_BYTES:
        return None
    if magic.startswith(_GZIP):
        return Compressed(descriptor, lambda: zlib.decompressobj(_GZIP_WINDOW))
    if magic == _ZSTANDARD:
        return Compressed(descriptor, _zstandard())
    return Plain(descriptor)


def _zstandard() -> Callable[[], Decompressor]:
    try:
        import zstandard  # noqa: PLC0415 - an extra
    except ImportError:
        raise NoLibrary("a log is compressed with zstd: install bounced-mx[follow]") from None
    return zstandard.ZstdDecompressor().decompressobj
