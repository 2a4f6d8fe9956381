"""How long a commit keeps the processor of Redis busy, and what it adds to the append-only file.

python -m benchmarks.commit_time [--commits 40000] [--at-once 200]

Those that are made at once share script calls: up to 32 go in one.  A worker with 50 connections has 4 to 10 in each.
"""

import argparse
import asyncio
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from bounced.core.contract.digest import report_digests
from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Action, Category, Kind, Origin, Verdict
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.embedded import EmbeddedServer

A_ROUND = 2_000
"""So many commits: other programs disturb the quickest of many rounds least."""
UNKNOWN = Verdict(Category.MAILBOX_UNKNOWN, "mailbox.unknown-user", "diagnostic", Action.FAILED, "5.1.1", "550")


def _fail(text: str) -> None:
    raise SystemExit(text)


async def committed(store: RedisStore, first: int, count: int, at_once: int) -> None:
    """Commit the first bounce of so many addresses of a thousand domains."""
    now = datetime.now(UTC).replace(microsecond=0)

    async def bounce(number: int) -> None:
        verdict = UNKNOWN._replace(diagnostic=f"550 5.1.1 user{number}: no such user")
        said = Evidence(EvidenceType.REPORT, now, Origin.SMTP, Kind.BOUNCE, verdict, now.date(), campaign="nov")
        path, message_id = f"path{number}", f"<{number}@mx.domain{number % 1000}.example>"
        digest, *others = report_digests(path, Kind.BOUNCE, verdict.class_, message_id, b"")
        report = ReportId("main", path, digest, other_digests=tuple(others))
        address = f"user{number}@domain{number % 1000}.example"
        await store.commit(report, address, partial(decide, evidence=said, policy=DEFAULT_POLICY))

    for begun in range(first, first + count, at_once):
        await asyncio.gather(*map(bounce, range(begun, min(begun + at_once, first + count))))


async def busy(server: Redis) -> float:
    """Return how many seconds of a processor Redis' main thread has used."""
    info = await server.info("cpu")
    return float(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"])


async def measured(folder: Path, commits: int, at_once: int) -> tuple[float, float]:
    """Return microseconds, of the quickest of the rounds, and octets of the append-only file for each commit."""
    async with EmbeddedServer(folder) as embedded, Redis.from_url(embedded.url) as server:
        store = RedisStore(connections(embedded.url), {"main": Keyspace()}, durability("memory", _fail))
        await store.start()
        await server.config_set("appendfsync", "no")  # the disk is not measured
        await server.config_set("auto-aof-rewrite-percentage", 0)
        await committed(store, 0, A_ROUND, at_once)
        before, took_us = (await server.info("persistence"))["aof_current_size"], []
        for begun in range(A_ROUND, A_ROUND + commits, A_ROUND):
            busy_s = await busy(server)
            await committed(store, begun, A_ROUND, at_once)
            took_us.append((await busy(server) - busy_s) * 1e6 / A_ROUND)
        after = (await server.info("persistence"))["aof_current_size"]
        await store.close()
    return min(took_us), (after - before) / (A_ROUND * len(took_us))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=40_000)
    parser.add_argument("--at-once", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bounced-commits-") as folder:
        took_us, octets = asyncio.run(measured(Path(folder), arguments.commits, arguments.at_once))
    print(f"Redis' processor time for a commit: {took_us:.1f} us; append-only file: {octets:.0f} octets")


if __name__ == "__main__":
    main()
