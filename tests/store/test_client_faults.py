"""What callers of a client hear when a server is killed, restarted, replaced or relieved of its slots."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError

from bounced.client import AsyncClient, Client, Keyring, ReturnPaths, SigningKey
from bounced.core.contract.keys import Keyspace

from .reports import ALICE
from .servers import PATIENCE_S, Fleet, until

AT_ONCE = 50
GIVEN_UP_S = 0.3
ANSWERED = Counter({"False": AT_ONCE})
JOSE = "josé@example.org"
KEYRING = Keyring(SigningKey("k", b"example secret, exactly 32 bytes"))


class Caller:
    """One of the two clients, asked by many at once."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self._client = client

    async def call(self, method: str, *facts: Any, **more: Any) -> Any:
        """Call a method once."""
        if isinstance(self._client, AsyncClient):
            return await getattr(self._client, method)(*facts, **more)
        return await asyncio.to_thread(getattr(self._client, method), *facts, **more)

    async def crowd(self, method: str, *facts: Any) -> Counter[str]:
        """Call a method many times at once; return how often which answer, or type of error, was heard."""
        if isinstance(self._client, AsyncClient):
            calls = [getattr(self._client, method)(*facts) for _ in range(AT_ONCE)]
            heard = await asyncio.gather(*calls, return_exceptions=True)
        else:
            heard = await asyncio.to_thread(self._threads, getattr(self._client, method), *facts)
        for each in heard:
            if isinstance(each, Exception) and not isinstance(each, RedisError):
                raise each
        return Counter("RedisError" if isinstance(each, RedisError) else str(each) for each in heard)

    async def crowd_is_answered(self) -> None:
        """Ask until all are answered, as callers would who heard an error."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.crowd("is_suppressed", ALICE) != ANSWERED:
                pass

    @staticmethod
    def _threads(method: Callable[..., Any], *facts: Any) -> list[Any]:
        def heard(_: int) -> Any:
            try:
                return method(*facts)
            except Exception as error:  # noqa: BLE001 - looked at in the test
                return error

        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(heard, range(AT_ONCE)))


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Return what starts servers, and stops them after the test."""
    fleet = Fleet(tmp_path)
    yield fleet
    await fleet.stop()


@pytest.fixture(params=[Client, AsyncClient])
def kind(request: pytest.FixtureRequest) -> type[Client | AsyncClient]:
    """Return each client in turn."""
    found: type[Client | AsyncClient] = request.param
    return found


@asynccontextmanager
async def calling(kind: type[Client | AsyncClient], url: str, list_: str = "main") -> AsyncIterator[Caller]:
    """Make a client of a list, and close it afterwards."""
    paths = ReturnPaths(list_, ("bounce.example.com",), KEYRING)
    client: Client | AsyncClient = await asyncio.to_thread(lambda: kind.from_url(url, paths))
    try:
        yield Caller(client)
    finally:
        if isinstance(client, AsyncClient):
            await client.aclose()
        else:
            client.close()


async def test_a_restart_between_two_calls_is_not_noticed(fleet: Fleet, kind: type[Client | AsyncClient]) -> None:
    """Neither by those who ask nor by those who tell, although each connection of the client is gone."""
    server = await fleet.start()
    async with calling(kind, server.url) as caller:
        for method, facts in (("is_suppressed", [ALICE]), ("report_sent", [1])):
            await caller.crowd(method, *facts)
            await server.kill()
            await server.start_again()
            assert "RedisError" not in await caller.crowd(method, *facts)
        assert await server.ask("XLEN", Keyspace().intake) == AT_ONCE


async def test_while_a_server_is_away_each_call_is_an_error_and_then_all_are_answered(
    fleet: Fleet, kind: type[Client | AsyncClient]
) -> None:
    """The same client goes on."""
    server = await fleet.start()
    async with calling(kind, server.url) as caller:
        assert await caller.crowd("is_suppressed", ALICE) == ANSWERED
        await server.kill()
        assert await caller.crowd("is_suppressed", ALICE) == {"RedisError": AT_ONCE}
        assert await caller.crowd("report_sent", 1) == {"RedisError": AT_ONCE}
        await server.start_again()
        assert await caller.crowd("is_suppressed", ALICE) == ANSWERED
        assert await server.ask("XLEN", Keyspace().intake) == 0


@pytest.mark.parametrize("method", ["is_suppressed", "report_engaged"])
async def test_a_server_that_is_killed_during_a_call_is_an_error(
    fleet: Fleet, kind: type[Client | AsyncClient], method: str
) -> None:
    """It never answers, and the next attempt finds nobody; the call does not wait for its time-out."""
    server = await fleet.start()
    async with calling(kind, server.url) as caller:
        await caller.call(method, ALICE)
        os.kill(server.process.pid, signal.SIGSTOP)
        under_way = asyncio.create_task(caller.crowd(method, ALICE))
        await asyncio.sleep(0)
        await server.kill()
        assert (await under_way)["RedisError"] == AT_ONCE


