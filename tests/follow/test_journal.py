"""The real journal is followed, and a follower that is killed goes on in it without loss."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bounced.core.contract.keys import Keyspace
from tests.support.follower import FollowerProcess
from tests.support.journald import CAN_RUN, Journald, running
from tests.support.postfix_log import PostfixLog

from .conftest import addresses, sent, told, write_config

pytestmark = pytest.mark.skipif(not CAN_RUN, reason="needs root, unshare and journald")


@pytest.fixture
def journald(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journald]:
    """Give a journal that is empty."""
    with running(tmp_path) as journald:
        monkeypatch.setenv("PATH", f"{journald.program}:{os.environ['PATH']}")
        yield journald


@pytest.fixture
def config_file(tmp_path: Path, redis_url: str, key_prefix: str) -> Path:
    """Return a configuration in which this user, and not a unit, is Postfix."""
    file = write_config(tmp_path, redis_url, key_prefix)
    file.write_text(f"{file.read_text()}journal = true\nuids = [{os.geteuid()}]\n")
    return file


def write(journald: Journald, postfix: PostfixLog, address: str) -> None:
    """Let Postfix log that an address is not known."""
    for line in postfix.rejected(address):
        _time, _host, program, text = line.rstrip("\n").split(" ", 3)
        journald.write(text, program.partition("[")[0])


async def test_nothing_is_lost_in_the_journal_when_the_follower_is_killed(
    journald: Journald, config_file: Path, redis: Redis, keys: Keyspace
) -> None:
    """Three times, in the midst of a message, and while the journal is rotated; and nothing is told twice."""
    postfix, follower = PostfixLog(datetime.now(UTC)), FollowerProcess(config_file, "postfix")
    expected = [f"gone{number}@example.org" for number in range(60)]
    for part in range(3):
        await follower.start(listen=True)
        for address in expected[20 * part : 20 * part + 20]:
            write(journald, postfix, address)
        journald.rotate()
        async with asyncio.timeout(60):
            while len(await told(redis, keys)) < 20 * part + 1:  # noqa: ASYNC110 - Redis does not tell
                await asyncio.sleep(0.01)
        await follower.kill()
    await follower.start("--once")
    assert await follower.ended() == 0
    entries = await told(redis, keys)
    assert addresses(entries, "rejected") == expected
    assert sent(entries) == len(expected)


async def test_what_others_write_to_the_journal_is_not_heard(
    journald: Journald, config_file: Path, redis: Redis, keys: Keyspace
) -> None:
    """Under whatever name, and whatever unit they say they are."""
    without_uids(config_file)
    lines = [line.split(" ", 3)[3].rstrip("\n") for line in PostfixLog(datetime.now(UTC)).rejected("a@example.org")]
    for line, daemon in zip(lines, ("qmgr", "smtp", "qmgr"), strict=True):
        journald.write(line, f"postfix/{daemon}", {"_SYSTEMD_UNIT": "postfix@-.service", "UNIT": "postfix@-.service"})
    follower = FollowerProcess(config_file, "postfix", "--journal", "--once")
    await follower.start()
    assert await follower.ended() == 0
    assert await told(redis, keys) == []


def without_uids(config_file: Path) -> None:
    """Let the units of Postfix's package be those that are heard."""
    config_file.write_text(config_file.read_text().replace("uids = ", "# uids = "))
