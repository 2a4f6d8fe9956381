"""The journal, as journalctl writes it for programs: one JSON object in each line, from where somebody stopped.

How it works.  The place of an entry is its sequence number.  journald counts on under one id; after a crash of the
machine it may give the last numbers again, so a number holds for an id and a boot.  Each such pair has a number of its
own, as each file of a log has.  journalctl is started at the entry that was read last.  If another entry comes first,
this one is gone: then everything since shortly before is read, and what was read already is passed over.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import IO, Any, Self

from bounced.edges.follow.pipe import Pipe
from bounced.edges.follow.source import Batch, Missed, OnMissed

JOURNAL = Path("journal:")
"""What the journal is called among the logs."""
PROGRAM = "journalctl"
FIRST_SINCE = "-7d"
"""How much is read at the first start."""
FIELDS = ("MESSAGE", "SYSLOG_IDENTIFIER", "_HOSTNAME", "_SYSTEMD_UNIT", "_UID")
COUNTINGS = 8
"""Of so many boots the last place is kept; only the last one matters unless entries are gone."""
AGAIN_S = 1.0
"""How long after its end journalctl is started again: with --follow it gave nothing within the unit's confinement."""
BEFORE_S = 3600
"""How long before an entry that is gone is read again: the clock may have been set."""
# sd_journal_get_cursor(): sequence number id, sequence number, boot id, and more.  Within a value each quote is
# escaped, so this is the field.
_CURSOR = re.compile(rb'"__CURSOR" ?: ?"(s=([0-9a-f]+);i=([0-9a-f]+);b=([0-9a-f]+);[^"\\]*)"')
_AT = re.compile(rb'"__REALTIME_TIMESTAMP" ?: ?"([0-9]{7,20})"')


