"""What a deployment costs a machine: memory, start, and a day on which nothing happens.

python -m benchmarks.deployment [--idle 60] [--messages 10000] [--reloads 50]

It runs the daemon with two workers, `bounced web`, `bounced deliver` and `bounced follow` upon one Redis, each in its
turn, and prints a row for each process.  Memory is the resident set, as `ps` shows it, and in brackets the process' own
share of it: pages that processes share are divided among them.  Only the daemon gets a load.
"""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks import servers
from benchmarks.figures import TWENTY_EACH
from benchmarks.generator import build
from benchmarks.processes import free_port, process, redis_server

BOUNCED = [sys.executable, "-m", "bounced"]
READY = ("service.started", "log.followed")
RELOADED = "service.reloaded"
DAY_S = 86_400
LOOK_S = 0.02
LONGEST_S = 60.0
WIDTH = 140
WORKERS = 2

MORE = """
[web.private]
listen = "127.0.0.1:0"
[follow.postfix]
files = ["{folder}/mail.log"]
state_dir = "{folder}/follow"
[[hooks]]
name = "crm"
url = "http://127.0.0.1:9/"
allow = ["127.0.0.0/8"]
secret_files = ["crm.secret"]
"""


@dataclass
class Row:
    """What one process cost."""

    name: str
    pid: int
    start_s: float = 0.0
    start_cpu_s: float = 0.0
    memory: dict[str, str] = field(default_factory=dict)
    day_cpu_s: float = 0.0
    wakes_per_s: float = 0.0

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        start = f"{self.start_s:.1f} ({self.start_cpu_s:.1f})" if self.start_s else ""
        day = (f"{self.day_cpu_s:.0f}", f"{self.wakes_per_s:.1f}")
        return self.name, start, *(self.memory.get(when, "") for when in ("start", "load", "reloads")), *day


