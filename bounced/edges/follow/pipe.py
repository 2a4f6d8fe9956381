"""A log that comes over a pipe, such as the journal: it is read once, and nobody can go back in it."""

import os
import select
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bounced.edges.follow.log_file import READ_BYTES
from bounced.edges.follow.source import Batch
from bounced.edges.follow.trail import Saved

MAX_LINE_BYTES = READ_BYTES
STDIN = 0


class Pipe:
    """Whole lines from a descriptor.  ``at_end`` is true when no more will come."""

    def __init__(self, descriptor: int = STDIN) -> None:
        self._descriptor = descriptor
        self._held = b""
        self._place = 0
        self._is_too_long = False
        self.at_end = False

    def resume(self, known: Mapping[str, Any]) -> None:
        """Do nothing: what was read before is gone."""

    def next(self) -> Batch | None:
        """Return the lines that have come; None where there are none now."""
        while not self.at_end and select.select([self._descriptor], [], [], 0)[0]:
            read = os.read(self._descriptor, READ_BYTES)
            self.at_end = not read
            whole, end, self._held = (self._held + read).rpartition(b"\n")
            if end:
                return self._batch(whole)
            if len(self._held) > MAX_LINE_BYTES:  # the end of a line that is too long is none either
                self._held, self._is_too_long = b"", True
        return None

    def more(self, batch: Batch) -> Batch | None:  # noqa: ARG002 - Log
        """Return further lines; None where there are none now."""
        return self.next()

    def saved(self, unread: Batch | None = None) -> Saved:  # noqa: ARG002 - Log
        """Return that nothing can be read again."""
        return Saved()

    def ended(self) -> list[int]:
        """Return that no file has ended."""
        return []

    def _batch(self, whole: bytes) -> Batch:
        lines = whole.split(b"\n")
        begin = self._place
        self._place += len(whole) + 1
        if self._is_too_long:
            begin += len(lines.pop(0)) + 1
            self._is_too_long = False
        return Batch(1, Path("-"), lines, begin, self._place)
