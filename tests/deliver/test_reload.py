"""The configuration of a running deliverer changes."""

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

OTHER_LIST = """
[lists.other]
domains = ["other.example.com"]
keys = [{ id = "a", file = "nobody-reads-this" }]
"""


async def test_a_list_that_is_taken_out_ends_alone(
    tmp_path: Path, redis_url: str, key_prefix: str, redis: Redis, keys: Keyspace
) -> None:
    """What was delivered of it is written, its lease is given up, and the others go on."""
    async with receiving() as crm:
        file = write_config(tmp_path, redis_url, key_prefix, hook(crm.url))
        main_alone = file.read_text()
        file.write_text(main_alone + OTHER_LIST)
        async with open_store(config_of(file), to_write=False) as store:
            other = store.keyspace("other")
            for list_ in ("main", "other"):
                await HookStreams(store, list_, "crm", undelivered_max=1).next(1, datetime.now(UTC))
        deliverer = Deliverer(file)
        await deliverer.start(listen=True)
        await redis.xadd(other.events, {"type": "transition", "address": "alice@example.org"})
        await crm.until(lambda: len(crm.heard) == 1)
        file.write_text(main_alone)
        deliverer.process.send_signal(signal.SIGHUP)
        await deliverer.wait_for("service.reloaded")
        assert await redis.exists(other.hook_lease("crm")) == 0
        assert await redis.hget(other.hook("crm"), "delivered") == "1"
        await redis.xadd(keys.events, {"type": "transition", "address": "bob@example.org"})
        await crm.until(lambda: len(crm.heard) == 2)
        assert await deliverer.stop() == 0
