"""The user of Redis that docs/redis.md gives to the daemon may do what the jobs do."""

from pathlib import Path
from urllib.parse import quote

import pytest

from bounced.core.contract.times import hour
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.job_store import JobStore
from bounced.jobs import AlarmUpdater, Disputer, IntakeReader, ProviderDisputer, Releaser

from .conftest import ALICE, Bench
from .test_disputes import wave

PAGE = Path(__file__).parents[2] / "docs/redis.md"


async def test_the_daemons_user_may_do_all_that_the_jobs_do(bench: Bench, redis_url: str) -> None:
    """Streams, groups, scripts, sorted sets."""
    (line,) = (line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("ACL SETUSER daemon "))
    user, prefix = f"{bench.keys.prefix}-daemon", bench.keys.prefix
    rights = [word.replace("~bounced:", f"~{prefix}:") for word in line.split()[3:]]
    await bench.ask("ACL", "SETUSER", user, *rights)
    url = f"unix://{user}@{quote(redis_url.removeprefix('unix://'))}?password=PASSWORD"
    store = RedisStore(connections(url), {"main": bench.keys}, durability("fsync", pytest.fail))
    await store.start()
    await wave(bench)
    await bench.hold()
    await bench.ask("ZADD", bench.keys.due, 1, "nobody@company.example")
    await bench.ask("HSET", bench.keys.alarms, "list", "red")
    await bench.ask("XADD", bench.keys.intake, "*", "type", "engaged", "at", "1", "address", ALICE)
    await bench.ask("XADD", bench.keys.intake, "*", "type", "nonsense")
    store_of_jobs = JobStore(store, "worker", events_max=100, failed_max=10)
    disputer, reader = Disputer(bench.present, store_of_jobs), IntakeReader(bench.present, store_of_jobs)
    disputer.suspect("main", "company.example")
    providers = ProviderDisputer(bench.present, store_of_jobs)
    providers.suspect("main", "yahoo")
    await bench.ask("HSET", bench.keys.counts(hour(bench.clock.now)), "unknown:yahoo:other", 5)
    updater = AlarmUpdater(bench.present, store_of_jobs)
    for job in (Releaser(bench.present, store_of_jobs), disputer, providers, updater, reader):
        await job.round()
    await reader.take_over(idle_s=0)
    await store.close()
    await bench.ask("ACL", "DELUSER", user)
    assert len(await bench.stream(bench.keys.intake_failed)) == 1
    assert await bench.ask("XLEN", bench.keys.intake) == 0
