"""One contract, several stores: what every test of this folder is run on, and a look inside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from redis.asyncio.connection import AbstractConnection

from bounced.core.contract.keys import Keyspace
from bounced.edges.memory_store import MemoryStore
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.wire import call, fields, texts

from .servers import Fleet

ACCESS = Path(__file__).parents[2] / "docs/redis.md"


class Inside(Protocol):
    """What a list holds, by the names of the contract."""

    async def suppressed(self) -> set[str]: ...

    async def counts(self, hour: str) -> dict[str, int]: ...

    async def blocks(self) -> list[dict[str, str]]: ...

    async def events(self) -> list[dict[str, str]]: ...

    async def bulk(self) -> list[dict[str, str]]: ...

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

    async def events(self) -> list[dict[str, str]]:
        return self._held.events

    async def bulk(self) -> list[dict[str, str]]:
        return self._held.bulk

    async def unrecognised(self) -> list[bytes]:
        return self._held.unrecognised

    async def dispute(self, domain: str, until: datetime) -> None:
        self._held.disputed[domain] = int(until.timestamp())

    async def register(self, token: str, fields: dict[str, str]) -> None:
        self._held.tokens[token] = fields


class InsideRedis:
    """Asks for keys by the names of the contract, as sending software would."""

    def __init__(self, connection: AbstractConnection, keys: Keyspace) -> None:
        self._connection = connection
        self._keys = keys

    async def suppressed(self) -> set[str]:
        return set(texts(await self._ask("SMEMBERS", self._keys.suppressed)))

    async def counts(self, hour: str) -> dict[str, int]:
        counts = fields(await self._ask("HGETALL", self._keys.counts(hour)))
        return {name: int(number) for name, number in counts.items()}

    async def blocks(self) -> list[dict[str, str]]:
        return [fields(entry) for entry in await self._entries(self._keys.blocks)]

    async def events(self) -> list[dict[str, str]]:
        return [fields(entry) for entry in await self._entries(self._keys.events)]

    async def bulk(self) -> list[dict[str, str]]:
        return [fields(entry) for entry in await self._entries(self._keys.bulk)]

    async def unrecognised(self) -> list[bytes]:
        return [entry[entry.index(b"content") + 1] for entry in await self._entries(self._keys.unrecognised)]

    async def dispute(self, domain: str, until: datetime) -> None:
        await self._ask("ZADD", self._keys.disputed, int(until.timestamp()), domain)

    async def register(self, token: str, fields: dict[str, str]) -> None:
        await self._ask("HSET", self._keys.token(token), *(word for pair in fields.items() for word in pair))

    async def _entries(self, stream: str) -> list[list[Any]]:
        return [entry for _, entry in await self._ask("XRANGE", stream, "-", "+")]

    async def _ask(self, *command: str | int) -> Any:
        return await call(self._connection, *command)


@pytest.fixture(params=["memory", "redis", "cluster"])
def bench(request: pytest.FixtureRequest, keys: Keyspace) -> Bench:
    """Return each kind of store in turn, empty."""
    if request.param == "memory":
        store = MemoryStore({"main": keys})
        return Bench(store, InsideMemory(store), keys)
    found: Bench = request.getfixturevalue(f"{request.param}_bench")
    return found


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the keys of a list of this test's own."""
    return Keyspace(key_prefix, "main")


@pytest.fixture
async def redis_bench(daemon_url: str, keys: Keyspace) -> AsyncIterator[Bench]:
    """Return a started store on the real server, each commit on disk, with no more rights than docs/redis.md gives."""
    async with _bench(daemon_url, keys, "fsync") as bench:
        yield bench


@pytest.fixture
async def daemon_url(redis_url: str, keys: Keyspace) -> AsyncIterator[str]:
    """Return the URL with which the daemon's user of docs/redis.md logs in; its keys are this test's."""
    async with logged_in("daemon", redis_url, keys) as url:
        yield url


@pytest.fixture
async def operator_url(redis_url: str, keys: Keyspace) -> AsyncIterator[str]:
    """Return the URL with which the operator's user logs in."""
    async with logged_in("operator", redis_url, keys) as url:
        yield url


@asynccontextmanager
async def logged_in(user: str, redis_url: str, keys: Keyspace) -> AsyncIterator[str]:
    """Make a user of docs/redis.md, with this test's keys, for as long as it is needed."""
    (line,) = (line for line in ACCESS.read_text().splitlines() if line.startswith(f"ACL SETUSER {user} "))
    rights = line.replace("~bounced:", f"~{keys.prefix}:").split()[3:]
    name = f"{keys.prefix}-{user}"
    connection = await connections(redis_url).open(0)
    await call(connection, "ACL", "SETUSER", name, *rights)
    yield redis_url.replace("unix://", f"unix://{name}:PASSWORD@")
    await call(connection, "ACL", "DELUSER", name)
    await connection.disconnect()


@pytest.fixture
async def cluster_bench(cluster_url: str, keys: Keyspace) -> AsyncIterator[Bench]:
    """Return a started store on a Cluster of three."""
    async with _bench(cluster_url, keys, "memory") as bench:
        yield bench


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Return the URL of a Cluster of three, shared by all tests of one process."""
    fleet = Fleet(tmp_path_factory.mktemp("cluster"))
    yield (await fleet.start_cluster(primaries=3)).url
    await fleet.stop()


@asynccontextmanager
async def _bench(url: str, keys: Keyspace, durability_setting: str) -> AsyncIterator[Bench]:
    reach = connections(url)
    store = RedisStore(reach, {"main": keys}, durability(durability_setting, pytest.fail))
    await store.start()
    connection = await reach.open(reach.shard(keys.events))
    yield Bench(store, InsideRedis(connection, keys), keys)
    await connection.disconnect()
    await store.close()
