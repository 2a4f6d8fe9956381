"""What those who watch are told, when all is well and when it is not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest

from bounced.core.contract.keys import Keyspace
from bounced.edges.judge.look import RedisJudge
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.hook_streams import HookStreams
from bounced.edges.redis.identities import Identities
from bounced.edges.redis.time_budget import DEFAULT_BUDGET
from bounced.edges.watch.metrics.totals import Totals
from bounced.edges.watch.monitor import Monitor, WorkerCounts
from bounced.opening import now

WELL = WorkerCounts(wanted=2, ready=2, silent=0, deaths=0)


@asynccontextmanager
async def _monitor(url: str, prefix: str, workers: WorkerCounts = WELL) -> AsyncIterator[Monitor]:
    keys = {"main": Keyspace(prefix, "main")}
    store = RedisStore(connections(url), keys, durability("memory", lambda _text: None))
    await store.start()
    judge = RedisJudge(connections(url), url, "memory", DEFAULT_BUDGET, Identities())
    yield Monitor(store, keys, lambda: workers, Totals(), clock=now, judge=judge)
    await store.close()


async def test_all_is_well(redis_url: str, key_prefix: str) -> None:
    """Healthy, ready, and figures of the list."""
    async with _monitor(redis_url, key_prefix) as monitor:
        assert (await monitor.health()).status is HTTPStatus.OK
        assert (await monitor.readiness()).status is HTTPStatus.OK
        text = (await monitor.metrics()).body.decode()
    assert "bounced_redis_up 1.0" in text
    assert 'bounced_suppressed_addresses{list="main"} 0.0' in text


async def test_addresses_are_counted_by_state_without_looking_at_each(redis_url: str, key_prefix: str) -> None:
    """From the sizes of two sets: all that must not be mailed, and those of them that time brings back."""
    keys = Keyspace(key_prefix, "main")
    async with _monitor(redis_url, key_prefix) as monitor:
        await monitor._store.write("main", "SADD", keys.suppressed, "a@example.org", "b@example.org", "c@example.org")
        await monitor._store.write("main", "ZADD", keys.due, 2_000_000_000, "a@example.org")
        text = (await monitor.metrics()).body.decode()
    assert 'bounced_addresses{list="main",state="held"} 1.0' in text
    assert 'bounced_addresses{list="main",state="suppressed"} 2.0' in text


async def test_webhooks_are_measured_when_somebody_asks(redis_url: str, key_prefix: str) -> None:
    """How old the oldest event is that one does not have, what was kept, trimmed and delivered, and whether it stands.

    One that no deliverer has begun is behind nothing.
    """
    keys, began = Keyspace(key_prefix, "main"), int(now().timestamp() * 1000)
    async with _monitor(redis_url, key_prefix) as monitor:
        monitor.use({"main": keys}, hooks={"main": ("crm", "new")})
        store = monitor._store
        await HookStreams(store, "main", "crm", undelivered_max=10).next(1, now())
        await store.write("main", "HSET", keys.hook("crm"), "delivered", 7, "trimmed", 3, "stopped", "410 Gone")
        await store.write("main", "XADD", keys.undelivered("crm"), "*", "type", "transition")
        await store.write("main", "XADD", keys.bulk, f"{began - 90_000}-0", "type", "transition")
        text = (await monitor.metrics()).body.decode()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("bounced_hook_"))
    crm = '{hook="crm",list="main"}'
    assert 90 <= float(found.pop(f"bounced_hook_behind_seconds{crm}")) < 190
    assert {name.removesuffix(crm): float(value) for name, value in found.items() if name.endswith(crm)} == {
        "bounced_hook_set_aside": 1,
        "bounced_hook_stopped": 1,
        "bounced_hook_delivered_total": 7,
        "bounced_hook_trimmed_total": 3,
    }
    assert 'bounced_hook_behind_seconds{hook="new",list="main"}' not in found
    assert found['bounced_hook_stopped{hook="new",list="main"}'] == "0.0"


async def test_a_webhook_that_cannot_be_looked_at_hides_nothing_else(redis_url: str, key_prefix: str) -> None:
    """Its own series are absent."""
    keys = Keyspace(key_prefix, "main")
    async with _monitor(redis_url, key_prefix) as monitor:
        monitor.use({"main": keys}, hooks={"main": ("crm",)})
        await monitor._store.write("main", "SET", keys.hook("crm"), "by mistake")
        text = (await monitor.metrics()).body.decode()
    assert "bounced_redis_up 1.0" in text
    assert 'bounced_hook_stopped{hook="crm"' not in text


@pytest.mark.parametrize(
    ("workers", "healthy", "ready"),
    [
        (WorkerCounts(wanted=2, ready=1, silent=0, deaths=1), HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE),
        (WorkerCounts(wanted=2, ready=2, silent=1, deaths=0), HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.OK),
    ],
    ids=["one not ready", "one hangs"],
)
async def test_workers_that_are_not_well_are_said(
    redis_url: str, key_prefix: str, workers: WorkerCounts, healthy: HTTPStatus, ready: HTTPStatus
) -> None:
    """A worker that starts is not ready; one that hangs is not healthy."""
    async with _monitor(redis_url, key_prefix, workers) as monitor:
        assert (await monitor.health()).status is healthy
        assert (await monitor.readiness()).status is ready


async def test_without_redis_the_daemon_is_healthy_and_not_ready(tmp_path: object, key_prefix: str) -> None:
    """Nobody should restart it for that: it answers 451. What Redis would have said is absent."""
    async with _monitor(f"unix://{tmp_path}/nobody", key_prefix) as monitor:
        assert (await monitor.health()).status is HTTPStatus.OK
        readiness = await monitor.readiness()
        text = (await monitor.metrics()).body.decode()
    assert readiness.status is HTTPStatus.SERVICE_UNAVAILABLE
    assert b"Redis takes no commits" in readiness.body
    assert "bounced_redis_up 0.0" in text
    assert "bounced_suppressed_addresses{" not in text


async def test_a_server_that_only_reads_takes_no_commits(redis_url: str, key_prefix: str) -> None:
    """A replica, or a full server, refuses the script that the readiness asks with, as it would refuse a commit."""
    async with _monitor(redis_url, key_prefix) as monitor:
        store = monitor._store
        await store.write("main", "CONFIG", "SET", "min-replicas-to-write", "1")
        try:
            readiness = await monitor.readiness()
        finally:
            await store.read("main", "CONFIG", "SET", "min-replicas-to-write", "0")
    assert readiness.status is HTTPStatus.SERVICE_UNAVAILABLE
    assert b"NOREPLICAS" in readiness.body or b"replicas" in readiness.body
