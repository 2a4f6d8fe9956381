"""Logs are read across every kind of rotation, from where somebody stopped: real files, nothing lost, nothing twice."""

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from bounced.edges.follow.log_file import READ_BYTES
from bounced.edges.follow.source import Missed
from bounced.edges.follow.trail import LINGERS_S, Saved, Trail

NOW = 1_800_000_000.0
LATER = NOW + 2 * LINGERS_S


class Reader:
    """Follows a log and notes the lines."""

    def __init__(self, path: Path, saved: Saved | None = None) -> None:
        self.now = NOW
        self.lines: list[bytes] = []
        self.missed: list[Missed] = []
        self.trail = Trail(path, now=lambda: self.now, missed=lambda _path, why, _details: self.missed.append(why))
        if saved:
            self.trail.resume(saved.document())

    def read(self) -> list[bytes]:
        """Return what is there now."""
        new: list[bytes] = []
        while batch := self.trail.next():
            new += batch.lines
        self.lines += new
        return new

    def again(self) -> "Reader":
        """Return who goes on in its place."""
        saved = self.trail.saved()
        self.trail.close()
        return Reader(self.trail.path, saved)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return where the log is."""
    return tmp_path / "mail.log"


def write(path: Path, *lines: str, at: float = NOW) -> None:
    """Append lines, as a program that opens its log each time."""
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    os.utime(path, (at, at))


def test_lines_come_once_as_they_are_written(log: Path) -> None:
    """From the beginning of the file on."""
    write(log, "one", "two")
    reader = Reader(log)
    assert reader.read() == [b"one", b"two"]
    assert reader.read() == []
    write(log, "three")
    assert reader.read() == [b"three"]


def test_a_line_without_its_end_waits_for_it(log: Path) -> None:
    """A program may be in the middle of writing it."""
    log.write_text("one\nhal")
    reader = Reader(log)
    assert reader.read() == [b"one"]
    log.write_text("one\nhalf\n")
    assert reader.read() == [b"half"]


def test_a_log_that_does_not_exist_is_waited_for(log: Path) -> None:
    """Whoever follows may start before the program that writes."""
    reader = Reader(log)
    assert reader.read() == []
    write(log, "one")
    assert reader.read() == [b"one"]


def test_a_renamed_file_is_read_to_its_end(log: Path) -> None:
    """Also what a program writes to it that has not heard yet of the rotation."""
    write(log, "one")
    reader = Reader(log)
    reader.read()
    with log.open("a") as still_open:
        log.rename(log.with_name("mail.log.1"))
        write(log, "three")
        still_open.write("two\n")
    os.utime(log.with_name("mail.log.1"), (NOW, NOW))
    assert reader.read() == [b"two", b"three"]
    assert reader.trail.ended() == []


def test_a_renamed_file_is_closed_when_nobody_has_written_to_it_for_a_while(log: Path) -> None:
    """Files that were removed would take up the disk else."""
    write(log, "one")
    reader = Reader(log)
    reader.read()
    log.rename(log.with_name("mail.log.1"))
    write(log, "two", at=LATER)
    reader.now = LATER
    reader.read()
    assert reader.trail.ended() == [1]
    assert [standing.number for standing in reader.trail.saved().standings] == [2]
    assert reader.read() == []


def test_whoever_starts_again_goes_on_where_somebody_stopped(log: Path) -> None:
    """In the same file."""
    write(log, "one", "two")
    reader = Reader(log)
    reader.read()
    write(log, "three")
    assert reader.again().read() == [b"three"]


@pytest.mark.parametrize("between", [0, 1, 3])
def test_rotations_that_nobody_saw_are_read_in_their_order(log: Path, between: int) -> None:
    """The rest of the file that was read, then those that came after it, then the present one."""
    write(log, "one", at=NOW)
    reader = Reader(log)
    reader.read()
    write(log, "two", at=NOW + 1)
    for turn in range(between + 1):
        rotate(log)
        write(log, f"turn {turn}", at=NOW + 2 + turn)
    assert reader.again().read() == [b"two", *(f"turn {turn}".encode() for turn in range(between + 1))]
    assert reader.missed == []


def rotate(log: Path) -> None:
    """Rename as logrotate does."""
    for number in range(9, 0, -1):
        older = log.with_name(f"mail.log.{number}")
        if older.exists():
            older.rename(log.with_name(f"mail.log.{number + 1}"))
    log.rename(log.with_name("mail.log.1"))


def test_rotations_are_read_though_nobody_has_begun_a_new_file(log: Path) -> None:
    """The program may have nothing to say for a while."""
    write(log, "one", at=NOW)
    reader = Reader(log)
    reader.read()
    rotate(log)
    write(log, "two", at=NOW + 1)
    rotate(log)
    assert reader.again().read() == [b"two"]


def test_a_file_that_is_being_compressed_is_no_new_one(log: Path) -> None:
    """Its compressed form has a new time until it is complete."""
    write(log, "one", at=NOW)
    reader = Reader(log)
    reader.read()
    rotate(log)
    log.with_name("mail.log.1.gz").write_bytes(gzip.compress(b"one\n")[:10])
    write(log, "two", at=NOW + 1)
    assert reader.read() == [b"two"]
    log.with_name("mail.log.1.gz").write_bytes(gzip.compress(b"one\n"))
    assert reader.read() == []


def test_older_files_are_left_alone(log: Path) -> None:
    """Nobody asked for them; and other logs beside this one are others."""
    write(log.with_name("mail.log.1"), "older", at=NOW - 10)
    write(log.with_name("mail.logic"), "another", at=NOW + 10)
    write(log.with_name("mail.err"), "another", at=NOW + 10)
    write(log, "one", at=NOW)
    reader = Reader(log)
    assert reader.read() == [b"one"]
    rotate(log)
    write(log, "two", at=NOW + 5)
    assert reader.again().read() == [b"two"]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "zstd"])
def test_the_rest_of_a_file_that_was_compressed_meanwhile_is_read(
    log: Path, compress: Callable[[bytes], bytes]
) -> None:
    """It is found by the hash of its head."""
    write(log, "one")
    reader = Reader(log)
    reader.read()
    write(log, "two")
    log.with_name("mail.log-20270115.z").write_bytes(compress(log.read_bytes()))
    log.unlink()
    write(log, "three", at=NOW + 1)
    assert reader.again().read() == [b"two", b"three"]


def test_after_copytruncate_the_copy_is_read_to_its_end(log: Path) -> None:
    """The program goes on at the beginning of the same file."""
    write(log, "one")
    reader = Reader(log)
    reader.read()
    write(log, "two")
    copy_and_truncate(log)
    write(log, "three")
    assert reader.read() == [b"two", b"three"]
    assert reader.missed == []


def test_after_copytruncate_the_file_may_be_longer_than_before(log: Path) -> None:
    """The hash of its head tells it from the former one."""
    write(log, "one")
    reader = Reader(log)
    reader.read()
    copy_and_truncate(log)
    write(log, "another one, longer", "and a second")
    assert reader.read() == [b"another one, longer", b"and a second"]


def test_copytruncate_while_nobody_reads(log: Path) -> None:
    """Is as good as with somebody who reads."""
    write(log, "one")
    reader = Reader(log)
    reader.read()
    write(log, "two")
    copy_and_truncate(log)
    write(log, "a third one that is longer", at=NOW + 1)
    later = reader.again()
    assert later.read() == [b"two", b"a third one that is longer"]
    assert later.missed == []


def copy_and_truncate(log: Path) -> None:
    """Rotate as logrotate does with copytruncate."""
    shutil.copy2(log, log.with_name("mail.log.1"))
    os.truncate(log, 0)


def test_what_was_truncated_without_a_copy_is_told(log: Path) -> None:
    """Nobody can read it any more."""
    write(log, "one", "two")
    reader = Reader(log)
    reader.read()
    os.truncate(log, 0)
    write(log, "three")
    assert reader.read() == [b"three"]
    assert reader.missed == [Missed.TRUNCATED]


def test_a_file_that_is_gone_is_told(log: Path) -> None:
    """Nobody knows whether it had more."""
    write(log, "one")
    reader = Reader(log)
    reader.read()
    log.unlink()
    write(log, "another", at=NOW + 1)
    later = reader.again()
    assert later.read() == [b"another"]
    assert later.missed == [Missed.GONE]


@pytest.mark.parametrize("length", [READ_BYTES, 3 * READ_BYTES + 5])
def test_a_line_that_is_too_long_is_passed_over_as_a_whole(log: Path, length: int) -> None:
    """What stands in it is never taken for the beginning of a line, also not after another start."""
    write(log, "one")
    with log.open("a") as file:
        file.write("x" * length + "status=bounced")
    reader = Reader(log)
    assert reader.read() == [b"one"]
    reader = reader.again()
    assert reader.read() == []
    write(log, "", "two")
    assert reader.read() == [b"two"]


def test_files_of_a_folder_follow_each_other_by_their_names(tmp_path: Path) -> None:
    """As segments of KumoMTA do, which are compressed; what was read to its end is not read again."""
    folder = tmp_path / "logs"
    folder.mkdir()
    segment(folder / "20270115-100000", b"one\n")
    segment(folder / "20270115-110000", b"two\n", b"three\n")
    reader = Reader(folder)
    assert reader.read() == [b"one", b"two", b"three"]
    reader.now = LATER
    segment(folder / "20270115-120000", b"four\n")
    assert reader.read() == [b"four"]
    later = reader.again()
    assert later.read() == []
    segment(folder / "20270115-130000", b"five\n")
    assert later.read() == [b"five"]
    (folder / "20270115-100000").unlink()
    later.read()
    assert "20270115-100000" not in later.trail.saved().over


def segment(path: Path, *frames: bytes) -> None:
    """Write a segment of several frames."""
    path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(frame) for frame in frames))
    os.utime(path, (NOW, NOW))


def test_a_compressed_file_may_grow(tmp_path: Path) -> None:
    """A frame is read as far as it has been written."""
    path = tmp_path / "segment"
    whole = zstandard.ZstdCompressor().compress(b"one\ntwo\n") + zstandard.ZstdCompressor().compress(b"three\n")
    reader = Reader(path)
    for octets in range(len(whole) + 1):
        path.write_bytes(whole[:octets])
        reader.read()
    assert reader.lines == [b"one", b"two", b"three"]


def test_a_damaged_file_is_told_once_and_stops_none_of_the_others(tmp_path: Path) -> None:
    """The disk may have been full."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "1").write_bytes(b"\x28\xb5\x2f\xfd" + b"\xff" * 100)
    segment(folder / "2", b"two\n")
    reader = Reader(folder)
    assert reader.read() == [b"two"]
    reader.read()
    assert reader.missed == [Missed.DAMAGED]
