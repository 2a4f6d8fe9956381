"""Real servers that would take no commit: doctor, status and /readyz learn it from the same look."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bounced.core.contract.keys import Keyspace
from bounced.edges.judge.finding import Finding, Outcome
from bounced.edges.judge.look import Look, RedisJudge
from bounced.edges.redis.connect import connections
from bounced.edges.redis.identities import Identities
from bounced.edges.redis.time_budget import TimeBudget
from tests.store.servers import Fleet, Server, until

KEYS = (Keyspace("bounced", "main"),)
BUDGET = TimeBudget(2.0)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Return servers of this test's own."""
    fleet = Fleet(tmp_path)
    yield fleet
    await fleet.stop()


async def _look(url: str, durability: str = "memory") -> Look:
    judge = RedisJudge(connections(url, BUDGET), url, durability, BUDGET, Identities())
    return await judge.look(KEYS, datetime.now(UTC))


async def _fill(server: Server, size: int) -> None:
    number = 0
    while await server.says("SET", f"fill:{size}:{number}", "x" * size):
        number += 1


def _of(look: Look, subject: str) -> Finding:
    (finding,) = [finding for finding in look.findings if finding.subject == subject]
    return finding


async def test_a_full_server_is_an_error_and_takes_no_commit(fleet: Fleet) -> None:
    """With noeviction it refuses whatever may write; the advice names maxmemory.  Emptied, it takes commits again."""
    server = await fleet.start("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    for size in (100_000, 1000, 10):
        await _fill(server, size)
    look = await _look(server.url)
    assert _of(look, "Redis commits").outcome is Outcome.ERROR
    assert [fault.subject for fault in look.faults] == ["Redis commits"]
    assert "maxmemory" in _of(look, "Redis commits").advice
    assert _of(look, "Redis memory").outcome in (Outcome.ERROR, Outcome.WARNING)
    await server.ask("FLUSHALL", "SYNC")  # else memory is freed later
    assert not (await _look(server.url)).faults


async def test_replicas_that_are_asked_for_have_to_be_there(fleet: Fleet) -> None:
    """Without one it is said at once, without the wait; with one that is connected commits are taken."""
    primary = await fleet.start()
    without = await _look(primary.url, "replica")
    assert [fault.subject for fault in without.faults] == ["Redis replicas"]
    replica = await fleet.start("--replicaof", "127.0.0.1", str(primary.port))
    await until(primary, "INFO", "replication", lambda info: info and info.get("slave0", {}).get("state") == "online")
    assert not (await _look(primary.url, "replica")).faults
    assert [fault.subject for fault in (await _look(primary.url, "replica:2")).faults] == ["Redis replicas"]
    assert _of(await _look(replica.url), "Redis commits").advice.startswith("Name the primary in redis.url")


async def test_a_user_without_rights_is_told_where_they_are_listed(fleet: Fleet) -> None:
    """A server that answers and refuses is not away."""
    server = await fleet.start()
    await server.ask("ACL", "SETUSER", "nobody", "on", ">secret", "~*", "+ping", "+info", "+time", "+hget")
    look = await _look(server.url.replace("//", "//nobody:secret@"))
    assert look.answers
    assert "docs/redis.md" in look.faults[0].advice


async def test_a_server_that_is_away_answers_nothing(fleet: Fleet) -> None:
    """It is found, not raised."""
    server = await fleet.start()
    await server.kill()
    look = await _look(server.url)
    assert not look.answers
    assert look.faults
