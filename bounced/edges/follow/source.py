"""What is followed, however it comes: whole lines in batches, each at its place, and how far they were read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


class Missed(StrEnum):
    """Why some of a log cannot be read."""

    GONE = "gone"
    """A file that was not read to its end, or the next entry of the journal, is no longer there."""
    TRUNCATED = "truncated"
    """A file was truncated, and no copy has what was not read."""
    DAMAGED = "damaged"
    """A compressed file cannot be read."""


OnMissed = Callable[[Path, Missed, str], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole lines of one file without their ends, and the places at which they begin and end together.

    ``places`` are those of the lines, where they are not counted in octets.
    """

    number: int
    path: Path
    lines: Sequence[bytes]
    begin: int
    end: int
    places: Sequence[int] | None = None

    def placed(self) -> Iterable[tuple[int, bytes]]:
        """Return each line behind its place."""
        if self.places is not None:
            return zip(self.places, self.lines, strict=True)
        return _counted(self.begin, self.lines)

    @property
    def octets(self) -> int:
        """How much was read."""
        return self.end - self.begin if self.places is None else sum(map(len, self.lines))


class Position(Protocol):
    """How far everything was read."""

    @property
    def numbers(self) -> int:
        """The number of the file that was begun last."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""


class Log(Protocol):
    """What is followed: the files of a log, the journal, or a pipe."""

    def resume(self, known: Mapping[str, Any]) -> None:
        """Go on from a position, by its document; begin anew where that is empty.

        Raises OSError; KeyError, TypeError and ValueError where it is no such document.
        """

    def next(self) -> Batch | None:
        """Return the next lines; None where there are none now.  Raises OSError, NoLibrary."""

    def more(self, batch: Batch) -> Batch | None:
        """Return the next lines of the same file; None where it has none now.  Raises as ``next``."""

    def saved(self, unread: Batch | None = None) -> Position:
        """Return how far everything was read, without the lines of a batch that ``next`` gave last."""

    @property
    def at_end(self) -> bool:
        """Whether ``next`` gave None because everything was read that there is."""

    def ended(self) -> list[int]:
        """Return the numbers of files that have ended since somebody asked."""


def _counted(place: int, lines: Iterable[bytes]) -> Iterable[tuple[int, bytes]]:
    for line in lines:
        yield place, line
        place += len(line) + 1
