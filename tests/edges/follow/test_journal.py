"""The journal is read on where somebody stopped, whatever became of it meanwhile."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bounced.edges.follow.journal import COUNTINGS, Journal
from bounced.edges.follow.source import Batch, Missed

# It has entries in a file and writes them as journalctl(1) does: from a cursor on, or all where that is not there.
JOURNALCTL = """#!{python}
import json, sys
arguments = dict(each.partition("=")[::2] for each in sys.argv[1:])
with open("{folder}/asked", "a") as asked:
    print(json.dumps(sys.argv[1:]), file=asked)
lines = open("{folder}/entries").read().splitlines()
wanted = arguments.get("--cursor")
places = [place for place, line in enumerate(lines) if json.loads(line)["__CURSOR"] == wanted]
print(*lines[places[0] if places else 0:], sep="\\n")
sys.exit({status})
"""
SECOND = 1_000_000


class Machine:
    """A machine with a journal.  ``boot`` is the present one, ``place`` the sequence number of the last entry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.boot = 1
        self.place = 0
        self.entries: list[str] = []
        self.missed: list[Missed] = []
        self.known: dict[str, Any] = {}
        self.journal: Journal | None = None
        self.install()
        self.write()

    def install(self, status: int = 0) -> None:
        """Install journalctl, which ends with a status."""
        program = self.folder / "journalctl"
        program.write_text(JOURNALCTL.format(python=sys.executable, folder=self.folder, status=status))
        program.chmod(0o755)

    def write(self, *messages: str) -> None:
        """Write entries."""
        for message in messages:
            self.place += 1
            cursor = f"s=aa;i={self.place:x};b=b{self.boot};m=1;t=1;x={len(self.entries):x}"
            at = str((1_800_000_000 + len(self.entries)) * SECOND)
            entry = {"MESSAGE": message, "__CURSOR": cursor, "__REALTIME_TIMESTAMP": at}
            self.entries.append(json.dumps(entry))
        (self.folder / "entries").write_text("".join(f"{entry}\n" for entry in self.entries))

    def batches(self) -> list[Batch]:
        """Read to the end, as a new start, and note how far that was."""
        self.journal = Journal(["_UID=1"], once=True, missed=lambda _path, why, _details: self.missed.append(why))
        self.journal.resume(self.known)
        batches = []
        while (batch := some(self.journal)) is not None:
            batches.append(batch)
        self.known = json.loads(json.dumps(self.journal.saved().document()))
        return batches

    def read(self) -> list[str]:
        """Return the messages that are new."""
        return [message for batch in self.batches() for message in messages(batch)]

    def asked(self) -> list[list[str]]:
        """Return how journalctl was started."""
        return [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]


def some(journal: Journal) -> Batch | None:
    """Return the next entries, when journalctl has written them; None at the end."""
    while (batch := journal.next()) is None and not journal.at_end:
        pass
    return batch


def messages(batch: Batch | None) -> list[str]:
    """Return what entries say."""
    assert batch is not None
    return [json.loads(line)["MESSAGE"] for line in batch.lines]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine whose journal is empty."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Machine(tmp_path)


def test_each_entry_is_read_once(machine: Machine) -> None:
    """Another start goes on behind the last one."""
    machine.write("one", "two")
    assert machine.read() == ["one", "two"]
    assert machine.read() == []
    machine.write("three")
    assert machine.read() == ["three"]
    first, *later = machine.asked()
    assert "--since=-7d" in first
    assert first[-1] == "_UID=1"
    assert all(any(each.startswith("--cursor=s=aa;i=2;") for each in asked) for asked in later)


def test_a_sequence_number_of_another_boot_is_another_entry(machine: Machine) -> None:
    """A crash of the machine may lose the last entries, and their numbers are given again."""
    machine.write("one", "two", "lost")
    assert machine.read() == ["one", "two", "lost"]
    machine.entries.pop()
    machine.boot, machine.place = 2, 2
    machine.write("three", "four")
    assert machine.read() == ["three", "four"]
    assert machine.missed == [Missed.GONE]
    assert machine.read() == []


def test_the_entries_of_two_boots_are_two_batches(machine: Machine) -> None:
    """Their places are counted apart."""
    machine.write("one")
    machine.boot, machine.place = 2, 0
    machine.write("two", "three")
    batches = machine.batches()  # of one boot too, where journalctl's lines come in pieces
    assert [(batch.number, place) for batch in batches for place in range(batch.begin, batch.end)] == [
        *((1, 1), (2, 1), (2, 2))
    ]


def test_entries_that_are_gone_are_said(machine: Machine) -> None:
    """What is left is read."""
    machine.write("one")
    machine.read()
    machine.write("two", "three")
    machine.entries = machine.entries[-1:]
    machine.write()
    assert machine.read() == ["three"]
    assert machine.missed == [Missed.GONE]
    assert any("--since=@1799996400" in asked for asked in machine.asked())


def test_what_a_message_says_is_no_cursor(machine: Machine) -> None:
    """Whoever can write to the journal cannot say where it is read on."""
    machine.write(
        '"__CURSOR":"s=bb;i=ff;b=cc;"', "\n__CURSOR=s=bb;i=ff;b=cc;", '\\"__CURSOR":"s=bb;i=ff;b=cc;"', "last"
    )
    assert len(machine.read()) == 4
    assert machine.known["countings"] == {"aa/b1": [1, 5]}


def test_entries_that_nobody_has_heard_are_read_again(machine: Machine) -> None:
    """But the number of their counting is known before anything is written under it."""
    machine.write("one")
    journal = Journal([], once=True)
    batch = some(journal)
    machine.known = journal.saved(batch).document()
    journal.close()
    assert machine.known["numbers"] == 1
    assert [(batch.number, len(batch.lines)) for batch in machine.batches()] == [(1, 1)]


def test_a_journalctl_that_ends_is_started_again(machine: Machine) -> None:
    """Behind what was read; and what it said is told."""
    machine.install(status=3)
    machine.write("one")
    journal = Journal([])
    assert messages(some(journal)) == ["one"]
    with pytest.raises(OSError, match="journalctl ended with 3"):
        some(journal)
    machine.write("two")
    assert messages(some(journal)) == ["two"]
    journal.close()


def test_old_boots_are_forgotten(machine: Machine) -> None:
    """And Redis is told so."""
    for boot in range(COUNTINGS + 2):
        machine.boot = boot
        machine.write(f"boot {boot}")
    assert len(machine.read()) == COUNTINGS + 2
    assert machine.journal is not None
    assert machine.journal.ended() == [1, 2]
    assert len(machine.known["countings"]) == COUNTINGS
