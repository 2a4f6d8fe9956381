"""One log file: its whole lines one after the other, and whether it still is the file whose lines these were.

A file is known by its device and inode, and by the hash of its head.  The inode tells a renamed file from the new one
at its old place; the head tells a file that was truncated, and finds a copy of what it held before.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from bounced.edges.follow.contents import Contents, Plain, contents_of

HEAD_BYTES = 4096
READ_BYTES = 512 * 1024
"""How much is read at once.  A longer line is none that we know, and is passed over."""


class Lines(NamedTuple):
    """Whole lines of one file without their ends, and the places at which they begin and end together."""

    lines: Sequence[bytes]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a file from others.  ``head`` is the hash of its first ``head_bytes`` octets, in hex."""

    device: int
    inode: int
    head: str = ""
    head_bytes: int = 0


class LogFile:
    """An open log file, read from ``place`` on.  ``number`` is what it is called among those of its trail."""

    def __init__(self, number: int, path: Path, place: int = 0, head: tuple[str, int] = ("", 0)) -> None:
        """Open it.  Raises OSError."""
        self.number = number
        self.path = path
        self.place = place
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise OSError(f"{path} is no file")
        self._at = status.st_dev, status.st_ino
        self._head, self._head_bytes = head
        self._contents: Contents | None = None
        self._looked_to = 0
        """How far the end of a line was looked for that is too long."""

    @property
    def identity(self) -> Identity:
        """What tells it from others."""
        return Identity(*self._at, self._head, self._head_bytes)

    @property
    def size_bytes(self) -> int:
        """How large it is on the disk."""
        return os.fstat(self._descriptor).st_size

    @property
    def changed_at(self) -> float:
        """When somebody wrote to it last, as a unix time."""
        return os.fstat(self._descriptor).st_mtime

    @property
    def left_bytes(self) -> int:
        """How much is not read, as far as that can be known without decompression."""
        return max(0, self.size_bytes - self.place) if isinstance(self._contents, Plain | None) else 0

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def next(self) -> Lines | None:
        """Return the next whole lines, and go on behind them; None where there are none, or the file is another now.

        Raises NotReadable, OSError.
        """
        contents = self._opened()
        if contents is None or self.was_rewritten():
            return None
        read = contents.read_at(self.place, READ_BYTES)
        if self.was_rewritten():  # while we read
            return None
        length = read.rfind(b"\n") + 1
        if not length:
            return self._without_a_long_line(contents) if len(read) == READ_BYTES else None
        lines = Lines(read[: length - 1].split(b"\n"), self.place, self.place + length)
        self.place += length
        self._know_head(contents)
        return lines

    def was_rewritten(self) -> bool:
        """Whether this is not any more the file that was read so far: somebody has truncated it.

        Only what is not compressed is ever truncated to be written again.  Raises OSError.
        """
        if not isinstance(self._contents, Plain):
            return False
        if self.size_bytes < self.place:
            return True
        return self._head_bytes > 0 and _hash(self._contents, self._head_bytes) != self._head

    def has_head(self, head: str, head_bytes: int, place: int) -> bool:
        """Whether it begins with octets that have this hash and goes on to a place.  Raises NotReadable, OSError."""
        contents = self._opened()
        if contents is None or not head_bytes or _hash(contents, head_bytes) != head:
            return False
        return place == 0 or len(contents.read_at(place - 1, 1)) == 1

    def _opened(self) -> Contents | None:
        if self._contents is None:
            self._contents = contents_of(self._descriptor)
        return self._contents

    def _know_head(self, contents: Contents) -> None:
        """Note the head, which ends where we have read to, until it is as long as a head has to be."""
        most = min(self.place, HEAD_BYTES)
        if self._head_bytes < most and (self._head_bytes == 0 or isinstance(contents, Plain)):
            self._head, self._head_bytes = _hash(contents, most), most

    def _without_a_long_line(self, contents: Contents) -> Lines | None:
        """Pass over a line that is too long, as a whole: its end has to be found first."""
        look_at = max(self._looked_to, self.place + READ_BYTES)
        while read := contents.read_at(look_at, READ_BYTES):
            end = read.find(b"\n")
            if end >= 0:
                begin, self.place, self._looked_to = self.place, look_at + end + 1, 0
                self._know_head(contents)
                return Lines((), begin, self.place)
            look_at += len(read)
        self._looked_to = look_at
        return None


def _hash(contents: Contents, count: int) -> str:
    return sha256(contents.read_at(0, count)).hexdigest()
