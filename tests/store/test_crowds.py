"""Many calls of one client at once: each gets its answer, or in time an error of ours."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from bounced.client import AsyncClient, Client, NoFreeConnection
from bounced.client.places import MAX_CONNECTIONS

from .reports import ALICE
from .servers import PATIENCE_S, Fleet, Server

TASKS = 1000
THREADS = 1000
STUCK = 200
"""Threads that ask a frozen server."""
DEADLINE_S = 1.0
SPARE_S = 4.0
"""What a busy machine may add to a deadline."""

IN_TURN = """
import asyncio, sys
from bounced.client import AsyncClient
client = AsyncClient.from_url(sys.argv[1])
async def crowd():
    print(any(await asyncio.gather(*(client.is_suppressed("alice@example.org") for _ in range(100)))))
for _ in range(3):
    asyncio.run(crowd())
"""
"""What a program does that uses one client in three event loops, one after the other."""


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Return what starts servers, and stops them after the test."""
    fleet = Fleet(tmp_path)
    yield fleet
    await fleet.stop()


@pytest.fixture(params=["socket", "tcp", "sentinel", "cluster"])
async def url(request: pytest.FixtureRequest, fleet: Fleet, redis_url: str, cluster_url: str) -> str:
    """Return each kind of URL in turn."""
    match request.param:
        case "socket":
            return redis_url
        case "cluster":
            return cluster_url
    primary = await fleet.start()
    if request.param == "tcp":
        return primary.url
    sentinel = await fleet.start_sentinel("bounces", primary)
    return f"redis+sentinel://127.0.0.1:{sentinel.port}/bounces"


async def test_a_thousand_asyncio_calls_at_once_are_all_answered(url: str) -> None:
    """Those beyond the connections wait for their turn."""
    async with AsyncClient.from_url(url) as client:
        assert await asyncio.gather(*(client.is_suppressed(ALICE) for _ in range(TASKS))) == [False] * TASKS


async def test_a_thousand_threads_at_once_are_all_answered(url: str) -> None:
    """With one client that they share."""
    with Client.from_url(url) as client:
        assert await asyncio.to_thread(_asked_by_threads, client) == [False] * THREADS


async def test_a_client_opens_no_more_connections_than_it_says(fleet: Fleet) -> None:
    """However many calls there are: the server counts them."""
    server = await fleet.start()
    with Client.from_url(server.url) as client:
        await asyncio.to_thread(_asked_by_threads, client)
        async with AsyncClient.from_url(server.url) as other:
            await asyncio.gather(*(other.why(ALICE) for _ in range(TASKS)))
            connected = (await server.ask("INFO", "clients"))["connected_clients"]
    assert connected <= 2 * MAX_CONNECTIONS + 1


async def test_a_connected_client_of_redis_py_is_not_asked_for_more_than_it_has(fleet: Fleet) -> None:
    """Handed over instead of a URL, it would raise its own error at more calls than its pool has connections."""
    server = await fleet.start()
    async with AsyncClient(AsyncRedis.from_url(server.url)) as client:
        assert not any(await asyncio.gather(*(client.is_suppressed(ALICE) for _ in range(TASKS))))
    with Client(Redis.from_url(server.url)) as plain:
        assert not any(await asyncio.to_thread(_asked_by_threads, plain))


async def test_a_frozen_server_ends_every_asyncio_call_within_its_time_out(fleet: Fleet) -> None:
    """Whoever got no connection is told so, and that nothing was sent; and all is well when it thaws."""
    server = await fleet.start()
    async with AsyncClient.from_url(server.url, timeout_s=DEADLINE_S) as client:
        await client.is_suppressed(ALICE)
        with frozen(server):
            begun = time.monotonic()
            calls = (client.is_suppressed(ALICE) for _ in range(TASKS))
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert time.monotonic() - begun < DEADLINE_S + SPARE_S
        assert all(isinstance(outcome, RedisError) for outcome in outcomes)
        assert "none of the client's 50 connections became free within 1 s; nothing was sent" in map(str, outcomes)
        client._places._timeout_s = PATIENCE_S
        async with asyncio.timeout(PATIENCE_S):
            while any(
                await asyncio.gather(*(client.is_suppressed(ALICE) for _ in range(TASKS)), return_exceptions=True)
            ):
                pass  # where the machine is busy, fifty connections take longer than one may take


