"""The deliverer as systemd runs it: signals, its log, and how it ends."""

import signal
from datetime import UTC, datetime
from pathlib import Path

from redis.asyncio import Redis

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.hook_streams import HookStreams
from bounced.opening import open_store
from tests.support.deliverer import Deliverer
from tests.support.receiver import receiving

from .conftest import config_of, hook, write_config


async def test_it_delivers_reloads_and_stops_and_its_log_names_nobody(
    tmp_path: Path, redis_url: str, key_prefix: str, redis: Redis, keys: Keyspace
) -> None:
    """SIGHUP reads the webhooks again, SIGTERM leaves nothing behind, and a lease is given up at once."""
    async with receiving() as crm, receiving() as new:
        file = write_config(tmp_path, redis_url, key_prefix, hook(crm.url))
        both = file.read_text() + hook(new.url, name="new")
        async with open_store(config_of(file), to_write=False) as store:
            for name in ("crm", "new"):
                await HookStreams(store, "main", name, undelivered_max=1).next(1, datetime.now(UTC))
        deliverer = Deliverer(file)
        await deliverer.start(listen=True)
        await redis.xadd(keys.events, {"type": "transition", "address": "alice@example.org"})
        await crm.until(lambda: len(crm.heard) == 1)
        file.write_text(both)
        deliverer.process.send_signal(signal.SIGHUP)
        await deliverer.wait_for("service.reloaded")
        await new.until(lambda: len(new.heard) == 1)
        file.write_text(both + hook("ftp://a.example/", name="bad"))
        deliverer.process.send_signal(signal.SIGHUP)
        await deliverer.wait_for("reload.failed")
        await redis.xadd(keys.events, {"type": "transition", "address": "bob@example.org"})
        await crm.until(lambda: len(crm.heard) == 2)
        await new.until(lambda: len(new.heard) == 2)
        assert await deliverer.stop() == 0
    assert await redis.exists(keys.hook_lease("crm"), keys.hook_lease("new")) == 0
    told = [event for event in deliverer.events if event["event"] == "event.delivered"]
    assert {event["webhook_id"] for event in told} == {request.id for request in crm.heard}
    assert not [event for event in deliverer.events if "@" in str(event)]


async def test_a_wrong_configuration_ends_it_with_exit_code_2(tmp_path: Path, redis_url: str, key_prefix: str) -> None:
    """Which systemd does not start again."""
    deliverer = Deliverer(write_config(tmp_path, redis_url, key_prefix, hook("https://10.0.0.1/")))
    await deliverer.start()
    assert await deliverer.process.wait() == 2
