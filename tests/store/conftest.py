"""One contract, several stores: what every test of this folder is run on, and a look inside."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pytest
from redis.asyncio import Redis

from bounced.core.keys import Keyspace
from bounced.edges.connect import connections
from bounced.edges.memory_store import MemoryStore
from bounced.edges.redis_store import RedisStore, durability
from bounced.edges.redis_store.wire import text


class Inside(Protocol):
    """What a list holds, by the names of the contract."""

    async def suppressed(self) -> set[str]: ...

    async def counts(self, hour: str) -> dict[str, int]: ...

    async def blocks(self) -> list[dict[str, str]]: ...

    async def unrecognised(self) -> list[bytes]: ...

    async def dispute(self, domain: str, until: datetime) -> None: ...

    async def register(self, token: str, fields: dict[str, str]) -> None: ...


@dataclass(frozen=True)
class Bench:
    """A store under test and a look inside it."""

    store: MemoryStore | RedisStore
    inside: Inside
    keys: Keyspace


class InsideMemory:
    def __init__(self, store: MemoryStore) -> None:
        self._held = store._lists["main"]

    async def suppressed(self) -> set[str]:
        return self._held.suppressed

    async def counts(self, hour: str) -> dict[str, int]:
        return dict(self._held.counts.get(hour, {}))

    async def blocks(self) -> list[dict[str, str]]:
        return self._held.blocks

    async def unrecognised(self) -> list[bytes]:
        return self._held.unrecognised

    async def dispute(self, domain: str, until: datetime) -> None:
        self._held.disputed[domain] = int(until.timestamp())

    async def register(self, token: str, fields: dict[str, str]) -> None:
        self._held.tokens[token] = fields


class InsideRedis:
    """Looks with redis-py alone, as sending software would."""

    def __init__(self, client: Redis, keys: Keyspace) -> None:
        self._ask: Callable[..., Awaitable[Any]] = client.execute_command
        self._keys = keys

    async def suppressed(self) -> set[str]:
        return {text(member) for member in await self._ask("SMEMBERS", self._keys.suppressed)}

    async def counts(self, hour: str) -> dict[str, int]:
        counts = await self._ask("HGETALL", self._keys.counts(hour))
        return {text(name): int(number) for name, number in counts.items()}

    async def blocks(self) -> list[dict[str, str]]:
        entries = await self._ask("XRANGE", self._keys.blocks, "-", "+")
        return [{text(name): text(value) for name, value in fields.items()} for _, fields in entries]

    async def unrecognised(self) -> list[bytes]:
        return [fields[b"content"] for _, fields in await self._ask("XRANGE", self._keys.unrecognised, "-", "+")]

    async def dispute(self, domain: str, until: datetime) -> None:
        await self._ask("ZADD", self._keys.disputed, int(until.timestamp()), domain)

    async def register(self, token: str, fields: dict[str, str]) -> None:
        await self._ask("HSET", self._keys.token(token), *(word for pair in fields.items() for word in pair))


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest, keys: Keyspace) -> Bench:
    """Return each kind of store in turn, empty."""
    if request.param == "memory":
        store = MemoryStore({"main": keys})
        return Bench(store, InsideMemory(store), keys)
    redis = request.getfixturevalue("redis_store")
    client = request.getfixturevalue("redis_client")
    return Bench(redis, InsideRedis(client, keys), keys)


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the keys of a list of this test's own."""
    return Keyspace(key_prefix, "main")


@pytest.fixture
async def redis_store(redis_url: str, keys: Keyspace) -> AsyncIterator[RedisStore]:
    """Return a started store on the real server, each commit on disk."""
    store = RedisStore(connections(redis_url), {"main": keys}, durability("fsync", pytest.fail))
    await store.start()
    yield store
    await store.close()


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[Redis]:
    """Return redis-py's client for the real server."""
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()
