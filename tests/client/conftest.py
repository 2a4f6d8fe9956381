"""Both clients, asked in one way, and a list of this test's own on a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.client import AsyncClient, Client, Keyring, Keyspace, ReturnPaths, SigningKey
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Origin, Verdict
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections

SAID = "550 5.1.1 no such user"
Ask = Callable[..., Awaitable[Any]]


class Asked:
    """A client whose methods are awaited, whichever it is."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Ask:
        """Return a method of the client as a coroutine function."""
        method = getattr(self._client, name)

        async def ask(*args: Any, **kwargs: Any) -> Any:
            if isinstance(self._client, AsyncClient):
                return await method(*args, **kwargs)
            return await asyncio.to_thread(method, *args, **kwargs)

        return ask


@asynccontextmanager
async def asking(client: Client | AsyncClient) -> AsyncIterator[Asked]:
    """Close either client afterwards."""
    try:
        yield Asked(client)
    finally:
        if isinstance(client, AsyncClient):
            await client.aclose()
        else:
            client.close()


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the key names of a list of this test's own."""
    return Keyspace(key_prefix, "main")


@pytest.fixture
def paths() -> ReturnPaths:
    """Return how the list signs."""
    keyring = Keyring(SigningKey("k", b"example secret, exactly 32 bytes"))
    return ReturnPaths("main", ("bounce.example.com",), keyring)


@pytest.fixture(params=[Client, AsyncClient])
async def client(
    request: pytest.FixtureRequest, redis_url: str, keys: Keyspace, paths: ReturnPaths
) -> AsyncIterator[Asked]:
    """Return each client in turn."""
    async with asking(request.param.from_url(redis_url, paths, keys=keys)) as client:
        yield client


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Return redis-py's own client, to look and to prepare."""
    redis = Redis.from_url(redis_url, decode_responses=True)
    yield redis
    await redis.aclose()


@pytest.fixture
async def store(redis_url: str, keys: Keyspace) -> AsyncIterator[RedisStore]:
    """Return the daemon's store, which writes what clients read."""
    store = RedisStore(connections(redis_url), {"main": keys}, durability("memory", pytest.fail))
    await store.start()
    yield store
    await store.close()


@pytest.fixture
def happen(store: RedisStore) -> Callable[..., Awaitable[None]]:
    """Return what lets something happen to an address, as the daemon would commit it."""

    async def happen(address: str, type_: EvidenceType, category: Category | None = None, **more: Any) -> None:
        verdict = (
            Verdict(category, "test.rule", "diagnostic", diagnostic="550 5.1.1 no such user") if category else None
        )
        evidence = Evidence(type_, datetime.now(UTC), Origin.SMTP, verdict=verdict, **more)
        report_id = ReportId("main", "path", f"{address} {type_}")
        await store.commit(report_id, address, partial(decide, evidence=evidence, policy=DEFAULT_POLICY))

    return happen


@pytest.fixture
def told(redis: Redis, keys: Keyspace) -> Callable[[], Awaitable[list[dict[str, str]]]]:
    """Return what lists the entries that senders wrote, their ids among the fields."""

    async def told() -> list[dict[str, str]]:
        entries: Any = await redis.xrange(keys.intake)
        return [{"id": id_, **fields} for id_, fields in entries]

    return told
