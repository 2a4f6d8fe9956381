"""A list, a log that Postfix writes, and the follower: real files, a real server, and where it matters a process."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.config import Config, load_for_follow, read_configuration
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.store import RedisStore
from bounced.opening import open_store
from tests.support.follower import FollowerProcess
from tests.support.postfix_log import DOMAIN, SECRET

CONFIGURATION = """
[redis]
url = "{url}"
prefix = "{prefix}"
[lists.main]
domains = ["{domain}"]
keys = [{{ id = "a", file = "{key}" }}]
{more}
[follow.postfix]
state_dir = "{state}"
"""


@pytest.fixture(autouse=True)
async def nobody_is_left() -> AsyncIterator[None]:
    """End the followers of a test, also of one that fails."""
    yield
    await FollowerProcess.end_all()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Give a connection that may do everything."""
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield redis


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the keys of the list."""
    return Keyspace(key_prefix)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return where the log is."""
    return tmp_path / "mail.log"


@pytest.fixture
def config_file(tmp_path: Path, redis_url: str, key_prefix: str) -> Path:
    """Return the configuration."""
    return write_config(tmp_path, redis_url, key_prefix)


@pytest.fixture
async def store(config_file: Path) -> AsyncIterator[RedisStore]:
    """Give the store of the configuration."""
    async with open_store(config_of(config_file)) as store:
        yield store


def write_config(folder: Path, url: str, prefix: str, more: str = "") -> Path:
    """Write a configuration; ``more`` is about the list."""
    key, file = folder / "key", folder / "bounced.toml"
    key.write_bytes(SECRET)
    key.chmod(0o600)
    file.write_text(
        CONFIGURATION.format(url=url, prefix=prefix, domain=DOMAIN, key=key, state=folder / "state", more=more)
    )
    return file


def config_of(file: Path) -> Config:
    """Return the configuration as the follower reads it."""
    return load_for_follow(read_configuration(file), "postfix")


def append(log: Path, *messages: Iterable[str]) -> None:
    """Write messages as a program that opens its log each time."""
    with log.open("a") as file:
        for lines in messages:
            file.writelines(lines)


async def told(redis: Redis, keys: Keyspace) -> list[dict[str, str]]:
    """Return the entries that wait in the intake."""
    entries: Any = await redis.xrange(keys.intake)
    return [entry for _, entry in entries]


def addresses(entries: Iterable[dict[str, str]], type_: str) -> list[str]:
    """Return whom entries of a type are about."""
    return [entry["address"] for entry in entries if entry["type"] == type_]


def sent(entries: Iterable[dict[str, str]]) -> int:
    """Return how many messages were counted."""
    return sum(int(entry["count"]) for entry in entries if entry["type"] == "sent")
