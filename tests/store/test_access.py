"""The users of docs/redis.md may do what they must, and nothing else.

What they must: the contract's tests run as the daemon's user, those of erasing as the operator's.
"""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoPermissionError, ResponseError

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.connect import connections
from bounced.edges.redis.wire import call

from .conftest import logged_in

FORBIDDEN = [
    "FLUSHALL",
    "KEYS *",
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
]


@pytest.fixture(params=["daemon", "operator"])
async def user(request: pytest.FixtureRequest, redis_url: str, keys: Keyspace) -> AsyncIterator[AbstractConnection]:
    """Return a connection of each user."""
    async with logged_in(request.param, redis_url, keys) as url:
        connection = await connections(url).open(0)
        yield connection
        await connection.disconnect()


@pytest.mark.parametrize("command", FORBIDDEN)
async def test_neither_may(user: AbstractConnection, command: str) -> None:
    """A daemon that was taken over can harm its own lists only, and so can an operator's mistake."""
    with pytest.raises(NoPermissionError):
        await call(user, *command.split())


async def test_neither_may_leave_its_keys_in_a_script_either(user: AbstractConnection) -> None:
    """Keys are checked for each call, whatever a script declares."""
    with pytest.raises(ResponseError, match="ACL failure in script"):
        await call(user, "EVAL", "return redis.call('GET', 'other:key')", 0)


async def test_the_daemon_may_not_look_for_keys(daemon_url: str) -> None:
    """The names of other programs' keys are nothing to it; to erase an address the operator needs them."""
    connection = await connections(daemon_url).open(0)
    with pytest.raises(NoPermissionError):
        await call(connection, "SCAN", 0)
    await connection.disconnect()