async def test_a_frozen_server_ends_every_thread_s_call_within_twice_its_time_out(fleet: Fleet) -> None:
    """Once to get a connection, once to hear the answer."""
    server = await fleet.start()
    with Client.from_url(server.url, timeout_s=DEADLINE_S) as client:
        client.is_suppressed(ALICE)
        with frozen(server):
            begun = time.monotonic()
            outcomes = await asyncio.to_thread(_outcomes, client)
            assert time.monotonic() - begun < 2 * DEADLINE_S + SPARE_S
        assert all(isinstance(outcome, RedisError) for outcome in outcomes)
        assert any(isinstance(outcome, NoFreeConnection) for outcome in outcomes)
        client._connections.places._timeout_s = PATIENCE_S
        assert not any(await asyncio.to_thread(_asked_by_threads, client))


async def test_the_next_event_loop_gets_connections_of_its_own(url: str) -> None:
    """As where each request of a web server runs in a loop of its own, and nobody closes anything."""
    script = await asyncio.create_subprocess_exec(sys.executable, "-c", IN_TURN, url, stdout=asyncio.subprocess.PIPE)
    printed, _ = await script.communicate()
    assert printed.decode().split() == ["False"] * 3


async def test_two_event_loops_at_once_are_refused_in_words(redis_url: str) -> None:
    """Connections of one loop cannot be waited for in another."""
    async with AsyncClient.from_url(redis_url) as client:
        await client.is_suppressed(ALICE)
        with pytest.raises(RuntimeError, match="belongs to another event loop: make one for each"):
            await asyncio.to_thread(asyncio.run, client.is_suppressed(ALICE))


async def test_a_frozen_cluster_ends_every_thread_s_call_in_the_time_of_one_search_for_its_nodes(fleet: Fleet) -> None:
    """They look for another node together, not one after the other."""
    cluster = await fleet.start_cluster(primaries=1)
    with Client.from_url(cluster.url, timeout_s=DEADLINE_S) as client, ExitStack() as nodes:
        client.is_suppressed(ALICE)
        for node in cluster.nodes:
            nodes.enter_context(frozen(node))
        begun = time.monotonic()
        outcomes = await asyncio.to_thread(_outcomes, client)
        assert time.monotonic() - begun < (2 + len(cluster.nodes)) * DEADLINE_S + SPARE_S
        assert all(isinstance(outcome, RedisError) for outcome in outcomes)
        nodes.close()
        client._connections.places._timeout_s = PATIENCE_S
        assert not any(await asyncio.to_thread(_asked_by_threads, client))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # there are threads, which is the point
async def test_a_child_process_asks_while_the_parents_threads_hold_every_connection(fleet: Fleet) -> None:
    """After a fork nobody gives back what the parent's threads had taken."""
    server = await fleet.start()
    with Client.from_url(server.url, timeout_s=DEADLINE_S) as client:
        assert await asyncio.to_thread(_answer_in_a_child, client, server) == 0


def _answer_in_a_child(client: Client, server: Server) -> int:
    """Return the exit code of a child that was forked while all connections were in use."""
    client.is_suppressed(ALICE)
    with ThreadPoolExecutor(MAX_CONNECTIONS) as threads, frozen(server):
        under_way = [threads.submit(client.is_suppressed, ALICE) for _ in range(MAX_CONNECTIONS)]
        while client._connections.places._free.acquire(blocking=False):
            client._connections.places._free.release()
        child = os.fork()
        if child == 0:
            os.kill(server.process.pid, signal.SIGCONT)
            os._exit(1 if client.is_suppressed(ALICE) else 0)
        status = os.waitpid(child, 0)[1]
        for call in under_way:
            call.exception()
    return os.waitstatus_to_exitcode(status)


def _outcomes(client: Client) -> list[object]:
    """Return what each of many threads is answered, or the error that it hears."""

    def outcome(_: int) -> object:
        try:
            return client.is_suppressed(ALICE)
        except RedisError as error:
            return error

    with ThreadPoolExecutor(STUCK) as threads:
        return list(threads.map(outcome, range(STUCK)))


def _asked_by_threads(client: Client) -> list[bool]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(lambda _: client.is_suppressed(ALICE), range(THREADS)))


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Let a server answer nothing for a while."""
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
