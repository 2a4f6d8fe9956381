"""A follower is killed again and again while its log grows and is rotated: nothing is lost, and nothing told twice."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from bounced.core.contract.keys import Keyspace
from tests.support.follower import FollowerProcess
from tests.support.postfix_log import PATHS, PostfixLog

ONE_IN_WITH_STATE = 20
"""Of so many messages one is about an address of which something is known, half of them failures."""


@dataclass(frozen=True, slots=True)
class Course:
    """How long the log is, how often the follower is killed and the log is renamed, and how fast it has to be read."""

    messages: int
    kills: int
    rotations: int
    wait_s: float
    lines_a_second: float = 0.0


@dataclass(slots=True)
class Expected:
    """What the log says."""

    rejected: Counter[str]
    delivered: Counter[str]
    messages: int = 0


async def test_nothing_is_lost_when_the_follower_is_killed(
    tmp_path: Path, config_file: Path, redis: Redis, keys: Keyspace
) -> None:
    """In a short course; the next test has the long one."""
    course = Course(4_500, kills=3, rotations=2, wait_s=120)
    await follow(course, tmp_path / "mail.log", config_file, redis, keys)


@pytest.mark.soak
async def test_nothing_is_lost_of_a_million_lines(
    tmp_path: Path, config_file: Path, redis: Redis, keys: Keyspace
) -> None:
    """With thirty kills and five rotations."""
    course = Course(334_000, kills=30, rotations=5, wait_s=1800)
    await follow(course, tmp_path / "mail.log", config_file, redis, keys)


@pytest.mark.soak
async def test_a_million_lines_are_read_as_fast_as_promised(
    tmp_path: Path, config_file: Path, redis: Redis, keys: Keyspace
) -> None:
    """By a follower that nobody kills."""
    course = Course(334_000, kills=0, rotations=0, wait_s=1800, lines_a_second=30_000)
    await follow(course, tmp_path / "mail.log", config_file, redis, keys)


async def follow(course: Course, log: Path, config_file: Path, redis: Redis, keys: Keyspace) -> None:
    """Write a log in parts, kill and rotate between them, and compare what was told with what was written."""
    chance, expected = random.Random(1), Expected(Counter(), Counter())
    postfix, told = PostfixLog(datetime.now(UTC)), Told(redis, keys)
    follower = FollowerProcess(config_file, "postfix", str(log))
    parts = max(1, course.kills)
    rotated_after = {parts * (turn + 1) // (course.rotations + 1) for turn in range(course.rotations)}
    async with asyncio.timeout(course.wait_s):
        for part in range(parts):
            text = "".join(messages(course.messages // parts, postfix, expected, chance))
            half = text.find("\n", len(text) // 2) - 3  # in the midst of a line
            await known(redis, keys, expected)
            with log.open("a") as file:
                file.write(text[:half])
            if course.kills:
                await follower.start(listen=True)
                while not list(config_file.with_name("state").glob("*.json")):  # noqa: ASYNC110 - a file
                    await asyncio.sleep(0.01)
                with log.open("a") as still_open:
                    if part in rotated_after:
                        rotate(log)
                    await asyncio.sleep(chance.random())  # a crash comes when it comes
                    await told.take()
                    still_open.write(text[half:])
                await asyncio.sleep(chance.random() * 0.5)
                await follower.kill()
            else:
                with log.open("a") as file:
                    file.write(text[half:])
        began = asyncio.get_running_loop().time()
        await follower.start("--once")
        while follower.process.returncode is None:
            await told.take()
            await asyncio.sleep(0.02)
        took_s = asyncio.get_running_loop().time() - began
        await told.take()
    assert follower.process.returncode == 0
    assert told.sent == expected.messages
    assert told.rejected == expected.rejected
    assert told.delivered == expected.delivered
    if course.lines_a_second:
        assert 3 * expected.messages / took_s >= course.lines_a_second


class Told:
    """What was told; the entries are taken out, as the daemon does it."""

    def __init__(self, redis: Redis, keys: Keyspace) -> None:
        self.redis, self.keys = redis, keys
        self.rejected, self.delivered, self.sent = Counter[str](), Counter[str](), 0

    async def take(self) -> None:
        """Take what is there."""
        entries: Any
        while entries := await self.redis.xrange(self.keys.intake, count=5000):
            for _, entry in cast("list[tuple[str, dict[str, str]]]", entries):
                if entry["type"] == "sent":
                    self.sent += int(entry["count"])
                else:
                    of_type = self.rejected if entry["type"] == "rejected" else self.delivered
                    of_type[entry["address"]] += 1
            ids: Any = [entry_id for entry_id, _ in entries]
            await self.redis.xdel(self.keys.intake, *ids)


def messages(count: int, postfix: PostfixLog, expected: Expected, chance: random.Random) -> Iterable[str]:
    """Yield the lines of some messages, and note what they say of addresses of which something is known."""
    for _ in range(count):
        number = expected.messages
        expected.messages += 1
        if chance.randrange(ONE_IN_WITH_STATE):
            yield from postfix.delivered(f"a{number}@d{number % 100}.example", sender=_path(number))
        elif chance.randrange(2):
            address = f"known{number}@d{number % 100}.example"
            expected.delivered[address] += 1
            yield from postfix.delivered(address)
        else:
            address = f"gone{number}@d{number % 100}.example"
            expected.rejected[address] += 1
            yield from postfix.rejected(address)


def _path(number: int) -> str:
    """Return what looks like a return path; to sign a million takes longer than to read them."""
    return f"b-2ujs5v3nz5k6ox3a3t=news=a{number}=d{number % 100}.example@{PATHS.domains[0]}"


async def known(redis: Redis, keys: Keyspace, expected: Expected) -> None:
    """Let something be known of the addresses that mail is delivered to."""
    async with redis.pipeline(transaction=False) as pipe:
        for address in expected.delivered:
            pipe.hset(keys.address(address), "state", "bouncing")
        await pipe.execute()


def rotate(log: Path) -> None:
    """Rename as logrotate does."""
    for number in range(9, 0, -1):
        older = log.with_name(f"mail.log.{number}")
        if older.exists():
            older.rename(log.with_name(f"mail.log.{number + 1}"))
    log.rename(log.with_name("mail.log.1"))
