"""Whether the server would take a commit now, as durable as asked for, and what to do if it would not."""

import asyncio
from collections.abc import Callable

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from bounced.core.contract.keys import Keyspace
from bounced.edges.judge.finding import Finding, error, ok
from bounced.edges.redis.durabilities import Durability, NotDurable
from bounced.edges.redis.store import WRITES_NOTHING
from bounced.edges.redis.time_budget import TimeBudget
from bounced.edges.redis.trouble import known
from bounced.edges.redis.wire import call, read
from bounced.ports import Misconfigured

SUBJECT = "Redis commits"
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
    found = known(refusal)
    wrong = found.wrong if found else f"refused: {str(refusal) or type(refusal).__name__}"
    return error(SUBJECT, wrong, advice(refusal), defers=True)


def advice(refusal: BaseException) -> str:
    """Return what to do about an error of the server, or of the way to it."""
    if found := known(refusal):
        return found.remedy
    if isinstance(refusal, NotDurable | Misconfigured):
        return _NOT_SAFE
    return "docs/redis.md says what the server must allow." if isinstance(refusal, ResponseError) else _UNREACHABLE
