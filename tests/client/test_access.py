"""The users of Redis that docs/client.md gives away can do what they must, and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from bounced.client import AsyncClient, Keyspace, ReturnPaths
from bounced.core.state import EvidenceType

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
LINES = {line.split()[2]: line.split()[3:] for line in PAGE.splitlines() if line.startswith("ACL SETUSER ")}
JOSE = "josé@example.org"

Log = Callable[[str], Awaitable[AsyncClient]]


@pytest.fixture
async def as_user(
    redis: Redis, redis_url: str, keys: Keyspace, key_prefix: str, paths: ReturnPaths
) -> AsyncIterator[Log]:
    """Return what makes a user as the page says, for this test's keys, and a client that logs in as it."""
    clients: list[AsyncClient] = []

    async def log_in(role: str) -> AsyncClient:
        rights = [word.replace("~bounced:", f"~{key_prefix}:") for word in LINES[role]]
        await redis.execute_command("ACL", "SETUSER", f"{key_prefix}-{role}", *rights)
        socket = redis_url.removeprefix("unix://")
        url = f"unix://{key_prefix}-{role}@{quote(socket)}?password=PASSWORD"
        clients.append(AsyncClient.from_url(url, paths, keys=keys))
        return clients[-1]

    yield log_in
    for client in clients:
        await client.aclose()
    for role in LINES:
        await redis.execute_command("ACL", "DELUSER", f"{key_prefix}-{role}")


@pytest.mark.parametrize("role", ["reader", "reporter"])
async def test_both_may_ask(as_user: Log, role: str, happen: Callable[..., Awaitable[None]]) -> None:
    """Whether, which, and why."""
    await happen("alice@example.org", EvidenceType.SUPPRESS)
    client = await as_user(role)
    assert await client.is_suppressed("alice@example.org")
    assert await client.suppressed_among(["alice@example.org"]) == {"alice@example.org"}
    assert (await client.why("alice@example.org")).history
    assert not await client.may_send("alice@example.org")


async def test_a_reader_can_tell_nothing(as_user: Log) -> None:
    """Neither the daemon nor Redis; a signed return path needs neither."""
    reader = await as_user("reader")
    with pytest.raises(NoPermissionError):
        await reader.report_engaged("alice@example.org")
    with pytest.raises(NoPermissionError):
        await reader.return_path_for(JOSE)


async def test_a_reporter_can_tell_and_register(as_user: Log) -> None:
    """What a sender needs."""
    reporter = await as_user("reporter")
    assert await reporter.report_engaged("alice@example.org")
    assert await reporter.return_path_for(JOSE)


@pytest.mark.parametrize("role", ["reader", "reporter"])
@pytest.mark.parametrize(
    "command",
    ["SADD {suppressed} a@b.example", "DEL {suppressed}", "XRANGE {intake} - +", "XREAD STREAMS {events} 0", "KEYS *"],
)
async def test_neither_can_do_anything_else(as_user: Log, keys: Keyspace, role: str, command: str) -> None:
    """Not change the list, nor read what others told."""
    client = await as_user(role)
    words = command.format(suppressed=keys.suppressed, intake=keys.intake, events=keys.events).split()
    with pytest.raises(NoPermissionError):
        await client._redis.execute_command(*words)
