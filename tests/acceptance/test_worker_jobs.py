"""The jobs run in the worker that takes in mail."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bounced.config import load
from bounced.edges.sockets import SMTP
from bounced.edges.watch.metrics.meter import Meter
from bounced.service import Worker
from tests.support.daemon import Daemon
from tests.support.door import loopback

ALICE = "alice@example.org"


@pytest.fixture
def meter() -> Meter:
    """Return what counts for the worker."""
    return Meter()


@pytest.fixture
async def worker(redis_url: str, key_prefix: str, tmp_path: Path, meter: Meter) -> AsyncIterator[Worker]:
    """Return a worker without any door."""
    key = tmp_path / "key"
    key.write_text("a secret of some length")
    key.chmod(0o600)
    config = tmp_path / "bounced.toml"
    config.write_text(
        f'[redis]\nurl = "{redis_url}"\nprefix = "{key_prefix}"\ndata_dir = "{tmp_path}"\n'
        '[lists.main]\ndomains = ["bounce.example.com"]\n'
        f'keys = [{{ id = "a", file = "{key}" }}]\n'
    )
    async with Worker.running(load(config), {}, meter=meter) as worker:
        yield worker


async def test_a_worker_reads_what_senders_tell(worker: Worker, redis_url: str, key_prefix: str) -> None:
    """From XADD to SISMEMBER without anybody's doing."""
    redis = Redis.from_url(redis_url, decode_responses=True)
    prefix = f"{key_prefix}:{{main}}"
    await redis.xadd(f"{prefix}:intake", {"type": "complained", "at": 1_772_000_000, "address": ALICE})
    assert await redis.xread({f"{prefix}:events": "0"}, block=10_000), "nothing came within ten seconds"
    assert await redis.sismember(f"{prefix}:suppressed", ALICE)
    await redis.aclose()
    assert worker.healthy


async def test_a_job_that_fails_takes_neither_the_worker_nor_the_other_jobs_with_it(
    worker: Worker, redis_url: str, key_prefix: str, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor would kill one that is not healthy, and the next, and the next."""
    failed = asyncio.Event()

    async def broken() -> float:
        failed.set()
        raise ValueError("a fault of ours")

    await worker.jobs.stop()
    (alarms,) = (job for job in worker.jobs._jobs if job.name == "alarms")
    monkeypatch.setattr(alarms, "round", broken)
    worker.jobs.start()
    async with asyncio.timeout(10):
        await failed.wait()
    await test_a_worker_reads_what_senders_tell(worker, redis_url, key_prefix)
    assert b'["bounced_job_failures", "alarms", 1]' in meter.take()


async def test_a_worker_that_cannot_start_stops_what_it_had_begun(
    redis_url: str, key_prefix: str, tmp_path: Path
) -> None:
    """Its jobs would go on without a door, and its connections stay open."""
    config = load(Daemon(tmp_path, url=redis_url, prefix=key_prefix).config_file)
    closed = loopback()
    closed.close()
    before = asyncio.all_tasks()
    with pytest.raises((OSError, ValueError)):
        async with Worker.running(config, {SMTP: [closed]}):
            pytest.fail("it started")
    assert asyncio.all_tasks() == before
