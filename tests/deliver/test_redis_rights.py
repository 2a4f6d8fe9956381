"""The user of Redis that docs/redis.md gives to the deliverer may do what it does, and no more."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bounced.core.contract.keys import Keyspace
from tests.support.receiver import OK, Request, receiving, status

from .conftest import Start, hook

PAGE = Path(__file__).parents[2] / "docs/redis.md"


@pytest.fixture
async def user(redis: Redis, key_prefix: str) -> AsyncIterator[str]:
    """Make the user of the page for this test's keys."""
    (line,) = (line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("ACL SETUSER deliver "))
    name = f"{key_prefix}-deliver"
    rights = [word.replace("~bounced:", f"~{key_prefix}:") for word in line.split()[3:]]
    await redis.execute_command("ACL", "SETUSER", name, *rights)
    yield name
    await redis.execute_command("ACL", "DELUSER", name)


@pytest.mark.usefixtures("quick")
async def test_events_are_delivered_set_aside_and_delivered_again(start: Start, user: str, tmp_path: Path) -> None:
    """With no more rights than these."""
    takes = False

    async def answer(request: Request) -> bytes:
        return status(422) if "bad" in request.body.decode() and not takes else OK

    (tmp_path / "redis.password").touch(mode=0o600)
    (tmp_path / "redis.password").write_text("PASSWORD")
    login = f'[deliver]\nredis_username = "{user}"\nredis_password_file = "redis.password"\n'
    async with receiving(answer) as crm, start(hook(crm.url, more="give_up_s = 0.1"), deliver=login) as site:
        await site.write("good", "bad")
        await site.stands(lambda state: state.set_aside == state.delivered == 1)
        takes = True
        await site.streams().resume()
        await site.stands(lambda state: state.delivered == 2)
        await site.settled()


async def test_neither_states_nor_events_are_its_own(user: str, redis_url: str, keys: Keyspace) -> None:
    """It reads no address, and changes nothing that senders or followers read."""
    url = f"unix://{user}@{quote(redis_url.removeprefix('unix://'))}?password=PASSWORD"
    async with Redis.from_url(url) as login:
        for command in (
            ("SMEMBERS", keys.suppressed),
            ("SADD", keys.suppressed, "a"),
            ("HGETALL", keys.address("a")),
            ("XADD", keys.events, "*", "type", "transition"),
            ("XDEL", keys.events, "1-0"),
            ("DEL", keys.bulk),
            ("XADD", keys.intake, "*", "type", "suppress"),
            ("EVAL", "return redis.call('XADD', KEYS[1], '*', 'a', 'b')", 1, keys.events),
        ):
            with pytest.raises(ResponseError, match=r"(?i)permission"):
                await login.execute_command(*command)
