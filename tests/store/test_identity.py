"""A Redis in the place of another one, and a clock that is wrong by days, are noticed; a failover is neither."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from structlog.testing import LogCapture

from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.return_path import (
    DEFAULT_TOKEN_DAYS,
    Directory,
    Keyring,
    Registration,
    ReturnPaths,
    SigningKey,
    new_token,
)
from bounced.core.terms import Envelope, ReturnPath, RoleAddress
from bounced.demo.scenes import Scene
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.identities import FILE_NAME, Identities
from bounced.edges.redis.job_store import JobStore
from bounced.edges.watch.log import Event
from bounced.explain import packaged_rules
from bounced.jobs.redis_watch import RedisWatch
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import PathRefused, StoreUnavailable

from .reports import ALICE, count, report
from .servers import PATIENCE_S, Fleet, Server, until

PATHS = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("a", b"a secret of enough octets")))
RULES = packaged_rules()
TOKEN = new_token(bytes(17))


class Names:
    """The names of the events that were logged."""

    def __init__(self, capture: LogCapture) -> None:
        self._capture = capture

    def take(self) -> list[str]:
        """Return what came since the last time."""
        names = [entry["event"] for entry in self._capture.entries]
        self._capture.entries.clear()
        return names


@dataclass
class Host:
    """What one host knows and does: its folder, its clock, its store, its watch, its pipeline."""

    store: RedisStore
    watch: RedisWatch
    pipeline: Pipeline
    keys: Keyspace
    shift: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    async def refusal(self, path: str) -> PathRefused:
        """Return how a path is refused."""
        with pytest.raises(PathRefused) as refused:
            await self.pipeline.admit(path)
        return refused.value

    async def alarms(self) -> set[str]:
        """Return the scopes of the alarms that stand."""
        return set(await JobStore(self.store, "", events_max=9, failed_max=9).standing("main"))


@asynccontextmanager
async def host(url: str, keys: Keyspace, folder: Path | None) -> AsyncIterator[Host]:
    """Return a host with a folder, started."""
    identities = Identities(folder)
    store = RedisStore(
        connections(url), {"main": keys}, durability("memory", pytest.fail), known=Identities(folder).known
    )
    await store.start()

    def now() -> datetime:
        return made.now()

    pipeline = Pipeline(Directory((PATHS,)), RULES, {"main": ListSettings(DEFAULT_POLICY)}, store, now)
    watch = RedisWatch(store, {"main": keys}, identities, JobStore(store, "", events_max=99, failed_max=9), now)
    made = Host(store, watch, pipeline, keys)
    yield made
    await store.close()


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Return what starts servers, and stops them after the test."""
    fleet = Fleet(tmp_path)
    yield fleet
    await fleet.stop()


@pytest.fixture
async def server(fleet: Fleet) -> Server:
    """Return a server of this test's own."""
    return await fleet.start()


