"""Whether the server would take a commit now, as durable as asked for, and what to do if it would not."""

import asyncio
from collections.abc import Callable

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from bounced.core.contract.keys import Keyspace
from bounced.edges.judge.finding import Finding, error, ok
from bounced.edges.judge.server import FULL
from bounced.edges.redis.durabilities import Durability, NotDurable
from bounced.edges.redis.store import WRITES_NOTHING
from bounced.edges.redis.time_budget import TimeBudget
from bounced.edges.redis.wire import call, read
from bounced.ports import Misconfigured

SUBJECT = "Redis commits"
_ADVICE = {
    "OOM": FULL,
    "READONLY": "Let redis.url name the primary; this server is a replica.",
    "NOREPLICAS": "The server wants more replicas (min-replicas-to-write): start or mend them.",
    "MISCONF": "The server cannot write to its disk: look at the space on it and at the server's log.",
    "LOADING": "The server is reading its data. Wait; nothing has to be done.",
    "NOPERM": "docs/redis.md lists what the daemon's user must be allowed (ACL SETUSER).",
    "NOAUTH": "Set redis.username and redis.password_file.",
    "WRONGPASS": "redis.username or redis.password_file is wrong.",
    "CLUSTERDOWN": "Slots of the Cluster have no server: CLUSTER INFO says which.",
}
_UNREACHABLE = "Is the server running, is redis.url right, may this user connect?"
_NOT_SAFE = "The disk or the replicas of the server are behind: look at both. Or choose another redis.durability."


async def examine_commit(
    connection: AbstractConnection, keys: Keyspace, durability: Callable[[], Durability], budget: TimeBudget
) -> Finding:
    """Return whether the server behind an open connection would commit.

    It is asked to run a script that may write and does not, with the wait for durability behind it.
    """
    asked = durability()
    try:
        async with asyncio.timeout(budget.flush_s):
            await asked.prepare(connection)
            await call(connection, "EVAL", WRITES_NOTHING, 1, keys.suppressed)
            waits = asked.commands()
            await connection.send_packed_command(b"".join(waits), check_health=False)
            asked.check([await read(connection) for _ in waits])
    except (RedisError, OSError, TimeoutError, NotDurable, Misconfigured) as refusal:
        return refused(refusal)
    return ok(SUBJECT, "taken, as durable as redis.durability asks for")


def refused(refusal: BaseException) -> Finding:
    """Return that no commit is taken, why, and what to do."""
    words = str(refusal) or type(refusal).__name__
    return error(SUBJECT, f"refused: {words}", advice(refusal), defers=True)


def advice(refusal: BaseException) -> str:
    """Return what to do about an error of the server, or of the way to it."""
    words = f"{type(refusal).__name__} {refusal}".upper()
    if isinstance(refusal, NotDurable | Misconfigured):
        return _NOT_SAFE
    for code, what_to_do in _ADVICE.items():
        if code in words or _SAID.get(code, "\0") in words:
            return what_to_do
    return "docs/redis.md says what the server must allow." if isinstance(refusal, ResponseError) else _UNREACHABLE


_SAID = {
    "OOM": "OUTOFMEMORY",
    "READONLY": "READ ONLY",
    "NOREPLICAS": "ENOUGH GOOD REPLICAS",
    "LOADING": "BUSYLOADING",
    "NOPERM": "NOPERMISSION",
    "NOAUTH": "AUTHENTICATIONREQUIRED",
    "WRONGPASS": "INVALID USERNAME-PASSWORD",
}
"""redis-py takes the code off the words, and has a class for most."""