class Log:
    """The log of a program, a JSON line for each event."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def count(self, *names: str) -> int:
        """Return how often events of these names are in it."""
        return sum(event.get("event") in names for event in self.events())

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events."""
        for line in self.file.read_text("utf-8").splitlines():
            if line.startswith("{"):
                yield json.loads(line)

    def wait_for(self, times: int, *names: str) -> None:
        """Return when events of these names came so often.  Raises TimeoutError with the end of the log."""
        end = time.monotonic() + LONGEST_S
        while self.count(*names) < times:
            if time.monotonic() > end:
                raise TimeoutError(self.file.read_text("utf-8")[-2000:])
            time.sleep(LOOK_S)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=float, default=60.0, metavar="SECONDS", help="how long each is watched at rest")
    parser.add_argument("--messages", type=int, default=10_000, help="how many the daemon gets before it is reloaded")
    parser.add_argument("--reloads", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with redis_server(folder) as (url, redis_pid):
            port = free_port()
            config = configure(folder, url, port)
            rows = list(daemon(config, port, redis_pid, options))
            for words in (["web"], ["deliver"], ["follow", "postfix"]):
                rows += program(words, config, options)
            commands = {words: command(words.split(), config) for words in ("--version", "lookup alice@example.org")}
    show(rows, commands, options)


def configure(folder: Path, url: str, port: int) -> Path:
    """Write the configuration of all programs; return its file."""
    config = servers.configure(folder, servers.self_signed(folder), url, port)
    (folder / "crm.secret").touch(mode=0o600)
    (folder / "crm.secret").write_text(f"whsec_{secrets.token_hex(32)}\n")
    (folder / "mail.log").touch()
    config.write_text(config.read_text() + MORE.format(folder=folder))
    return config


def daemon(config: Path, port: int, redis_pid: int, options: argparse.Namespace) -> Iterator[Row]:
    """Yield what the daemon's parent, one of its workers, and Redis cost."""
    generator, sent = build(config.parent), 0

    def send(count: int) -> None:
        nonlocal sent
        generator.put(port, TWENTY_EACH, count, servers.return_paths(config.parent, sent, count), LONGEST_S)
        sent += count

    with started(["run"], config, WORKERS) as (log, row):
        worker = next(event["pid"] for event in log.events() if event["event"] == "worker.started")
        rows = [Row("run: parent", row.pid, row.start_s, row.start_cpu_s), Row("run: a worker", worker)]
        rows[1].start_cpu_s = cpu_s(worker)
        rows[0].start_cpu_s += rows[1].start_cpu_s * WORKERS
        note(rows, "start")
        watch([*rows, redis := Row("Redis, beside it", redis_pid)], options.idle)
        send(options.messages)
        note(rows, "load")
        reload(log, row.pid, WORKERS, options.reloads, lambda: send(options.messages // 25))
        note([*rows, redis], "reloads")
        yield from (*rows, redis)


def program(words: Sequence[str], config: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Yield what another program costs, which has no workers."""
    with started(words, config, 1) as (log, row):
        note([row], "start")
        watch([row], options.idle)
        reload(log, row.pid, 1, options.reloads, lambda: None)
        note([row], "reloads")
        yield row


@contextmanager
def started(words: Sequence[str], config: Path, times: int) -> Iterator[tuple[Log, Row]]:
    """Start a program; give its log and its row when it said so often that it is ready."""
    log = Log(config.parent / f"{words[0]}.log")
    began = time.monotonic()
    with (
        log.file.open("wb") as out,
        process([*BOUNCED, *words, "--config", str(config)], stderr=out, cwd=config.parent) as pid,
    ):
        log.wait_for(times, *READY)
        yield log, Row(words[0], pid, time.monotonic() - began, cpu_s(pid))


def reload(log: Log, pid: int, processes: int, times: int, between: Callable[[], None]) -> None:
    """Reload a program so often, with something to do after each reload."""
    before = log.count(RELOADED)
    for number in range(1, times + 1):
        os.kill(pid, signal.SIGHUP)
        log.wait_for(before + number * processes, RELOADED)
        between()


def note(rows: Sequence[Row], when: str) -> None:
    """Note the memory of processes."""
    for row in rows:
        lines = Path(f"/proc/{row.pid}/smaps_rollup").read_text().splitlines()
        found = {name: int(rest.split()[0]) / 1000 for name, _, rest in (line.partition(":") for line in lines[1:])}
        row.memory[when] = f"{found['Rss']:.0f} ({found['Pss']:.0f})"


def watch(rows: Sequence[Row], seconds: float) -> None:
    """Note what processes use while nothing happens, by the day."""
    time.sleep(2)  # what belongs to the start is over
    before = [(cpu_s(row.pid), wakes(row.pid)) for row in rows]
    time.sleep(seconds)
    for row, (cpu, woken) in zip(rows, before, strict=True):
        row.day_cpu_s = (cpu_s(row.pid) - cpu) / seconds * DAY_S
        row.wakes_per_s = (wakes(row.pid) - woken) / seconds


def cpu_s(pid: int) -> float:
    """Return the processor time of a process, to the microsecond: its ticks are too coarse for one at rest."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def wakes(pid: int) -> int:
    """Return how often a process went to sleep of its own will, which is as often as it woke up."""
    statuses = (task / "status" for task in Path(f"/proc/{pid}/task").iterdir())
    lines = (line for status in statuses for line in status.read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def command(words: Sequence[str], config: Path) -> float:
    """Return the processor time of a command in milliseconds, the least of seven."""
    line = [*BOUNCED, *words, *([] if words[0].startswith("-") else ["--config", str(config)])]
    return 1000 * min(_cpu_of(line) for _ in range(7))


def _cpu_of(line: Sequence[str]) -> float:
    before = os.times()
    subprocess.run(line, stdout=subprocess.DEVNULL, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def show(rows: Sequence[Row], commands: dict[str, float], options: argparse.Namespace) -> None:
    """Print what was found."""
    columns = ("process", "start s (CPU)", "MB at start", "after load", f"after {options.reloads} reloads")
    table = Table(*columns, box=MARKDOWN)
    table.add_column("CPU s a day at rest", justify="right")
    table.add_column("wake-ups/s", justify="right")
    for row in rows:
        table.add_row(*row.cells())
    console = Console(width=WIDTH)
    console.print(table)
    console.print(f"The load: {options.messages} messages at once, and {options.messages // 25} after each reload.")
    for words, took_ms in commands.items():
        console.print(f"bounced {words}: {took_ms:.0f} ms of processor time")


if __name__ == "__main__":
    main()