@pytest.fixture
def events() -> Names:
    """Return the names of all events that were logged, as they come."""
    capture = LogCapture()
    structlog.configure(processors=[capture], cache_logger_on_first_use=False)
    return Names(capture)


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Leave logging as it was found."""
    yield
    structlog.reset_defaults()


def signed(days_ago: int) -> str:
    """Return a path of so many days ago by the true time."""
    return PATHS.encode(ALICE, issued=datetime.now(UTC).date() - timedelta(days=days_ago))


async def register(here: Host, days_ago: int = 0) -> str:
    """Register a token and return its path."""
    issued = datetime.now(UTC).date() - timedelta(days=days_ago)
    fields = Registration(ALICE, issued).to_fields()
    await here.store.write("main", "HSET", here.keys.token(TOKEN), *(word for pair in fields.items() for word in pair))
    return PATHS.token_path(TOKEN)


async def test_all_is_well_on_the_same_server(server: Server, keys: Keyspace, tmp_path: Path, events: Names):
    """It gets an identity, which stays, for later processes and for other hosts too."""
    async with host(server.url, keys, tmp_path) as first, host(server.url, keys, None) as second:
        for each in (first, second, first):
            await each.watch.look()
            assert each.watch.faults == []
        identity = await server.ask("HGET", keys.identity, "id")
        assert json.loads((tmp_path / FILE_NAME).read_text()) == {keys.identity: identity.decode()}
        assert await first.alarms() == set()
    async with host(server.url, keys, tmp_path) as later:
        await later.watch.look()
        assert later.watch.faults == []
    assert events.take() == []


@pytest.mark.parametrize("command", ["FLUSHALL", "FLUSHDB"])
async def test_a_server_emptied_while_we_are_connected_is_told_and_still_takes_mail(
    server: Server, keys: Keyspace, tmp_path: Path, events: Names, command: str
):
    """Once, as an error; with an alarm for the senders; a token that went with the rest is put off."""
    async with host(server.url, keys, tmp_path) as here:
        await here.watch.look()
        path = await register(here)
        assert isinstance(await here.pipeline.admit(path), ReturnPath)
        await server.ask(command)
        for _ in range(3):
            await here.watch.look()
        assert events.take() == [Event.STORE_REPLACED, Event.ALARM_RAISED]
        assert "not the Redis that kept the list" in here.watch.faults[0]
        assert await here.alarms() == {"redis"}
        assert (await here.refusal(path)).for_now
        assert not (await here.store.commit(report(1), ALICE, count())).duplicate


async def test_another_server_is_noticed_after_a_restart_and_by_every_host(
    fleet: Fleet, keys: Keyspace, tmp_path: Path, events: Names
):
    """The file remembers what memory cannot."""
    old, new = await fleet.start(), await fleet.start()
    folders = [tmp_path / name for name in ("mx1", "mx2")]
    for folder in folders:
        async with host(old.url, keys, folder) as before:
            await before.watch.look()
    await new.ask("HSET", keys.identity, "id", "0123456789abcdef")
    for folder in folders:
        async with host(new.url, keys, folder) as after:
            await after.watch.look()
            assert "0123456789abcdef" in after.watch.faults[0]
    assert events.take().count(Event.STORE_REPLACED) == 2


async def test_a_server_swapped_behind_its_address_is_noticed(fleet: Fleet, keys: Keyspace, tmp_path: Path):
    """An empty one starts where the old one was."""
    server = await fleet.start()
    async with host(server.url, keys, tmp_path) as here:
        await here.watch.look()
        await server.kill()
        with pytest.raises(StoreUnavailable):
            await here.watch.look()
        await server.start_again()
        await _look_until_answered(here)
        assert here.watch.faults


async def test_once_accepted_it_is_no_fault_on_any_host(server: Server, keys: Keyspace, tmp_path: Path, events: Names):
    """`bounced accept-redis` writes what is remembered into the empty server; nobody is restarted."""
    async with host(server.url, keys, tmp_path / "mx1") as one, host(server.url, keys, tmp_path / "mx2") as two:
        for here in (one, two):
            await here.watch.look()
        known = Identities(tmp_path / "mx1").known(keys.identity)
        await server.ask("FLUSHALL")
        for here in (one, two):
            await here.watch.look()
            assert here.watch.faults
        await server.ask("HSET", keys.identity, "id", known)
        events.take()
        for here in (one, two):
            await here.watch.look()
            assert here.watch.faults == []
        assert events.take() == [Event.STORE_RECOGNISED, Event.ALARM_CLEARED, Event.STORE_RECOGNISED]
        assert await one.alarms() == set()


async def test_a_copy_and_a_failover_are_the_same_redis(fleet: Fleet, keys: Keyspace, tmp_path: Path, events: Names):
    """The identity goes where the data goes."""
    primary = await fleet.start()
    async with host(primary.url, keys, tmp_path) as here:
        await here.watch.look()
    replica = await fleet.start("--replicaof", "127.0.0.1", str(primary.port))
    await until(replica, "HGET", keys.identity, "id", lambda identity: identity is not None)
    await primary.kill()
    await replica.ask("REPLICAOF", "NO", "ONE")
    async with host(replica.url, keys, tmp_path) as here:
        await here.watch.look()
        assert here.watch.faults == []
    assert events.take() == []


async def test_in_a_cluster_each_list_has_its_identity(cluster_url: str, keys: Keyspace, tmp_path: Path, events: Names):
    """It stands in the list's own slot."""
    async with host(cluster_url, keys, tmp_path) as here:
        await here.watch.look()
        await here.watch.look()
        assert here.watch.faults == []
        await here.store.write("main", "DEL", keys.identity)
        await here.watch.look()
        assert here.watch.faults
    assert Event.STORE_REPLACED in events.take()


