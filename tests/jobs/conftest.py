"""Several workers' jobs on one list of the real server, and a clock that the test moves."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced import rules
from bounced.core.contract.keys import Keyspace
from bounced.core.meaning.rules import RuleSet
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.return_path import Directory, Keyring, ReturnPaths, SigningKey
from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId
from bounced.core.terms import UNKNOWN_PROFILE, Action, Category, Kind, Origin, Profile, State, Verdict
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.job_store import JobStore
from bounced.edges.redis.wire import text
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import Committed
from tests.support.events import recent_events

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALICE = "alice@company.example"


@dataclass
class Clock:
    """The time as the test says it is."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Return it."""
        return self.now

    def forward(self, **amount: float) -> None:
        """Let time pass."""
        self.now += timedelta(**amount)


@dataclass
class Bench:
    """A list, its store, and as many workers as a test needs."""

    pipeline: Pipeline
    store: RedisStore
    keys: Keyspace
    clock: Clock
    ask: Callable[..., Awaitable[Any]]
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def present(self) -> Pipeline:
        """Return the pipeline in use."""
        return self.pipeline

    def job_store(self) -> JobStore:
        """Return another worker's."""
        return JobStore(self.store, f"worker-{next(self.numbers)}", events_max=10_000, failed_max=100)

    def settings(self, **changed: Any) -> None:
        """Change how the list decides."""
        self.pipeline = replace(self.pipeline, lists={"main": replace(self.pipeline.lists["main"], **changed)})

    async def fails(
        self, category: Category, address: str = ALICE, profile: Profile = UNKNOWN_PROFILE, **facts: Any
    ) -> Committed:
        """Let a bounce come in now, for mail of today, by a path of its own."""
        verdict = Verdict(category, "test", "text", Action.FAILED, "5.0.0")
        evidence = Evidence(
            EvidenceType.REPORT,
            self.clock.now,
            Origin.SMTP,
            kind=Kind.BOUNCE,
            verdict=verdict,
            sent_on=self.clock.now.date(),
            profile=profile,
        )
        number = next(self.numbers)
        report_id = ReportId("main", facts.pop("path", f"path-{number}"), f"{number}")
        return await self.pipeline.commit(report_id, address, replace(evidence, **facts))

    async def hold(self, address: str = ALICE) -> None:
        """Let an address be held for 30 days from now on."""
        for _ in range(3):
            await self.fails(Category.MAILBOX_FULL, address)
            self.clock.forward(days=8)
        self.clock.forward(days=-8)
        assert (await self.state(address)).state is State.HELD

    async def state(self, address: str = ALICE) -> AddressState:
        """Return what is known of an address."""
        return await self.store.load("main", address)

    async def events(self, type_: str | None = None) -> list[dict[str, str]]:
        """Return the events of a type, the oldest first."""
        events = (await recent_events(self.store, "main", 10_000))[::-1]
        return [event for event in events if type_ in (None, event["type"])]

    async def stream(self, key: str) -> list[dict[str, str]]:
        """Return the fields of a stream's entries."""
        entries = await self.ask("XRANGE", key, "-", "+")
        return [{text(name): text(value) for name, value in fields.items()} for _, fields in entries]


@pytest.fixture(scope="session")
def ruleset() -> RuleSet:
    """Return the built-in rules."""
    return rules.load(())


@pytest.fixture
async def bench(redis_url: str, key_prefix: str, ruleset: RuleSet) -> AsyncIterator[Bench]:
    """Return a list of this test's own."""
    async with _bench(redis_url, Keyspace(key_prefix, "main"), ruleset) as bench:
        yield bench


@pytest.fixture
async def hashed_bench(redis_url: str, key_prefix: str, ruleset: RuleSet) -> AsyncIterator[Bench]:
    """Return a list that keeps hashes instead of addresses."""
    async with _bench(redis_url, Keyspace(key_prefix, "main", b"pepper"), ruleset) as bench:
        yield bench


@asynccontextmanager
async def _bench(redis_url: str, keys: Keyspace, ruleset: RuleSet) -> AsyncIterator[Bench]:
    clock = Clock()
    store = RedisStore(connections(redis_url), {"main": keys}, durability("fsync", pytest.fail))
    await store.start()
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("a", b"a secret of some length")))
    lists = {"main": ListSettings(DEFAULT_POLICY)}
    client = Redis.from_url(redis_url)
    yield Bench(Pipeline(Directory((paths,)), ruleset, lists, store, clock), store, keys, clock, client.execute_command)
    await client.aclose()
    await store.close()