@dataclass(frozen=True, slots=True)
class Read:
    """How far the journal was read: to which entry, its time, and for each id and boot its number and the place."""

    numbers: int = 0
    cursor: str = ""
    at: int = 0
    countings: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        countings = {name: list(counting) for name, counting in self.countings.items()}
        return {"numbers": self.numbers, "cursor": self.cursor, "at": self.at, "countings": countings}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return what a document has.  Raises KeyError, TypeError, ValueError."""
        countings = {str(name): (int(number), int(at)) for name, (number, at) in document["countings"].items()}
        return cls(int(document["numbers"]), str(document["cursor"]), int(document["at"]), countings)


@dataclass(frozen=True, slots=True)
class _Entry:
    line: bytes
    cursor: str
    counting: str
    place: int


class Journal:
    """The entries that match, as ``journalctl`` has matches.  ``at_end`` is true when no more will come.

    With ``once`` they end where the journal ends.  ``missed`` hears that entries are gone.
    """

    def __init__(
        self,
        matches: Sequence[str],
        *,
        once: bool = False,
        missed: OnMissed = lambda _path, _why, _details: None,
    ) -> None:
        self._matches = matches
        self._once = once
        self._missed = missed
        self._read = self._before = Read()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Pipe | None = None
        self._expected = ""
        self._entries: list[_Entry] = []
        self._ended: list[int] = []
        self._again_at = 0.0
        self.at_end = False

    def resume(self, known: Mapping[str, Any]) -> None:
        """Go on behind the entry that was read last."""
        self._read = self._before = Read.of(known) if known else Read()

    def next(self) -> Batch | None:
        """Return the next entries; None where there are none now.  Raises OSError."""
        while not self._entries:
            lines = self._lines()
            if lines is None:
                return None
            self._entries = self._new(lines)
        return self._taken(self._entries[0].counting)

    def more(self, batch: Batch) -> Batch | None:
        """Return further entries that are counted together with these; None where there are none now."""
        if not self._entries:
            lines = self._lines()
            self._entries = self._new(lines) if lines else []
        if not self._entries or self._number(self._entries[0].counting) != batch.number:
            return None
        return self._taken(self._entries[0].counting)

    def saved(self, unread: Batch | None = None) -> Read:
        """Return how far the journal was read."""
        if unread is None:
            return self._read
        places = self._before.countings
        countings = {name: places.get(name, (number, 0)) for name, (number, _) in self._read.countings.items()}
        return replace(self._before, numbers=self._read.numbers, countings=countings)

    def ended(self) -> list[int]:
        """Return the numbers of countings that nothing is known of any more."""
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """End journalctl."""
        if self._process is not None:
            self._process.kill()
            self._reaped(self._process)

    def _lines(self) -> Sequence[bytes] | None:
        """Return what journalctl has written; None where there is nothing now.  Raises OSError."""
        if self.at_end or (self._process is None and monotonic() < self._again_at):
            return None
        process = self._process or self._begun()
        pipe = self._pipe or Pipe(_opened(process.stdout).fileno())
        self._pipe = pipe
        batch = pipe.next()
        if batch is None and pipe.at_end:
            status, said = self._reaped(process)
            if status:
                raise OSError(f"{PROGRAM} ended with {status}: {said}")
            self.at_end, self._again_at = self._once, monotonic() + AGAIN_S
        return batch.lines if batch else None

    def _begun(self) -> subprocess.Popen[bytes]:
        self._expected = self._read.cursor
        return self._started(f"--cursor={self._read.cursor}" if self._read.cursor else f"--since={FIRST_SINCE}")

    def _started(self, where: str) -> subprocess.Popen[bytes]:
        command = [PROGRAM, "--quiet", "--no-pager", "--all", "--output=json", f"--output-fields={','.join(FIELDS)}"]
        self._process = subprocess.Popen(  # noqa: S603 - no shell; all arguments are ours or the configuration's
            [*command, where, *self._matches],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us
        )
        return self._process

    def _reaped(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Return with which status it ended, and what it said."""
        self._process = self._pipe = None
        with process:
            said = _opened(process.stderr).read().decode("utf-8", "replace").strip()
        return process.returncode, said

    def _new(self, lines: Sequence[bytes]) -> list[_Entry]:
        """Return the entries that were not read before.  Raises OSError."""
        entries = [_entry(line) for line in lines if line]
        if entries and self._expected:
            expected, self._expected = self._expected, ""
            if entries[0].cursor != expected:
                return self._looked_for(expected)
        return [entry for entry in entries if entry.place >= self._place(entry.counting)]

    def _looked_for(self, gone: str) -> list[_Entry]:
        """Begin again before the entry that is gone."""
        self.close()
        self._missed(JOURNAL, Missed.GONE, f"behind {gone}")
        self._started(f"--since=@{max(0, self._read.at // 1_000_000 - BEFORE_S)}")
        return []

    def _taken(self, counting: str) -> Batch:
        """Return the first entries, as many as are counted together, and go on behind them."""
        count = next((place for place, each in enumerate(self._entries) if each.counting != counting), None)
        taken, self._entries = self._entries[:count], self._entries[len(self._entries) if count is None else count :]
        places = [entry.place for entry in taken]
        end, last = places[-1] + 1, taken[-1]
        self._before = self._read
        number = self._number(counting) or self._read.numbers + 1
        countings = {name: known for name, known in self._read.countings.items() if name != counting}
        countings[counting] = number, end
        while len(countings) > COUNTINGS:
            self._ended.append(countings.pop(next(iter(countings)))[0])
        at = found[1] if (found := _AT.search(last.line)) else b"0"
        self._read = Read(max(number, self._read.numbers), last.cursor, int(at), countings)
        return Batch(number, JOURNAL, [entry.line for entry in taken], places[0], end, places)

    def _number(self, counting: str) -> int:
        return self._read.countings.get(counting, (0, 0))[0]

    def _place(self, counting: str) -> int:
        return self._read.countings.get(counting, (0, 0))[1]


def _entry(line: bytes) -> _Entry:
    found = _CURSOR.search(line)
    if found is None:
        raise OSError(f"{PROGRAM} wrote what is no entry of the journal: {line[:80]!r}")
    cursor, counted_by, place, boot = (group.decode() for group in found.groups())
    return _Entry(line, cursor, f"{counted_by}/{boot}", int(place, 16))


def _opened(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
