"""The user of Redis that docs/redis.md gives to the daemon may do what the jobs do."""

from pathlib import Path
from urllib.parse import quote

import pytest

from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.job_store import JobStore
from bounced.jobs import AlarmBell, Disputer, IntakeReader, Releaser

from .conftest import ALICE, House
from .test_disputes import wave

PAGE = Path(__file__).parents[2] / "docs/redis.md"


async def test_the_daemons_user_may_do_all_that_the_jobs_do(house: House, redis_url: str) -> None:
    """Streams, groups, scripts, sorted sets."""
    (line,) = (line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("ACL SETUSER daemon "))
    user, prefix = f"{house.keys.prefix}-daemon", house.keys.prefix
    rights = [word.replace("~bounced:", f"~{prefix}:") for word in line.split()[3:]]
    await house.ask("ACL", "SETUSER", user, *rights)
    url = f"unix://{user}@{quote(redis_url.removeprefix('unix://'))}?password=PASSWORD"
    store = RedisStore(connections(url), {"main": house.keys}, durability("fsync", pytest.fail))
    await store.start()
    await wave(house)
    await house.hold()
    await house.ask("ZADD", house.keys.due, 1, "nobody@company.example")
    await house.ask("HSET", house.keys.alarms, "list", "red")
    await house.ask("XADD", house.keys.intake, "*", "type", "engaged", "at", "1", "address", ALICE)
    await house.ask("XADD", house.keys.intake, "*", "type", "nonsense")
    chores = JobStore(store, "worker", events_max=100, failed_max=10)
    disputer, reader = Disputer(house.present, chores), IntakeReader(house.present, chores)
    disputer.suspect("main", "company.example")
    for job in (Releaser(house.present, chores), disputer, AlarmBell(house.present, chores), reader):
        await job.round()
    await reader.take_over(idle_s=0)
    await store.close()
    await house.ask("ACL", "DELUSER", user)
    assert len(await house.stream(house.keys.intake_failed)) == 1
    assert await house.ask("XLEN", house.keys.intake) == 0
