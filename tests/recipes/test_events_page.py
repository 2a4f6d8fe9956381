"""docs/events.md: each block does what the page says, on a real server, and its tables name what the code writes."""

import asyncio
import json
import os
import re
import shutil
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from bounced.core.contract.event_types import TYPES
from bounced.core.contract.writes import EVENT_FIELDS
from bounced.edges.redis.embedded import EmbeddedServer

from .conftest import TIMEOUT_S

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
FRAMES = Path(__file__).parent / "page"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
EVENTS, BULK, SUPPRESSED = (f"bounced:{{main}}:{name}" for name in ("events", "bulk", "suppressed"))
ALICE, BOB = "alice@example.org", "bob@example.net"


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Return the URL of a server of this test's own: the examples name the list main."""
    async with EmbeddedServer(tmp_path / "server") as server:
        yield server.url


@pytest.fixture
def redis(url: str) -> Iterator[Redis]:
    """Return a client to prepare and to look."""
    with Redis.from_url(url, decode_responses=True) as redis:
        yield redis


def block(language: str, holding: str = "") -> str:
    """Return the one block of a language that holds some words."""
    (found,) = (str(text) for name, text in BLOCKS if name == language and holding in text)
    return found


def changes(redis: Redis, stream: str, address: str, *, suppressed: bool = True) -> None:
    """Let the state of an address change, as a commit or an import does."""
    (redis.sadd if suppressed else redis.srem)(SUPPRESSED, address)
    redis.xadd(stream, {"type": "transition", "address": address, "before": "active", "after": "suppressed"})


def rows_of(title: str) -> list[list[str]]:
    """Return the words in backquotes of the first cell of each row, of the table with a title."""
    table = PAGE.partition(title)[2].partition("\n\n")[0]
    return [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in table.splitlines() if row.startswith("|")]


def pending(redis: Redis) -> int:
    """Return how many entries were given to the group and not acknowledged."""
    return sum(redis.xpending(stream, "crm")["pending"] for stream in (EVENTS, BULK))


def run_python(url: str, save: Callable[..., None], rounds: int) -> None:
    """Run the example in Python for some rounds."""
    left = iter([True] * rounds + [False])
    example = block("python").replace('"redis://127.0.0.1:6379/0"', repr(url))
    assert example.count("while True:") == 1
    names = {"save": save, "running": lambda: next(left)}
    exec(example.replace("while True:", "while running():"), names)  # noqa: S102 - our own page


def test_every_block_of_the_page_is_run() -> None:
    """Whoever adds one says here how it is tried."""
    assert Counter(name for name, _ in BLOCKS) == Counter({"python": 1, "js": 1, "": 2})


def test_the_table_of_fields_names_every_field_that_is_written() -> None:
    """And none that is not."""
    named = [field for row in rows_of("| field | is |\n|---|---|\n") for field in row]
    assert sorted(named) == sorted(["type", *EVENT_FIELDS])


def test_the_table_of_types_names_every_type() -> None:
    """Each in the row that says what it tells."""
    table = PAGE.partition("| to hear | take |")[2].partition("\n\n")[0]
    named = {word for row in table.splitlines()[2:] for word in re.findall(r"`([\w.]+)`", row.split("|")[2])}
    assert set(TYPES) <= named


async def test_in_python_both_streams_are_followed(url: str, redis: Redis) -> None:
    """From when the groups are made; what is acknowledged does not come again."""
    saved: list[tuple[str, bool]] = []

    def save(address: str, *, may_be_mailed: bool) -> None:
        saved.append((address, may_be_mailed))

    changes(redis, EVENTS, "before@example.org")
    run_python(url, save, 0)
    changes(redis, EVENTS, ALICE)
    changes(redis, BULK, BOB)
    changes(redis, EVENTS, ALICE, suppressed=False)
    redis.xadd(EVENTS, {"type": "alarm", "scope": "list"})
    run_python(url, save, 2)
    assert saved == [(ALICE, True), (ALICE, True), (BOB, False)], "what is so now, however old the entry is"
    assert pending(redis) == 0


