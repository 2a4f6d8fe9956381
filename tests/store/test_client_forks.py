"""A client that was made before a fork works after it, in the parent and in its children, at the same time."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.connect import connections
from bounced.edges.redis.wire import call

from .servers import PATIENCE_S, Fleet

ADDRESSES = [f"user{number}@example.org" for number in range(200)]
CHILDREN = 4

BEGIN = """
import asyncio, os, sys
from concurrent.futures import ThreadPoolExecutor
from bounced.client import AsyncClient, Client, Keyspace

url, prefix = sys.argv[1:]
ADDRESSES = [f"user{number}@example.org" for number in range(200)]

def fork_and_ask(asked):
    right = [number % 2 == 0 for number in range(200)]
    assert asked() == right
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if asked() == right else 2
            finally:
                os._exit(code)
        children.append(child)
    assert asked() == right
    print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
    assert asked() == right
"""
THREADS = """
client = Client.from_url(url, keys=Keyspace(prefix))

def asked():
    assert client.report_engaged("alice@example.org")
    with ThreadPoolExecutor(20) as threads:
        return list(threads.map(client.is_suppressed, ADDRESSES))

fork_and_ask(asked)
"""
ONE_LOOP_EACH = """
client = AsyncClient.from_url(url, keys=Keyspace(prefix))

async def crowd():
    assert await client.report_engaged("alice@example.org")
    return await asyncio.gather(*map(client.is_suppressed, ADDRESSES))

fork_and_ask(lambda: asyncio.run(crowd()))
"""
A_LOOP_THAT_STAYS = """
client = AsyncClient.from_url(url, keys=Keyspace(prefix))
loop, parent = asyncio.new_event_loop(), os.getpid()

async def crowd():
    assert await client.report_engaged("alice@example.org")
    return await asyncio.gather(*map(client.is_suppressed, ADDRESSES))

fork_and_ask(lambda: loop.run_until_complete(crowd()) if os.getpid() == parent else asyncio.run(crowd()))
"""


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


@pytest.mark.parametrize("use", [THREADS, ONE_LOOP_EACH, A_LOOP_THAT_STAYS], ids=["plain", "asyncio", "kept-loop"])
async def test_parent_and_children_hear_their_own_answers(url: str, keys: Keyspace, use: str) -> None:
    """Every second address is suppressed: an answer to somebody else's question would be wrong half of the time."""
    reach = connections(url)
    connection = await reach.open(reach.shard(keys.suppressed))
    await call(connection, "SADD", keys.suppressed, *ADDRESSES[::2])
    script = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BEGIN + use, url, keys.prefix, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(script.communicate(), PATIENCE_S)
    assert script.returncode == 0
    assert printed.split() == [b"0"] * CHILDREN
    assert await call(connection, "XLEN", keys.intake) == 3 + CHILDREN
    await connection.disconnect()
