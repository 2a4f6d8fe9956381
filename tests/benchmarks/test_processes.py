"""What a server costs is counted as a whole, and what it has only queued is not taken for done."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.processes import TICKS_A_SECOND, Running, ServerEnded
from benchmarks.run import settle

BURNT_S = 0.3
ROUNDED_S = 4 / TICKS_A_SECOND
"""User and kernel time, of the child and of its parent: the kernel rounds each of the four down to a tick."""
PARENT = f"""
import subprocess, sys
child = "import time\\nwhile time.process_time() < {BURNT_S}: pass"
subprocess.run([sys.executable, "-c", child], check=True)
print("ended", flush=True)
sys.stdin.read()
"""


def test_processor_time_of_children_that_have_ended_counts():
    """A process for each message would seem to cost nothing otherwise."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"ended\n"
        running = Running("parent", 0, (parent.pid,))
        assert running.pids() == [parent.pid]
        assert running.cpu_s() >= BURNT_S - ROUNDED_S
        parent.communicate(b"")


def test_a_server_that_has_ended_is_not_measured(tmp_path: Path):
    """Nothing would be lost by it, and nothing of what it did would count; the end of its log says why."""
    (tmp_path / "log").write_text("started\nout of memory\n")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        running = Running("mortal", 0, (process.pid,), log=tmp_path / "log")
        running.check()
        process.communicate(b"\n")
    with pytest.raises(ServerEnded, match=r"(?s)mortal.*out of memory"):
        running.check()


def test_messages_in_any_queue_are_counted(tmp_path: Path):
    """Also in the folders of a hashed queue; what is elsewhere in the spool is no message."""
    for name in ("maildrop/A", "incoming/B", "active/C", "deferred/D/DE", "defer/D/DE", "pid/master.pid"):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.touch()
    assert Running("queues", 0, (), spool=tmp_path).queued() == 4
    assert Running("does not queue", 0, ()).queued() == 0


def test_a_server_is_waited_for_until_its_queue_is_empty(tmp_path: Path):
    """And it says for how long; nothing is left then."""
    (tmp_path / "active").mkdir()
    asked: list[int] = []

    class Draining(Running):
        def queued(self) -> int:
            asked.append(len(asked))
            return max(3 - len(asked), 0)

    waited_s, left = settle(Draining("draining", 0, ()))
    assert (len(asked), left) == (3, 0)
    assert waited_s > 0