async def test_what_cannot_be_remembered_on_disk_is_remembered_in_memory(
    server: Server, keys: Keyspace, tmp_path: Path, events: Names
):
    """A file in the place of the folder."""
    (tmp_path / "taken").touch()
    async with host(server.url, keys, tmp_path / "taken") as here:
        await here.watch.look()
        assert events.take() == [Event.STORE_WARNED]
        await server.ask("FLUSHALL")
        await here.watch.look()
        assert here.watch.faults


@pytest.mark.parametrize("content", ["", "[]", "{", '{"other": 1}'])
def test_a_ruined_file_is_as_none(tmp_path: Path, content: str):
    """What is known from now on is written over it."""
    (tmp_path / FILE_NAME).write_text(content)
    identities = Identities(tmp_path)
    assert identities.known("a") == ""
    identities.remember({"a": "1"})
    assert Identities(tmp_path).known("a") == "1"


def test_another_server_in_the_configuration_is_a_move(tmp_path: Path):
    """The operator chose it: nothing is known of it yet, and what is known of the other stays."""
    Identities(tmp_path, "redis://one:6379/").remember({"a": "1"})
    moved = Identities(tmp_path, "redis://two:6379/")
    assert moved.known("a") == ""
    moved.remember({"a": "2"})
    assert Identities(tmp_path, "redis://one:6379/").known("a") == "1"
    assert [moved.has_met("a", each) for each in ("1", "2", "3")] == [True, True, False]


@pytest.mark.parametrize("days", [400, DEFAULT_TOKEN_DAYS + 2, -3, -400])
async def test_while_clocks_are_days_apart_no_good_path_is_refused_for_good(
    redis_url: str, keys: Keyspace, tmp_path: Path, events: Names, days: int
):
    """Whichever of the two is wrong, ahead or behind: 451, an alarm, and what is forged hears 550 as ever."""
    async with host(redis_url, keys, tmp_path) as here:
        await here.watch.look()
        path, token_path = signed(days_ago=0), await register(here)
        here.shift = timedelta(days=days)
        for good in (path, token_path):
            refused = await here.refusal(good)
            assert (refused.reason, refused.for_now) == ("expired" if days > 0 else "not_yet_valid", True)
        assert (await here.refusal(PATHS.token_path(new_token(b"\1" * 17)))).for_now
        assert not (await here.refusal(path.replace("alice", "alicf"))).for_now
        await here.watch.look()
        assert events.take() == [Event.CLOCKS_PARTED, Event.ALARM_RAISED]
        assert f"{abs(days)} days {'ahead of' if days > 0 else 'behind'}" in here.watch.faults[0]
        assert await here.alarms() == {"clock"}
        here.shift = timedelta()
        await here.watch.look()
        assert events.take() == [Event.CLOCKS_AGREED, Event.ALARM_CLEARED]


async def test_while_clocks_agree_a_spent_path_is_refused_for_good(redis_url: str, keys: Keyspace, tmp_path: Path):
    """Hours apart are no days: a path of 31 days ago is spent, a token that nobody registered is none."""
    async with host(redis_url, keys, tmp_path) as here:
        await here.watch.look()
        here.shift = timedelta(hours=-3)
        spent, unknown = await here.refusal(signed(days_ago=40)), await here.refusal(PATHS.token_path(TOKEN))
        assert (spent.reason, spent.for_now) == ("expired", False)
        assert (unknown.reason, unknown.for_now) == ("unregistered", False)


async def test_a_complaint_that_seems_to_name_nobody_is_put_off_while_clocks_are_apart(
    redis_url: str, keys: Keyspace, tmp_path: Path
):
    """The path in it may be good, and a complaint that was acknowledged for nobody is lost."""
    async with host(redis_url, keys, tmp_path) as here:
        content = Scene("complaint", ALICE).content(signed(days_ago=5))
        here.shift = timedelta(days=800)
        envelope = Envelope("192.0.2.1", "", "fbl@bounce.example.com", content, here.now())
        with pytest.raises(StoreUnavailable, match="days ahead"):
            await here.pipeline.process(RoleAddress("main", "fbl"), envelope)
        here.shift = timedelta()
        envelope = Envelope("192.0.2.1", "", "fbl@bounce.example.com", content, here.now())
        committed = await here.pipeline.process(RoleAddress("main", "fbl"), envelope)
        assert committed.transition is not None
        assert committed.transition.reason != "belongs_to_nobody"


async def _look_until_answered(here: Host) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await here.watch.look()
            except StoreUnavailable:
                await asyncio.sleep(0.02)
