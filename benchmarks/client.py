"""How many addresses a second one process asks about, against a list of a million.

python benchmarks/client.py [--rounds 5] [--size 1000000]
"""

import argparse
import asyncio
import random
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from redis import Redis

from bounced.client import AsyncClient, Client, Keyspace
from bounced.edges.redis.embedded import EmbeddedServer

GOAL_PER_S = 300_000
FILL_BATCH = 10_000


def fill(url: str, size: int) -> None:
    """Suppress a million addresses."""
    with Redis.from_url(url) as redis:
        for start in range(0, size, FILL_BATCH):
            redis.sadd(
                Keyspace().suppressed, *(f"user{n}@example{n % 1000}.org" for n in range(start, start + FILL_BATCH))
            )


def campaign(size: int) -> list[str]:
    """Return as many recipients, in no order, every tenth of them suppressed, every other with capitals."""
    numbers = list(range(size - size // 10, 2 * size - size // 10))
    random.Random(1).shuffle(numbers)
    return [f"{'User' if n % 2 else 'user'}{n}@Example{n % 1000}.org" for n in numbers]


def plain(url: str, addresses: list[str]) -> tuple[float, int]:
    """Return seconds and how many were suppressed."""
    with Client.from_url(url) as client:
        started = perf_counter()
        found = client.suppressed_among(addresses)
        return perf_counter() - started, len(found)


async def asynchronous(url: str, addresses: list[str]) -> tuple[float, int]:
    """Return the same of the asyncio client."""
    async with AsyncClient.from_url(url) as client:
        started = perf_counter()
        found = await client.suppressed_among(addresses)
        return perf_counter() - started, len(found)


async def measure(size: int, rounds: int) -> None:
    """Print the median of some interleaved rounds."""
    with tempfile.TemporaryDirectory(prefix="bounced-benchmark-") as folder:
        async with EmbeddedServer(Path(folder)) as server:
            await asyncio.to_thread(fill, server.url, size)
            addresses = campaign(size)
            times: dict[str, list[float]] = {"plain": [], "asyncio": []}
            for _ in range(rounds):
                for name, (seconds, found) in (
                    ("plain", await asyncio.to_thread(plain, server.url, addresses)),
                    ("asyncio", await asynchronous(server.url, addresses)),
                ):
                    assert found == size // 10
                    times[name].append(seconds)
    for name, measured in times.items():
        per_second = size / median(measured)
        print(f"{name:8} {per_second:9,.0f} addresses/s  (goal {GOAL_PER_S:,}, {per_second / GOAL_PER_S:.1f} times)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=1_000_000)
    options = parser.parse_args()
    asyncio.run(measure(options.size, options.rounds))
