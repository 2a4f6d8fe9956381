"""Deliveries that run in this process, upon a real server and real receivers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.config import Config, load_for_deliver, read_configuration
from bounced.core.contract.hooks import HookState
from bounced.core.contract.keys import Keyspace
from bounced.deliver import delivery, notes, pace
from bounced.deliver.serving import Delivering
from bounced.edges.redis.hook_streams import HookStreams
from bounced.edges.redis.store import RedisStore
from bounced.opening import now, open_store
from tests.support.receiver import WAIT_S

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
CONFIGURATION = """
[redis]
url = "{url}"
prefix = "{prefix}"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "nobody-reads-this" }}]
"""
DELIVER = "[deliver]\nlease_s = 2.0\n"
HOOK = """
[[hooks]]
name = "{name}"
url = "{url}"
{more}
"""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Give a connection that may do everything."""
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield redis


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the keys of the list."""
    return Keyspace(key_prefix)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are shorter than an operator's, and as many."""
    monkeypatch.setattr(pace, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(pace, "LAST_PAUSE_S", 0.05)
    monkeypatch.setattr(pace, "LAST_PAUSE_OF_ALL_S", 0.05)
    monkeypatch.setattr(delivery, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(delivery, "LOOK_WHETHER_RESUMED_S", 0.01)
    monkeypatch.setattr(delivery, "DRAIN_S", 0.1)
    monkeypatch.setattr(notes, "EVERY_S", 0.01)


class Site:
    """A list with webhooks that are being delivered to."""

    def __init__(self, file: Path, store: RedisStore, delivering: Delivering, redis: Redis, keys: Keyspace) -> None:
        self.file, self.store, self.delivering, self.redis, self.keys = file, store, delivering, redis, keys

    def streams(self, hook: str = "crm") -> HookStreams:
        """Return what a webhook asks of Redis."""
        return HookStreams(self.store, "main", hook, undelivered_max=100)

    async def state(self, hook: str = "crm") -> HookState:
        """Return how a webhook stands."""
        return await self.streams(hook).state()

    async def write(self, *names: str, bulk: bool = False, **more: Any) -> list[Any]:
        """Write a transition of each address; the field ``class`` is given as ``class_``."""
        stream = self.keys.bulk if bulk else self.keys.events
        held = {name.rstrip("_"): value for name, value in more.items()}
        about: dict[Any, Any] = {"type": "transition", "at": "2026-11-29T12:00:00Z", **held}
        return [await self.redis.xadd(stream, {**about, "address": f"{name}@example.org"}) for name in names]

    async def pending(self, hook: str = "crm") -> int:
        """Return how many events were given to a webhook and are not settled."""
        pending = 0
        for stream in (self.keys.events, self.keys.bulk, self.keys.hook_again(hook)):
            groups = await self.redis.xinfo_groups(stream)
            pending += sum(group["pending"] for group in groups if group["name"] == f"hook:{hook}")
        return pending

    async def settled(self) -> None:
        """Wait until all that was given is settled."""
        await until(lambda: self._is(0))

    async def stands(self, ready: Callable[[HookState], object], hook: str = "crm") -> HookState:
        """Wait until a webhook stands so, and return how it stands."""
        async with asyncio.timeout(WAIT_S):
            while not ready(state := await self.state(hook)):  # noqa: ASYNC110 - another task writes it
                await asyncio.sleep(0.01)
            return state

    async def _is(self, pending: int) -> bool:
        return await self.pending() == pending


async def until(ready: Callable[[], Awaitable[object]]) -> None:
    """Wait until a question is answered with yes."""
    async with asyncio.timeout(WAIT_S):
        while not await ready():  # noqa: ASYNC110 - what it asks is elsewhere
            await asyncio.sleep(0.01)


def config_of(file: Path) -> Config:
    """Return the configuration as the deliverer reads it."""
    return load_for_deliver(read_configuration(file))


def write_config(folder: Path, url: str, prefix: str, *hooks: str, deliver: str = DELIVER) -> Path:
    """Write a configuration with webhooks."""
    secret = folder / "crm.secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    file = folder / "bounced.toml"
    file.write_text(CONFIGURATION.format(url=url, prefix=prefix) + deliver + "".join(hooks))
    return file


def hook(url: str, *, name: str = "crm", more: str = "") -> str:
    """Return the table of a webhook."""
    secret = "" if "listmonk" in more or "secret_files" in more else 'secret_files = ["crm.secret"]\n'
    return HOOK.format(name=name, url=url, more=secret + more)


Start = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def start(tmp_path: Path, redis_url: str, key_prefix: str, redis: Redis, keys: Keyspace) -> Start:
    """Return what delivers to webhooks, given as tables; it begins when their groups are there."""

    @asynccontextmanager
    async def start(*hooks: str, deliver: str = DELIVER) -> AsyncIterator[Site]:
        login = tmp_path / "login"
        login.touch(mode=0o600)
        login.write_text("api:token")
        config = config_of(write_config(tmp_path, redis_url, key_prefix, *hooks, deliver=deliver))
        async with open_store(config, to_write=False) as store:
            for each in config.hooks:  # so that what is written from now on is theirs
                await HookStreams(store, "main", each.name, undelivered_max=100).next(1, datetime.now(UTC))
            async with Delivering.running(config, store, now) as delivering:
                yield Site(tmp_path / "bounced.toml", store, delivering, redis, keys)

    return start
