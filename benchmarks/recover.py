"""How long `bounced recover` takes for 40,000 addresses that a provider called unknown, among as many others.

python -m benchmarks.recover [--addresses 40000]
"""

import argparse
import asyncio
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from benchmarks.lists import Took, prepared, took
from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Action, Category, Kind, Origin, Verdict
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.embedded import EmbeddedServer

GOAL_S = 20.0
AT_ONCE = 500
WORDS = ("recover", "--list", "main", "--since", "2026-01-01", "--provider", "yahoo")


def _fail(text: str) -> None:
    raise SystemExit(text)


async def fill(url: str, addresses: int) -> None:
    """Let so many addresses of a provider, and as many of others, be called unknown."""
    store = RedisStore(connections(url), {"main": Keyspace()}, durability("memory", _fail))
    await store.start()
    now = datetime.now(UTC).replace(microsecond=0)
    unknown = Verdict(Category.MAILBOX_UNKNOWN, "mailbox.unknown-user", "diagnostic", Action.FAILED, "5.1.1", "550")

    async def bounce(number: int) -> None:
        domain = "yahoo.com" if number < addresses else "example.org"
        verdict = unknown._replace(diagnostic=f"550 5.1.1 user{number}: no such user")
        said = Evidence(EvidenceType.REPORT, now, Origin.SMTP, Kind.BOUNCE, verdict, now.date(), campaign="nov")
        report = ReportId("main", f"path{number}", f"{number}")
        await store.commit(report, f"user{number}@{domain}", partial(decide, evidence=said, policy=DEFAULT_POLICY))

    for begun in range(0, 2 * addresses, AT_ONCE):
        await asyncio.gather(*map(bounce, range(begun, min(begun + AT_ONCE, 2 * addresses))))
    await store.close()


async def measured(folder: Path, addresses: int) -> dict[str, Took]:
    """Return what each command took, one after the other on one server."""
    async with EmbeddedServer(folder / "data") as embedded, Redis.from_url(embedded.url) as server:
        await fill(embedded.url, addresses)
        return {
            "recover --dry-run": await took(server, folder, *WORDS, "--dry-run"),
            "recover": await took(server, folder, *WORDS, "--yes", "--reason", "an outage"),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=40_000)
    addresses = parser.parse_args().addresses
    with tempfile.TemporaryDirectory(prefix="bounced-recover-") as name:
        folder = Path(name)
        prepared(folder, 0)
        figures = asyncio.run(measured(folder, addresses))
    print(f"{addresses:,} addresses, seconds{'':<12}elapsed  processor: command  server")
    for what, each in figures.items():
        print(f"{what:<33}{each.wall:7.1f}{each.command:20.1f}{each.server:8.1f}")
    print(f"goal: {GOAL_S:.0f} s for 40,000")


if __name__ == "__main__":
    main()
