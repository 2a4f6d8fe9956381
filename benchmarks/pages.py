"""How long each page takes with a million suppressed addresses, full streams and full counters.

    python benchmarks/pages.py [--addresses 1000000] [--times 50]

It fills an embedded server, starts `bounced web` upon it, and asks for one page after another.  What looks through the
events stands apart: it takes as long as there are events, and a request ends it after ten seconds.
"""

import argparse
import asyncio
import http.client
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from memory import BOUNCE, address, digest
from redis import Redis
from web import running

from bounced.core.contract.hourly_counters import KEPT_DAYS
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import hour
from bounced.core.contract.writes import writes
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import AddressState, Evidence, ReportId
from bounced.core.terms import Category
from bounced.edges.redis.embedded import EmbeddedServer

KEYS = Keyspace()
BATCH = 5000
EVENTS = 1_000_000
"""The default of `events_max`."""
BLOCKS = 10_000
DOMAINS, CAMPAIGNS = 10_000, 570
"""In each hour: as many as there is room for."""
SPAN = timedelta(days=90)
MEDIAN_S, P99_S = 0.3, 1.0
SIGNED_IN = {"X-Remote-User": "operator"}
PRIVATE = 'user_header = "X-Remote-User"\nproxies = ["127.0.0.1"]'
PAGES = (
    "/",
    "/?since=35d",
    "/?since=90d",
    "/overview/now",
    "/address?q={address}",
    "/address?q=nobody@example.org",
    "/changes?what=all",
    "/recover",
    "/explain",
    "/providers",
    "/campaigns",
    "/live",
    "/unknown",
    "/policy",
    "/health",
)
SCANS = (
    "/providers?since=35d",
    "/campaigns?since=35d",
    "/address/events?q={address}",
    "/changes?since=90d",
    "/recover?provider=google&since=90d",
    "/campaigns/failures?campaign=campaign7&since=35d",
    "/unknown/groups?since=7d",
    "/policy?rule=mailbox_unknown&failures=3&then=hold",
    "/health/findings",
)


def batches(count: int) -> Iterator[range]:
    """Yield the numbers to ``count``, so many at once."""
    for start in range(0, count, BATCH):
        yield range(start, min(start + BATCH, count))


def fill(redis: Redis, addresses: int) -> None:
    """Fill each kind of key that the pages read."""
    now = datetime.now(UTC).replace(microsecond=0)
    _fill_addresses(redis, addresses, now)
    _fill_counters(redis, now)
    _fill_streams(redis, addresses, now)


def _fields(evidence: Evidence) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the state and the event that follow."""
    wrote = writes(
        KEYS, ReportId("main", "p" * 13, digest("")), "a@b.example", decide(AddressState(), evidence, DEFAULT_POLICY)
    )
    return dict(wrote.state.fields) if wrote.state else {}, dict(wrote.event)


def _fill_addresses(redis: Redis, addresses: int, now: datetime) -> None:
    state, _ = _fields(replace(BOUNCE, at=now))
    for numbers in batches(addresses):
        with redis.pipeline(transaction=False) as pipe:
            pipe.sadd(KEYS.suppressed, *map(address, numbers))
            for each in map(address, numbers):
                pipe.hset(KEYS.address(each), mapping=state)
            pipe.execute()


def _fill_counters(redis: Redis, now: datetime) -> None:
    names = [f"category:{each}" for each in Category]
    for number in range(CAMPAIGNS):
        names += [f"campaign:campaign{number}:{each}" for each in ("hard", "soft", "block", "delivered")]
        names += [f"rate:{each}:campaign:campaign{number}" for each in ("hard", "sent", "complaint")]
    names += [f"domain:mail{number}.example:hard" for number in range(DOMAINS)]
    for back in range(24 * KEPT_DAYS):
        redis.hset(KEYS.counts(hour(now - timedelta(hours=back))), mapping=dict.fromkeys(names, 1 + back % 7))


def _fill_streams(redis: Redis, addresses: int, now: datetime) -> None:
    begun = now - SPAN
    _, event = _fields(replace(BOUNCE, at=now))
    step = SPAN / EVENTS
    for numbers in batches(EVENTS):
        with redis.pipeline(transaction=False) as pipe:
            for number in numbers:
                at = begun + number * step
                said = {
                    "type": "report" if number % 2 else "transition",
                    **event,
                    "id": digest(str(number // 2)),
                    "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "address": address(number // 2 % addresses),
                    "campaign": f"campaign{number % 500}",
                }
                pipe.xadd(KEYS.events, said, id=f"{int(at.timestamp() * 1000)}-{number}")
            pipe.execute()
    with redis.pipeline(transaction=False) as pipe:
        for number in range(BLOCKS):
            at = now - timedelta(days=35) * (1 - number / BLOCKS)
            said = {
                "words": f"421 4.7.28 [192.0.2.{number % 20}] unusual rate, see https://support.example/{number % 50}",
                **event,
                "provider": f"provider{number % 30}",
                "category": "reputation_block",
                "sending_ip": f"192.0.2.{number % 20}",
                "campaign": f"campaign{number % 500}",
            }
            pipe.xadd(KEYS.blocks, said, id=f"{int(at.timestamp() * 1000)}-{number}")
        pipe.execute()


def timed(port: int, path: str, times: int) -> list[float]:
    """Return how long each answer took, in seconds; whoever asks is signed in by a proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        connection.request("GET", path, headers=SIGNED_IN)
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - begun)
        if answer.status != http.client.OK:
            raise SystemExit(f"{path}: {answer.status}")
    connection.close()
    return sorted(took)


def report(port: int, paths: tuple[str, ...], times: int, asked: str) -> None:
    """Print how long each of the pages takes."""
    for path in paths:
        took = timed(port, path.format(address=asked), times)
        late = took[min(len(took) - 1, int(len(took) * 0.99))]
        missed = statistics.median(took) > MEDIAN_S or late > P99_S
        print(
            f"{path:<52}{1000 * statistics.median(took):8.0f}{1000 * late:8.0f}{'   above the goal' if missed else ''}"
        )


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bounced-pages-") as name:
        folder = Path(name)
        async with EmbeddedServer(folder / "data") as server:
            with Redis.from_url(server.url) as redis:
                redis.config_set("appendfsync", "no")
                await asyncio.to_thread(fill, redis, asked.addresses)
            await asyncio.to_thread(_measured, folder, server.url, asked.addresses, asked.times)


def _measured(folder: Path, url: str, addresses: int, times: int) -> None:
    with running(folder, f'url = "{url}"\ndurability = "memory"', private=PRIVATE) as application:
        somebody = address(addresses // 2)
        print(f"{addresses:,} suppressed, ms{'':<30}median     p99")
        report(application.port, PAGES, times, somebody)
        print("looks through events, through all refusals or through all counters")
        report(application.port, SCANS, min(times, 5), somebody)


if __name__ == "__main__":
    asyncio.run(main())
