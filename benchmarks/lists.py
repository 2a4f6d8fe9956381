"""How long a suppression list takes to import and to export, how much processor time, and how much memory.

python -m benchmarks.lists [--rows 100000 1000000] [--only import export]
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from redis.asyncio import Redis

from bounced.edges.redis.embedded import EmbeddedServer

GOALS = "goals for a million rows on two cores: 35 s to import, 25 s to export"
CONFIGURATION = """
[redis]
url = "embedded"
data_dir = "data"

[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]

[lists.hashed]
domains = ["hashed.example.com"]
keys = [{ id = "a", file = "a.key" }]
address_form = "hmac"
pepper_file = "a.key"
"""
FROM_SERVICE, EXPORTED = "suppressed.csv", "exported.csv"
TO_MAIN = ("--list", "main")
STEPS = {
    "import": ("a service's file into an empty list", "import", FROM_SERVICE, *TO_MAIN),
    "again": ("the same again", "import", FROM_SERVICE, *TO_MAIN),
    "export": ("export as CSV", "export", *TO_MAIN),
    "json": ("export as JSON lines", "export", *TO_MAIN, "--json"),
    "own": ("that CSV, nothing new", "import", EXPORTED, *TO_MAIN),
    "hashed": ("the service's file into a list of keyed hashes", "import", FROM_SERVICE, "--list", "hashed"),
}
"""What is measured, one after the other on one server: in words, and as a command."""


@dataclass(frozen=True, slots=True)
class Took:
    """What a command took: seconds, the processor's seconds of it and of the server, and its peak memory in MB.

    ``rewriting`` are the processor's seconds of the server's children, which write the append-only file anew.
    """

    wall: float
    command: float
    server: float
    rewriting: float
    peak_mb: float


def prepared(folder: Path, rows: int) -> Path:
    """Write a configuration and a file of Amazon SES's suppression list; return the file."""
    (folder / "bounced.toml").write_text(CONFIGURATION)
    (folder / "a.key").touch(mode=0o600)
    (folder / "a.key").write_text("a secret of enough octets, and not fewer than a pepper has to have")
    file = folder / FROM_SERVICE
    with file.open("w") as out:
        out.write("EmailAddress,Reason,LastUpdateTime\n")
        for n in range(rows):
            moment = f"2026-10-{n % 28 + 1:02}T{n % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z"
            out.write(f"user{n}@example{n % 1000}.org,{'COMPLAINT' if n % 50 == 0 else 'BOUNCE'},{moment}\n")
    return file


async def took(server: Redis, folder: Path, *words: str, into: Path | None = None) -> Took:
    """Run one of our commands; return what it took.  Raises CalledProcessError."""
    before, begun = await server.info("cpu"), perf_counter()
    command = [sys.executable, "-m", "bounced", *words, "--config", "bounced.toml"]
    with (into or folder / "told.txt").open("w") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
        _, status, used = await asyncio.to_thread(os.wait4, process.pid, 0)
    wall, after = perf_counter() - begun, await server.info("cpu")
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)

    def spent(*which: str) -> float:
        return sum(float(after[each]) - float(before[each]) for each in which)

    return Took(
        wall,
        used.ru_utime + used.ru_stime,
        spent("used_cpu_user", "used_cpu_sys"),
        spent("used_cpu_user_children", "used_cpu_sys_children"),
        used.ru_maxrss / 1024,
    )


async def measured(folder: Path, steps: Sequence[str] = tuple(STEPS)) -> AsyncIterator[tuple[str, Took]]:
    """Yield each step in words, and what it took."""
    async with EmbeddedServer(folder / "data") as embedded, Redis.from_url(embedded.url) as server:
        for step in steps:
            told, *words = STEPS[step]
            yield told, await took(server, folder, *words, into=folder / EXPORTED if step == "export" else None)


async def measure(rows: int, steps: Sequence[str]) -> None:
    """Measure so many rows, and print."""
    print(f"{rows:,} rows{'elapsed s   rows/s  CPU s: command  server  rewriting   peak MB':>110}")
    with tempfile.TemporaryDirectory(prefix="bounced-lists-") as name:
        folder = Path(name)
        prepared(folder, rows)
        async for told, each in measured(folder, steps):
            pace, processor = rows / each.wall, f"{each.command:16.1f}{each.server:8.1f}{each.rewriting:11.1f}"
            print(f"{told:<48}{each.wall:9.1f}{pace:9,.0f}{processor}{each.peak_mb:10.0f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS))
    asked = parser.parse_args()
    for rows in asked.rows:
        asyncio.run(measure(rows, asked.only))
    print(GOALS)


if __name__ == "__main__":
    main()
