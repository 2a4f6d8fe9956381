"""Every dump that there is, loaded into a real server for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.opening import keyspaces
from bounced.pipeline import Pipeline
from bounced.service import pipeline

from .make_dump import DUMPS, configured, versions
from .portable import Line, from_text, load
from .world import Clock, World

_PIPELINES: dict[Path, Pipeline] = {}
"""Rules take longer to read than everything else; a test puts in its own store."""


@dataclass
class Upgraded:
    """What an earlier version left, in the hands of this one."""

    world: World
    expected: list[Line]
    reports: list[Line]

    def those(self, list_: str | None = None, **said: Any) -> list[Line]:
        """Return the addresses of a list, or of all, of which something was said."""
        chosen = [each for each in self.expected if list_ in (None, each["list"])]
        return [each for each in chosen if said.items() <= each.items()]


@pytest.fixture(params=versions())
async def upgraded(
    request: pytest.FixtureRequest, redis_url: str, key_prefix: str, tmp_path: Path
) -> AsyncIterator[Upgraded]:
    """Return what each version left."""
    async with loaded(DUMPS / request.param, redis_url, key_prefix, tmp_path) as upgraded:
        yield upgraded


@asynccontextmanager
async def loaded(folder: Path, url: str, prefix: str, beside: Path) -> AsyncIterator[Upgraded]:
    """Load a dump below a prefix; a copy of its configuration is written into another folder."""
    about, *lines = from_text((folder / "dump.jsonl").read_text())
    config = configured(folder, url, prefix, beside)
    store = RedisStore(connections(url), keyspaces(config), durability("memory", pytest.fail))
    async with Redis.from_url(url) as redis:
        await load(redis, prefix, lines)
        if folder not in _PIPELINES:
            _PIPELINES[folder] = pipeline(config, store)
        await store.start()
        yield Upgraded(
            World(config, store, redis, Clock(datetime.fromisoformat(about["taken_at"])), _PIPELINES[folder]),
            from_text((folder / "expected.jsonl").read_text()),
            from_text((folder / "reports.jsonl").read_text()),
        )
        await store.close()