async def test_what_a_program_did_not_finish_comes_again(url: str, redis: Redis) -> None:
    """A program that ends in the midst of an entry begins with it; what is gone by then is acknowledged."""
    saved: list[str] = []

    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError

    def save(address: str, *, may_be_mailed: bool) -> None:
        assert not may_be_mailed
        saved.append(address)

    run_python(url, fail, 0)
    changes(redis, EVENTS, "erased@example.org")
    changes(redis, EVENTS, ALICE)
    with pytest.raises(RuntimeError):
        run_python(url, fail, 2)
    entries: Any = redis.xrange(EVENTS)
    (first, _), _ = entries
    redis.xdel(EVENTS, first)
    run_python(url, save, 1)
    assert saved == [ALICE]
    assert pending(redis) == 0


async def test_a_program_hears_that_entries_were_trimmed(
    url: str, redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many it has missed, once; what was trimmed after it was read is no loss."""
    saved: list[str] = []

    def save(address: str, *, may_be_mailed: bool) -> None:
        saved.append(f"{address} {may_be_mailed}")
        if len(saved) == 10:  # while it is busy, more comes than the stream keeps
            for number in range(100):
                changes(redis, EVENTS, f"missed-{number}@example.org")
            redis.xtrim(EVENTS, 5, approximate=False)

    run_python(url, save, 0)
    for number in range(10):
        changes(redis, EVENTS, f"{number}@example.org")
    run_python(url, save, 3)
    assert len(saved) == 15
    assert capsys.readouterr().out == f"95 entries of {EVENTS} are gone: compare with the whole list\n"


async def test_in_node_both_streams_are_followed(url: str, redis: Redis, tmp_path: Path) -> None:
    """By groups that are there already: those of the commands for a shell."""
    node = shutil.which("node") or pytest.skip("node is not here")
    begin, began, *_ = block("", "XGROUP").splitlines()
    assert [redis.execute_command(*line.split()) for line in (begin, began)] == ["OK", "OK"]
    (tmp_path / "node_modules/redis").mkdir(parents=True)
    shutil.copy(FRAMES / "redis.mjs", tmp_path / "node_modules/redis/index.mjs")
    (tmp_path / "node_modules/redis/package.json").write_text('{"name": "redis", "main": "index.mjs"}')
    source = (FRAMES / "follow.mjs").read_text().replace("// EXAMPLE", block("js"))
    (tmp_path / "main.mjs").write_text(source)
    changes(redis, EVENTS, ALICE)
    changes(redis, BULK, BOB)
    environment = {**os.environ, "REDIS_SOCKET": url.removeprefix("unix://")}
    started = await asyncio.create_subprocess_exec(node, "main.mjs", cwd=tmp_path, env=environment, stdout=PIPE)
    try:
        assert started.stdout is not None
        said = [await asyncio.wait_for(started.stdout.readline(), TIMEOUT_S) for _ in range(2)]
    finally:
        started.kill()
        await started.wait()
    assert [json.loads(line) for line in said] == [{"address": each, "mayBeMailed": False} for each in (ALICE, BOB)]


async def test_the_user_of_the_page_can_follow_and_nothing_else(url: str, redis: Redis) -> None:
    """It reads, acknowledges and asks; it can write to no stream and take nothing out."""
    words: list[Any] = block("", "ACL SETUSER").split()
    redis.execute_command(*words)
    with Redis.from_url(url.replace("unix://", "unix://follower:PASSWORD@"), decode_responses=True) as follower:
        changes(redis, EVENTS, ALICE)
        for line in block("", "XGROUP").replace(" $ ", " 0 ").splitlines():
            follower.execute_command(*line.split())
        assert follower.xautoclaim(EVENTS, "crm", "worker-1", 0)[1]
        assert follower.sismember(SUPPRESSED, ALICE)
        run_python(url.replace("unix://", "unix://follower:PASSWORD@"), lambda *_given, **_named: None, 1)
        for command in (
            ("XADD", EVENTS, "*", "type", "x"),
            ("XTRIM", EVENTS, "MAXLEN", "0"),
            ("SREM", SUPPRESSED, ALICE),
        ):
            with pytest.raises(NoPermissionError):
                follower.execute_command(*command)