async def test_a_failover_of_sentinels_is_over_when_a_new_primary_is_known(
    fleet: Fleet, kind: type[Client | AsyncClient]
) -> None:
    """Until then each call is a RedisError; nobody has to make a new client."""
    primary = await fleet.start()
    replica = await fleet.start("--replicaof", "127.0.0.1", str(primary.port))
    await until(primary, "ROLE", lambda role: len(role[2]) == 1)
    sentinel = await fleet.start_sentinel("bounces", primary)
    async with calling(kind, f"redis+sentinel://127.0.0.1:{sentinel.port}/bounces") as caller:
        assert await caller.crowd("is_suppressed", ALICE) == ANSWERED
        await primary.kill()
        assert await caller.crowd("report_sent", 1) == {"RedisError": AT_ONCE}
        await caller.crowd_is_answered()
        await until(replica, "ROLE", lambda role: role[0] == b"master")
        assert await caller.call("report_sent", 1)
        assert await replica.ask("XLEN", Keyspace().intake) == 1


async def test_the_loss_of_a_cluster_node_is_over_when_its_replica_takes_over(
    fleet: Fleet, kind: type[Client | AsyncClient]
) -> None:
    """However many calls fail at once, each hears a RedisError: none what redis-py does to its connections."""
    cluster = await fleet.start_cluster(primaries=3)
    replica = await cluster.add_replica(0)
    async with calling(kind, cluster.url, cluster.list_on(0)) as caller:
        assert await caller.crowd("is_suppressed", ALICE) == ANSWERED
        await cluster.nodes[0].kill()
        await caller.crowd_is_answered()
        await until(replica, "ROLE", lambda role: role[0] == b"master")
        assert await caller.call("report_sent", 1)


async def test_slots_that_moved_are_followed(fleet: Fleet, kind: type[Client | AsyncClient]) -> None:
    """MOVED says that nothing ran: who asks and who tells is with the new owner, and hears nothing of it."""
    cluster = await fleet.start_cluster(primaries=3)
    list_ = cluster.list_on(0)
    async with calling(kind, cluster.url, list_) as caller:
        assert await caller.crowd("is_suppressed", ALICE) == ANSWERED
        await cluster.flush_and_move(list_, 0, 1)
        assert "RedisError" not in await caller.crowd("report_sent", 1)
        assert await cluster.nodes[1].ask("XLEN", Keyspace(list_=list_).intake) == AT_ONCE
        await cluster.flush_and_move(list_, 1, 2)
        assert "RedisError" not in await caller.crowd("return_path_for", JOSE)
        assert await cluster.nodes[2].ask("DBSIZE") == AT_ONCE


@pytest.mark.parametrize("topology", ["one", "cluster"])
async def test_a_call_that_was_given_up_leaves_its_answer_to_nobody(fleet: Fleet, topology: str) -> None:
    """The answers of a server that stalled come when it goes on: none is taken for the answer to the next question."""
    cluster = await fleet.start_cluster(primaries=1) if topology == "cluster" else None
    server = cluster.nodes[0] if cluster else await fleet.start()
    addresses = [f"user{number}@example.org" for number in range(200)]
    await server.ask("SADD", Keyspace().suppressed, *addresses[::2])
    async with AsyncClient.from_url(cluster.url if cluster else server.url, timeout_s=PATIENCE_S) as client:
        for _ in range(3):
            assert await asyncio.gather(*map(client.is_suppressed, addresses)) == [True, False] * 100
            assert [known.address for known in await asyncio.gather(*map(client.why, addresses))] == addresses
            client._places._timeout_s = GIVEN_UP_S
            os.kill(server.process.pid, signal.SIGSTOP)
            stuck = [ask(address) for address in addresses[:25] for ask in (client.is_suppressed, client.why)]
            outcomes = await asyncio.gather(*stuck, return_exceptions=True)
            assert all(isinstance(outcome, RedisError) for outcome in outcomes)
            os.kill(server.process.pid, signal.SIGCONT)
            client._places._timeout_s = PATIENCE_S


async def test_who_may_not_write_is_told_why_and_may_still_ask(fleet: Fleet, kind: type[Client | AsyncClient]) -> None:
    """A full server and a replica; nothing was written, so the caller may repeat it."""
    full = await fleet.start("--maxmemory", "1mb", "--maxmemory-policy", "noeviction")
    primary = await fleet.start()
    replica = await fleet.start("--replicaof", "127.0.0.1", str(primary.port))
    await until(primary, "ROLE", lambda role: len(role[2]) == 1)
    for server, error in ((full, OutOfMemoryError), (replica, ReadOnlyError)):
        async with calling(kind, server.url) as caller:
            assert await caller.call("is_suppressed", ALICE) is False
            with pytest.raises(error):
                await caller.call("report_sent", 1)
            with pytest.raises(RedisError):
                await caller.call("return_path_for", JOSE)
        assert await server.ask("DBSIZE") == 0
