"""How much memory registered tokens take: one, and a million a day.

python benchmarks/tokens.py [--size 200000]
"""

import argparse
import asyncio
import secrets
import tempfile
from pathlib import Path

from redis import Redis

from bounced.client import Engagement, Keyring, Keyspace, OptIn, Profile, ReturnPaths, SigningKey
from bounced.client.requests import Requests
from bounced.edges.redis.embedded import EmbeddedServer

A_DAY = 1_000_000
BATCH = 5_000
DAYS = (30, 60, 400)


def used(redis: Redis) -> int:
    """Return the octets that the server has allocated."""
    return int(redis.info("memory")["used_memory"])


def register(redis: Redis, size: int, message_id: str) -> float:
    """Register so many tokens as the client does; return the octets for each."""
    keyring = Keyring(SigningKey("a", secrets.token_bytes(32)))
    requests = Requests.of(ReturnPaths("main", ("bounce.example.com",), keyring), None, fold_local_part=True)
    profile = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
    before = used(redis)
    for start in range(0, size, BATCH):
        with redis.pipeline(transaction=False) as pipe:
            for number in range(start, start + BATCH):
                made = requests.return_path_for(
                    f"jürgen.müller{number}@example{number % 1000}.org",
                    tag="nov",
                    profile=profile,
                    message_id=message_id and f"<{number}.{message_id}>",
                    issued=None,
                )
                for command in made.commands:
                    pipe.execute_command(*command)  # type: ignore[no-untyped-call]
            pipe.execute()
    return (used(redis) - before) / size


async def measure(size: int) -> None:
    """Print a row for tokens without and with a Message-ID, each of a server that holds nothing else."""
    for name, message_id in (("token", ""), ("token with message_id", "20261121120000@news.example.com")):
        with tempfile.TemporaryDirectory(prefix="bounced-benchmark-") as folder:
            async with EmbeddedServer(Path(folder)) as server:
                with Redis.from_url(server.url) as redis:
                    octets = await asyncio.to_thread(register, redis, size, message_id)
                    alone = redis.memory_usage(next(redis.scan_iter(Keyspace().token("*"))))
        days = ", ".join(f"{days} days {octets * A_DAY * days / 2**30:.0f} GiB" for days in DAYS)
        print(f"{name}: {octets:.0f} octets (MEMORY USAGE {alone}); a million a day: {days}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=200_000)
    asyncio.run(measure(parser.parse_args().size))
