"""One clock: a process asks what time it is in one place, and everything that it writes is stamped by that."""

import ast
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

import bounced
from bounced.config import build, load
from bounced.edges.sockets import SMTP
from bounced.service import Worker
from tests.support.daemon import Daemon, unknown_user
from tests.support.door import Peer, loopback

PACKAGE = Path(bounced.__file__).parent
ALICE, BOB = "alice@example.org", "bob@example.org"
OTHERS = ("opening.py", "cli/", "client/", "demo/")
"""Who may look at the machine's clock: who makes the daemon's, commands, what runs in a sender's process."""


def clock_calls(file: Path) -> Iterator[str]:
    """Yield where a module asks the machine what time it is."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Attribute(value=ast.Name(id="datetime" | "date"), attr="now" | "utcnow" | "today"):
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}"
            case ast.Attribute(value=ast.Name(id="time"), attr="time" | "time_ns" | "gmtime" | "localtime"):
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}"
            case ast.ImportFrom(module="time", names=names) if {"time", "time_ns"} & {each.name for each in names}:
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}"


def test_only_the_service_and_commands_look_at_the_clock() -> None:
    """All others are handed a Clock."""
    files = (file for file in PACKAGE.rglob("*.py") if not str(file.relative_to(PACKAGE)).startswith(OTHERS))
    assert [place for file in files for place in clock_calls(file)] == []
    assert len(list(clock_calls(PACKAGE / "opening.py"))) == 1


@pytest.mark.parametrize("years", [-3, 3])
async def test_what_a_worker_writes_is_stamped_by_its_clock(
    redis_url: str, key_prefix: str, tmp_path: Path, years: int
) -> None:
    """A report at the door and an entry of the intake, with a clock that is years away from the machine's."""
    config = load(Daemon(tmp_path, url=redis_url, prefix=key_prefix).config_file)
    clock = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365 * years)
    path = build.return_paths("main", config.lists["main"]).encode(ALICE, issued=clock.date())
    listening = loopback()
    redis: Any = Redis.from_url(redis_url, decode_responses=True)
    async with redis, Worker.running(config, {SMTP: [listening]}, clock=lambda: clock):
        peer = Peer(*await asyncio.open_connection(*listening.getsockname()))
        await peer.reply()
        await peer.begin(path)
        peer.send(unknown_user(ALICE, path).replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        assert (await peer.reply()).startswith("250")
        await peer.close()
        prefix = f"{key_prefix}:{{main}}"
        reported = await redis.xrange(f"{prefix}:events")
        last = reported[-1][0]
        await redis.xadd(f"{prefix}:intake", {"type": "complained", "address": BOB, "at": int(clock.timestamp())})
        assert await redis.xread({f"{prefix}:events": last}, block=10_000)
        told = [fields for _, fields in await redis.xrange(f"{prefix}:events")]
        assert {fields["at"] for fields in told} == {f"{clock:%Y-%m-%dT%H:%M:%SZ}"}
        assert {fields["address"] for fields in told} == {ALICE, BOB}
        assert await redis.exists(f"{prefix}:counts:{clock:%Y%m%d%H}")
