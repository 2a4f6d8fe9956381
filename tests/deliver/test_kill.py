"""A deliverer is killed again and again while a receiver fails, is slow and is down: nothing is lost or overtaken."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.hook_streams import HookStreams
from bounced.opening import open_store
from tests.support.deliverer import Deliverer
from tests.support.receiver import OK, Request, receiving, status

from .conftest import config_of, hook, until, write_config

MOST_MEMORY_KIB = 160 * 1024
MORE_MEMORY_KIB = 40 * 1024
"""What one life may have more than another: a thousand events of each webhook, and what Python does not give back."""


@dataclass(frozen=True, slots=True)
class Course:
    """How many events there are about how many addresses, how often the deliverer is killed, how long all may take.

    ``failures`` is how often one event is refused at most: each pause is twice as long as the one before.
    """

    events: int
    addresses: int
    kills: int
    failures: int
    down_s: float
    wait_s: float


@dataclass(slots=True)
class Arrivals:
    """What a receiver took, by the first time that it took it: the numbers of the events of each address."""

    of: dict[str, list[int]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def has(self, count: int) -> bool:
        """Whether so many events have arrived."""
        return len(self.ids) >= count

    def hear(self, request: Request) -> None:
        """Note an event that is taken."""
        if request.id not in self.ids:
            self.ids.add(request.id)
            self.of.setdefault(request.address, []).append(int(request.told["data"]["note"]))


async def test_nothing_is_lost_when_the_deliverer_is_killed(
    tmp_path: Path, redis_url: str, key_prefix: str, redis: Redis
) -> None:
    """In a short course; the next test has the long one."""
    await follow(Course(600, 200, kills=2, failures=3, down_s=0, wait_s=150), tmp_path, redis_url, key_prefix, redis)


@pytest.mark.soak
async def test_nothing_is_lost_of_a_hundred_thousand_events(
    tmp_path: Path, redis_url: str, key_prefix: str, redis: Redis
) -> None:
    """Nor does memory grow, nor is another receiver delayed."""
    await follow(
        Course(100_000, 20_000, kills=12, failures=7, down_s=30, wait_s=3600), tmp_path, redis_url, key_prefix, redis
    )


async def follow(course: Course, folder: Path, redis_url: str, prefix: str, redis: Redis) -> None:
    """Deliver events to a bad and to a good receiver, and check what arrived."""
    bad, good, chance, refused = Arrivals(), Arrivals(), random.Random(1), Counter[str]()

    async def answer_badly(request: Request) -> bytes:
        await asyncio.sleep(chance.random() * 0.02)
        if chance.random() < 1 / 3 and refused[request.id] < course.failures:
            refused[request.id] += 1
            return chance.choice([status(500), status(404), b"", b"HTTP/1.1 nonsense\r\n\r\n"])
        bad.hear(request)
        return OK

    async def answer_well(request: Request) -> bytes:
        good.hear(request)
        return OK

    async with receiving(answer_badly) as failing, receiving(answer_well) as well, asyncio.timeout(course.wait_s):
        more = "connections = 16\n"
        tables = hook(failing.url, name="bad", more=more), hook(well.url, name="good", more=more)
        deliverer = Deliverer(write_config(folder, redis_url, prefix, *tables))
        await write(deliverer, redis, Keyspace(prefix), course)
        await deliverer.start()
        try:
            memory = list[int]()
            for life in range(1, course.kills + 1):
                await failing.until(partial(bad.has, course.events * life // (course.kills + 1)))
                memory.append(deliverer.most_memory_kib)
                await deliverer.kill()
                is_down = life == course.kills // 2
                if is_down:
                    await failing.down()
                await deliverer.start()
                if is_down:
                    await well.until(partial(good.has, min(course.events, len(good.ids) + 1)))
                    await asyncio.sleep(course.down_s)
                    await failing.up()
            await well.until(partial(good.has, course.events), course.wait_s)
            assert len(bad.ids) < course.events, "the good receiver was delayed by the bad one"
            await failing.until(partial(bad.has, course.events), course.wait_s)
            memory.append(deliverer.most_memory_kib)
            await until(partial(settled, redis, Keyspace(prefix)))
        finally:
            ended = await deliverer.stop()
    for arrivals in (bad, good):
        assert len(arrivals.of) == course.addresses
        for numbers in arrivals.of.values():
            assert numbers == sorted(numbers)
    assert max(memory) < MOST_MEMORY_KIB
    assert max(memory) - min(memory) < MORE_MEMORY_KIB
    assert ended == 0


async def settled(redis: Redis, keys: Keyspace) -> bool:
    """Whether both webhooks have nothing left that was given to them: an answer comes a moment after its arrival."""
    groups = [group for stream in (keys.events, keys.bulk) for group in await redis.xinfo_groups(stream)]
    assert len(groups) == 4
    return not any(group["pending"] for group in groups)


async def write(deliverer: Deliverer, redis: Redis, keys: Keyspace, course: Course) -> None:
    """Make the groups, as a first start does, and write the events: each address's are numbered."""
    config = config_of(deliverer.config_file)
    async with open_store(config, to_write=False) as store:
        for each in config.hooks:
            await HookStreams(store, "main", each.name, undelivered_max=100).next(1, datetime.now(UTC))
    chance = random.Random(2)
    for begin in range(0, course.events, 1000):
        async with redis.pipeline(transaction=False) as pipe:
            for number in range(begin, min(begin + 1000, course.events)):
                address = number % course.addresses
                fields: Any = {"type": "transition", "address": f"a{address}@example.org", "note": str(number)}
                pipe.xadd(
                    keys.bulk if chance.random() < 0.2 else keys.events, fields, id=f"{1_900_000_000_000 + number}-0"
                )
            await pipe.execute()
