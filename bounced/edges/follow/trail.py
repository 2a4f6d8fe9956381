"""One log across its rotations: a file that is renamed or truncated, or a folder in which each file follows another.

How it works.  The files of a trail have numbers in the order in which they were found.  A file that was renamed stays
open until nobody has written to it for a while and another one follows.  Whoever stops saves where it stands in each
open file; whoever starts finds these files again, also under another name, as a copy, or compressed.  The files behind
them, of rotations that nobody saw, are read then as well.

A file that is truncated (copytruncate) is read on in the copy that was made before, where that still has what was not
read.  What is written between the copy and the truncation is in neither of the two: nobody can read that.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from bounced.edges.follow.contents import NotReadable
from bounced.edges.follow.log_file import Identity, LogFile
from bounced.edges.follow.source import Batch, Missed, OnMissed

LINGERS_S = 60.0
"""For how long a program may write to a file that was renamed under it, since it last did so."""


_COMPRESSED = (".gz", ".zst")


class Standing(NamedTuple):
    """How far one file was read."""

    number: int
    path: str
    identity: Identity
    place: int


@dataclass(frozen=True, slots=True)
class Saved:
    """How far a trail was read.  ``over`` has the inodes of files in a folder that were read to their end, by name."""

    numbers: int = 0
    standings: tuple[Standing, ...] = ()
    over: Mapping[str, int] = field(default_factory=dict)

    def without(self, batch: Batch) -> "Saved":
        """Return it as it was before these lines were read."""
        before = tuple(
            each._replace(place=batch.begin) if each.number == batch.number else each for each in self.standings
        )
        return replace(self, standings=before)

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        files = [[each.number, each.path, list(_values(each.identity)), each.place] for each in self.standings]
        return {"numbers": self.numbers, "files": files, "over": dict(self.over)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return what a document has.  Raises KeyError, TypeError, ValueError."""
        standings = (Standing(number, path, Identity(*known), at) for number, path, known, at in document["files"])
        return cls(document["numbers"], tuple(standings), dict(document["over"]))


