"""How many octets of Redis' memory a suppressed address takes: in the set, its state, and the clock of held ones.

python benchmarks/memory.py [--addresses 1000000]
"""

import argparse
import asyncio
import json
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from redis import Redis

from bounced.core.contract.keys import Keyspace
from bounced.core.contract.writes import writes
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId
from bounced.core.terms import Action, Category, Kind, Origin, Verdict
from bounced.edges.redis.embedded import EmbeddedServer

BATCH = 5000
KEYS = Keyspace()
NOW = datetime(2026, 11, 21, tzinfo=UTC)
SET, STATE, HISTORY, SEEN = "in the set `suppressed`", "its state", "its history, one event", "one report in `seen`"
VERDICT = Verdict(
    Category.MAILBOX_UNKNOWN,
    "smtp.user-unknown",
    "diagnostic",
    Action.FAILED,
    "5.1.1",
    "550",
    "mx1.mail.example.net",
    "550 5.1.1 <somebody@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
)
BOUNCE = Evidence(
    EvidenceType.REPORT,
    NOW,
    Origin.SMTP,
    Kind.BOUNCE,
    VERDICT,
    NOW.date(),
    campaign="spring",
    peer="192.0.2.25",
    reporting_mta="mx1.mail.example.net",
)


def address(number: int) -> str:
    """Return an address of 24 octets, a usual length."""
    return f"person{number:07}@mail{number % 1000:03}.org"


def digest(text: str) -> str:
    """Return something that is as long as a report's digest."""
    return sha256(text.encode()).hexdigest()


def used(redis: Redis) -> int:
    """Return what the data take."""
    return int(redis.info("memory")["used_memory"])


def measured(redis: Redis, count: int) -> dict[str, float]:
    """Fill one kind of key after the other; return octets an address for each."""
    transition = decide(AddressState(), BOUNCE, DEFAULT_POLICY)
    wrote = writes(KEYS, ReportId("main", "p" * 13, "d" * 64), address(0), transition)
    assert wrote.state is not None
    state, event = dict(wrote.state.fields), dict(wrote.event)
    until = int((NOW + timedelta(days=30)).timestamp())
    kinds: dict[str, Any] = {  # redis-py does not type the calls of a pipeline
        SET: lambda pipe, each: pipe.sadd(KEYS.suppressed, each),
        STATE: lambda pipe, each: pipe.hset(KEYS.address(each), mapping=state),
        "in `due`, where held": lambda pipe, each: pipe.zadd(KEYS.due, {each: until}),
        HISTORY: lambda pipe, each: pipe.lpush(KEYS.history(each), json.dumps(event | {"address": each})),
        SEEN: lambda pipe, each: pipe.sadd(
            KEYS.seen(sha256(each.encode()).hexdigest()[:13]), sha256(each.encode()).hexdigest()
        ),
        "an entry of `events`": lambda pipe, each: pipe.xadd(KEYS.events, event | {"address": each}),
    }
    octets = {}
    for name, write in kinds.items():
        before = used(redis)
        for start in range(0, count, BATCH):
            with redis.pipeline(transaction=False) as pipe:
                for number in range(start, min(start + BATCH, count)):
                    write(pipe, address(number))
                pipe.execute()
        octets[name] = (used(redis) - before) / count
    return octets


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    count = parser.parse_args().addresses
    with tempfile.TemporaryDirectory(prefix="bounced-memory-") as folder:
        async with EmbeddedServer(Path(folder)) as server:
            with Redis.from_url(server.url) as redis:
                redis.config_set("appendfsync", "no")  # only memory is measured
                octets = await asyncio.to_thread(measured, redis, count)
    for name, each in octets.items():
        print(f"{name:<28}{each:7.0f} octets an address")
    for addresses in (1_000_000, 10_000_000, 100_000_000):
        kept, recent = octets[SET] + octets[STATE], octets[HISTORY] + octets[SEEN]
        lasting, new = addresses * kept / 2**30, addresses * (kept + recent) / 2**30
        print(f"{addresses:>12,} suppressed: {lasting:6.1f} GiB, {new:6.1f} GiB where all of it is new")


if __name__ == "__main__":
    asyncio.run(main())
