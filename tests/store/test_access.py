"""The daemon's user of docs/redis.md may do what a store does (the contract runs as that user), and nothing else."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoPermissionError, ResponseError

from bounced.edges.connect import connections
from bounced.edges.redis_store.wire import call


@pytest.fixture
async def daemon(daemon_url: str) -> AsyncIterator[AbstractConnection]:
    """Return a connection of the daemon's user."""
    connection = await connections(daemon_url).open(0)
    yield connection
    await connection.disconnect()


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "KEYS *",
        "SCAN 0",
        "RANDOMKEY",
        "CONFIG SET appendonly no",
        "SHUTDOWN",
        "REPLICAOF NO ONE",
        "ACL LIST",
        "SCRIPT FLUSH",
        "FUNCTION FLUSH",
        "CLIENT KILL TYPE normal",
        "SET other:key value",
        "GET other:key",
        "PUBLISH channel message",
    ],
)
async def test_the_daemon_may_not(daemon: AbstractConnection, command: str) -> None:
    """A daemon that was taken over can harm its own lists only."""
    with pytest.raises(NoPermissionError):
        await call(daemon, *command.split())


async def test_it_may_not_leave_its_keys_in_a_script_either(daemon: AbstractConnection) -> None:
    """Keys are checked for each call, whatever a script declares."""
    with pytest.raises(ResponseError, match="ACL failure in script"):
        await call(daemon, "EVAL", "return redis.call('GET', 'other:key')", 0)