class Trail:
    """A log that is followed.  ``path`` is a file, or a folder whose files follow each other in order of their names.

    ``missed`` hears of what cannot be read.  ``now`` is the time, as files have it.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float],
        missed: OnMissed = lambda _path, _why, _details: None,
    ) -> None:
        self.path = path
        self._now = now
        self._missed = missed
        self._numbers = 0
        self._files: list[LogFile] = []
        self._damaged: list[LogFile] = []
        self._over: dict[str, int] = {}
        self._ended: list[int] = []

    def resume(self, known: Mapping[str, Any]) -> None:
        """Go on where somebody stopped, in the files that are found again.

        Raises OSError; KeyError, TypeError and ValueError where that is no such document.
        """
        saved = Saved.of(known) if known else Saved()
        self._numbers = saved.numbers
        self._over = dict(saved.over)
        for standing in saved.standings:
            file = self._found(standing)
            if file is not None:
                self._files.append(file)
            elif standing.place or standing.identity.head_bytes:
                self._missed(Path(standing.path), Missed.GONE, f"read to {standing.place}")
        self._add(self._successors())

    def next(self) -> Batch | None:
        """Return the next lines of any file, those of the oldest first; None where there are none now.

        Whoever asks again has taken in what he got.  Raises OSError, NoLibrary.
        """
        while True:
            for file in tuple(self._files):
                lines = self._read(file)
                if lines is not None:
                    return lines
            self._retire()
            if not self._add(self._successors()):
                return None

    def more(self, batch: Batch) -> Batch | None:
        """Return the next lines of the file that a batch is from; None where it has none now.  Raises as ``next``."""
        return next((self._read(file) for file in tuple(self._files) if file.number == batch.number), None)

    def saved(self, unread: Batch | None = None) -> Saved:
        """Return how far all files were read, but for the lines of a batch."""
        standings = (Standing(file.number, str(file.path), file.identity, file.place) for file in self._files)
        saved = Saved(self._numbers, tuple(standings), dict(self._over))
        return saved if unread is None else saved.without(unread)

    def ended(self) -> list[int]:
        """Return the numbers of files that were closed since somebody asked, because they have ended."""
        ended, self._ended = self._ended, []
        return ended

    @property
    def at_end(self) -> bool:
        """Whether everything was read: it was, if there are no lines now."""
        return True

    @property
    def left_bytes(self) -> int:
        """How much is not read of the open files, as far as that can be known without decompression."""
        return sum(file.left_bytes for file in self._files)

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()
        self._files = []

    def _read(self, file: LogFile) -> Batch | None:
        if file in self._damaged:
            return None
        try:
            lines = file.next()
            rewritten = lines is None and file.was_rewritten()
        except NotReadable as damaged:
            self._missed(file.path, Missed.DAMAGED, str(damaged))
            self._damaged.append(file)
            return None
        if rewritten:
            self._read_on_in_a_copy(file)
            return None
        return Batch(file.number, file.path, *lines) if lines else None

    def _read_on_in_a_copy(self, file: LogFile) -> None:
        """Replace a truncated file by the copy of what it held, where there is one; it is found again as a new one."""
        known = file.identity
        copy = self._with_head(file.number, known, file.place)
        place = self._files.index(file)
        file.close()
        self._files[place : place + 1] = [copy] if copy else []
        if copy is None:
            self._ended.append(file.number)
            self._missed(file.path, Missed.TRUNCATED, f"read to {file.place}")

    def _found(self, standing: Standing) -> LogFile | None:
        """Return the file that somebody had read so far, at the place where he stopped."""
        known = standing.identity
        for path in self._candidates():
            file = _opened(standing.number, path, standing.place, known)
            if file is None:
                continue
            same = (file.identity.device, file.identity.inode) == (known.device, known.inode)
            if same and (not known.head_bytes or _has_head(file, known, standing.place)):
                return file
            file.close()
        return self._with_head(standing.number, known, standing.place)

    def _with_head(self, number: int, known: Identity, place: int) -> LogFile | None:
        """Return another file that begins as one began and is as long at least: a copy, perhaps compressed."""
        taken = self._taken()
        for path in self._candidates():
            file = _opened(number, path, place, known)
            if file is None:
                continue
            if _inode(file) not in taken and _has_head(file, known, place):
                return file
            file.close()
        return None

    def _successors(self) -> Iterable[Path]:
        """Return files that follow those that are open, the first of them first."""
        if self.path.is_dir():
            return self._next_in_folder()
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return tuple(self._rotated_unseen())
        if (status.st_dev, status.st_ino) in self._taken():
            return ()
        return *self._rotated_unseen(), self.path

    def _next_in_folder(self) -> Iterable[Path]:
        taken = {inode for _device, inode in self._taken()}
        inodes = {path.name: path.stat().st_ino for path in self._candidates()}
        self._over = {name: inode for name, inode in self._over.items() if inodes.get(name) == inode}
        new = (name for name, inode in inodes.items() if inode not in taken and name not in self._over)
        first = min(new, default=None)
        return () if first is None else (self.path / first,)

    def _rotated_unseen(self) -> Iterator[Path]:
        """Yield files that were the log after the last one that we know, and before the present one, by their time."""
        if not self._files:
            return
        since, taken = self._files[-1].changed_at, self._taken()
        later, candidates = [], self._candidates()
        for path in candidates:
            status = path.stat()
            if path.suffix in _COMPRESSED and path.with_suffix("") in candidates:
                continue  # somebody is compressing that one
            if path != self.path and (status.st_dev, status.st_ino) not in taken and status.st_mtime > since:
                later.append((status.st_mtime, path))
        for _, path in sorted(later):
            if not any(self._is_copy(path, file.identity) for file in self._files):
                yield path

    def _is_copy(self, path: Path, known: Identity) -> bool:
        file = _opened(0, path, 0, known)
        if file is None:
            return False
        try:
            return _has_head(file, known, 0)
        finally:
            file.close()

    def _candidates(self) -> list[Path]:
        """Return the files that may be part of this log: in its folder, or named as it is and something behind that."""
        folder = self.path if self.path.is_dir() else self.path.parent
        belongs = _is_visible if folder == self.path else _rotated(self.path).fullmatch
        return sorted(path for path in folder.iterdir() if belongs(path.name) and path.is_file())

    def _taken(self) -> set[tuple[int, int]]:
        return {_inode(file) for file in self._files}

    def _add(self, paths: Iterable[Path]) -> bool:
        """Open further files; return whether there were any."""
        added = False
        for path in paths:
            file = _opened(self._numbers + 1, path, 0, Identity(0, 0))
            if file is not None:
                self._numbers += 1
                self._files.append(file)
                added = True
        return added

    def _retire(self) -> None:
        """Close files that have ended: another one follows, and nobody has written to them for a while."""
        for file in self._files[:-1]:
            if file.changed_at + LINGERS_S <= self._now():
                self._end(file)

    def _end(self, file: LogFile) -> None:
        file.close()
        self._files.remove(file)
        self._damaged = [each for each in self._damaged if each is not file]
        self._ended.append(file.number)
        if self.path.is_dir():
            self._over[file.path.name] = file.identity.inode


def _opened(number: int, path: Path, place: int, known: Identity) -> LogFile | None:
    """Return a file, or None where somebody has taken it away meanwhile.  Raises OSError."""
    try:
        return LogFile(number, path, place, (known.head, known.head_bytes))
    except FileNotFoundError:
        return None


def _is_visible(name: str) -> bool:
    return not name.startswith(".")


def _rotated(path: Path) -> re.Pattern[str]:
    """Return what names a file and its rotations: mail.log, mail.log.1, mail.log-20260501.gz, mail-20260501.log."""
    when, how = r"[._-]?[0-9][0-9A-Za-z._-]*", r"(?:\.[0-9A-Za-z]+)?"
    name, stem, suffix = re.escape(path.name), re.escape(path.stem), re.escape(path.suffix)
    return re.compile(f"{name}(?:{when})?|{stem}{when}{suffix}{how}")


def _has_head(file: LogFile, known: Identity, place: int) -> bool:
    try:
        return file.has_head(known.head, known.head_bytes, place)
    except NotReadable:
        return False


def _inode(file: LogFile) -> tuple[int, int]:
    return file.identity.device, file.identity.inode


def _values(identity: Identity) -> tuple[int, int, str, int]:
    return identity.device, identity.inode, identity.head, identity.head_bytes
