"""How long a million rows take to import into an empty list, to import again, and to export.

python benchmarks/exchange.py [--rows 1000000]
"""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

from redis.asyncio import Redis

from bounced.edges.redis.embedded import EmbeddedServer

GOAL_S = 60.0
CONFIGURATION = """
[redis]
url = "embedded"
data_dir = "data"

[lists.main]
domains = ["bounce.example.com"]

[[lists.main.keys]]
id = "a"
file = "a.key"
"""


def prepared(folder: Path, rows: int) -> Path:
    """Write a configuration and a file of Amazon SES's suppression list; return the file."""
    (folder / "bounced.toml").write_text(CONFIGURATION)
    (folder / "a.key").touch(mode=0o600)
    (folder / "a.key").write_text("a secret of enough octets")
    file = folder / "suppressed.csv"
    with file.open("w") as out:
        out.write("EmailAddress,Reason,LastUpdateTime\n")
        for n in range(rows):
            moment = f"2026-10-{n % 28 + 1:02}T{n % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z"
            out.write(f"user{n}@example{n % 1000}.org,{'COMPLAINT' if n % 50 == 0 else 'BOUNCE'},{moment}\n")
    return file


@dataclass(frozen=True, slots=True)
class Took:
    """How long a command took, and the processor's time that it and the server used for it, in seconds."""

    wall: float
    command: float
    server: float


async def took(server: Redis, folder: Path, *words: str, into: Path | None = None) -> Took:
    """Run one of our commands; return how long it took."""
    used, begun = getrusage(RUSAGE_CHILDREN), perf_counter()
    served = await server.info("cpu")
    command = [sys.executable, "-m", "bounced", *words, "--config", str(folder / "bounced.toml")]
    with (into or folder / "told.txt").open("w") as out:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdout=out, stderr=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0
    now, serving = getrusage(RUSAGE_CHILDREN), await server.info("cpu")
    return Took(
        perf_counter() - begun,
        now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime,
        sum(serving[which] - served[which] for which in ("used_cpu_user", "used_cpu_sys")),
    )


async def measured(folder: Path, file: Path) -> dict[str, Took]:
    """Return what each command took, one after the other on one server."""
    exported = folder / "exported.csv"
    async with EmbeddedServer(folder / "data") as embedded, Redis.from_url(embedded.url) as server:
        return {
            "import of a service's file into an empty list": await took(server, folder, "import", str(file)),
            "the same again": await took(server, folder, "import", str(file)),
            "export": await took(server, folder, "export", into=exported),
            "import of that export, nothing new": await took(server, folder, "import", str(exported)),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="bounced-exchange-") as name:
        folder = Path(name)
        figures = asyncio.run(measured(folder, prepared(folder, rows)))
    print(f"{rows:,} rows, seconds{'':<32}elapsed  processor: command  server")
    for what, each in figures.items():
        print(f"{what:<48}{each.wall:7.1f}{each.command:20.1f}{each.server:8.1f}")
    print(f"goal: {GOAL_S:.0f} s a million rows each")


if __name__ == "__main__":
    main()
