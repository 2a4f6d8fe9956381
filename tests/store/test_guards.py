"""Guards that nothing reminds of until the day on which they are needed: each is shown by what is lost without it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import Connections, Node, connections
from bounced.ports import StoreUnavailable

from .reports import ALICE, AT, count, hold, report
from .servers import Cluster, Fleet, Server, until

Mend = Callable[[], Awaitable[None]]


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Return what starts servers, and stops them after the test."""
    fleet = Fleet(tmp_path)
    yield fleet
    await fleet.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a line that was lost be tried again soon."""
    monkeypatch.setattr("bounced.edges.redis.line.LAST_BACKOFF_S", 0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Return a Cluster of two that this module's tests maltreat, and leave as it was."""
    fleet = Fleet(tmp_path_factory.mktemp("cluster"))
    yield await fleet.start_cluster(primaries=2)
    await fleet.stop()


@pytest.mark.parametrize("before", [0, 20], ids=["the same report", "one too many"])
@pytest.mark.usefixtures("impatient")
async def test_a_resend_is_not_acknowledged_before_the_original_is_safe(
    fleet: Fleet, keys: Keyspace, monkeypatch: pytest.MonkeyPatch, before: int
):
    """A wait covers what its own connection wrote: behind one that wrote nothing it says "safe" about nothing.

    Here the replica is frozen, so that a loss of the primary would lose what came meanwhile.
    """
    primary = await fleet.start()
    replica = await fleet.start("--replicaof", "127.0.0.1", str(primary.port))
    await until(primary, "ROLE", lambda role: len(role[2]) == 1)
    async with _store(connections(primary.url), keys, "replica:1") as store:
        for number in range(before):
            await store.commit(report(number), ALICE, count())
        with _frozen(replica), monkeypatch.context() as soon:
            _wait_briefly(store, keys, soon)
            for _ in ("the original", "its resend"):
                with pytest.raises(StoreUnavailable, match="WAIT 1 answered 0"):
                    await store.commit(report(before), ALICE, count())
        await _until_back(store)
        assert (await store.commit(report(before), ALICE, count())).duplicate
        assert (await store.load("main", ALICE)).version == max(before, 1)


@pytest.mark.usefixtures("impatient")
async def test_all_replicas_means_all_that_there_are_now(fleet: Fleet, keys: Keyspace, monkeypatch: pytest.MonkeyPatch):
    """One that came after the connection was made counts too: any of them may become the primary."""
    primary = await fleet.start()
    async with _store(connections(primary.url), keys, "replica") as store:
        for number in (1, 2):
            replica = await fleet.start("--replicaof", "127.0.0.1", str(primary.port))
            await until(primary, "ROLE", lambda role, number=number: len(role[2]) == number)
            with suppress(StoreUnavailable):  # which says that there is another one by now
                await store.commit(report(number), ALICE, count())
            await _until_back(store)
        with _frozen(replica), monkeypatch.context() as soon:
            _wait_briefly(store, keys, soon)
            with pytest.raises(StoreUnavailable, match="WAIT 2 answered 1"):
                await store.commit(report(3), ALICE, count())


@pytest.mark.usefixtures("impatient")
async def test_what_has_not_reached_the_disk_is_no_commit(
    fleet: Fleet, keys: Keyspace, monkeypatch: pytest.MonkeyPatch
):
    """Somebody changed the server's settings while we were connected: its own copy is what WAITAOF must name."""
    server = await fleet.start("--appendonly", "yes", "--appendfsync", "always")
    async with _store(connections(server.url), keys, "fsync") as store:
        await store.commit(report(1), ALICE, count())
        await server.ask("CONFIG", "SET", "appendfsync", "no")
        with monkeypatch.context() as soon:
            _wait_briefly(store, keys, soon)
            with pytest.raises(StoreUnavailable, match="WAITAOF 1 0 answered"):
                await store.commit(report(2), ALICE, count())


@pytest.mark.usefixtures("impatient")
async def test_a_demoted_primary_is_not_believed(fleet: Fleet, keys: Keyspace):
    """Others may have suppressed the address since, or registered the token: what it says is out of date."""
    server = await fleet.start()
    asked: list[Callable[[RedisStore], Awaitable[object]]] = [
        lambda store: store.load("main", ALICE),
        lambda store: store.token("main", "unknown"),
        lambda store: store.history("main", ALICE),
        lambda store: store.due("main", AT, 9),
        lambda store: store.read("main", "SMEMBERS", keys.suppressed),
        lambda store: store.ping(),
    ]
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(_store(connections(server.url), keys)) for _ in asked]
        store = stores[0]
        await store.commit(report(), ALICE, hold())
        await server.ask("HSET", keys.token("abc"), "recipient", ALICE)
        for each in stores:
            await each.ping()
        await server.ask("REPLICAOF", "127.0.0.1", 1)
        for each, ask in zip(stores, asked, strict=True):
            with pytest.raises(StoreUnavailable, match="not a primary"):
                await ask(each)
        await server.ask("REPLICAOF", "NO", "ONE")
        await _until_back(store)
        assert (await store.load("main", ALICE)).version == 1
        assert await store.token("main", "abc") == {"recipient": ALICE}


async def test_a_slot_that_is_on_its_way_to_another_node_costs_no_bounce(cluster: Cluster, key_prefix: str):
    """TRYAGAIN says that nothing ran, since some of the keys are not there any more: the commit is sent again."""
    keys, slot = Keyspace(key_prefix, cluster.list_on(0)), key_slot(cluster.list_on(0).encode())
    source = cluster.nodes[0]
    target = (await cluster.nodes[1].ask("CLUSTER", "MYID")).decode()

    async def settled() -> None:
        await source.ask("CLUSTER", "SETSLOT", slot, "STABLE")

    mended = Mended(connections(cluster.url), settled)
    async with _store(mended, keys) as store:
        await store.commit(report(1), ALICE, count())
        await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target)
        mended.armed = True
        assert not (await store.commit(report(2, path="another"), ALICE, count())).duplicate
        assert (await store.load("main", ALICE)).version == 2
    assert await _errors(source, "TRYAGAIN") == 1


async def test_a_slot_that_nobody_serves_for_a_moment_costs_no_bounce(cluster: Cluster, key_prefix: str):
    """CLUSTERDOWN says that nothing ran: the commit is sent again, and waits for the connection."""
    keys, slot = Keyspace(key_prefix, cluster.list_on(0)), key_slot(cluster.list_on(0).encode())
    source = cluster.nodes[0]

    async def served() -> None:
        await source.ask("CLUSTER", "ADDSLOTS", slot)
        for node in cluster.nodes:
            await until(
                node, "CLUSTER", "SLOTS", lambda shares: any(first <= slot <= last for first, last, *_ in shares)
            )

    mended = Mended(connections(cluster.url), served)
    async with _store(mended, keys) as store:
        await store.commit(report(1), ALICE, count())
        await source.ask("CLUSTER", "DELSLOTS", slot)
        mended.armed = True
        assert not (await store.commit(report(2, path="another"), ALICE, count())).duplicate
        assert (await store.load("main", ALICE)).version == 2
    assert await _errors(source, "CLUSTERDOWN") == 1


class Mended:
    """Real connections; the first that is opened once ``armed`` finds mended what was broken."""

    def __init__(self, real: Connections, mend: Mend) -> None:
        self._real = real
        self._mend = mend
        self.armed = False

    def shard(self, key: str) -> int:
        """Return a key's share."""
        return self._real.shard(key)

    async def open(self, shard: int, moved_to: Node | None = None) -> AbstractConnection:
        """Return a new connection."""
        if self.armed:
            self.armed = False
            await self._mend()
        return await self._real.open(shard, moved_to)


@asynccontextmanager
async def _store(reach: Connections, keys: Keyspace, setting: str = "memory") -> AsyncIterator[RedisStore]:
    store = RedisStore(reach, {"main": keys}, durability(setting, pytest.fail))
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def _wait_briefly(store: RedisStore, keys: Keyspace, soon: pytest.MonkeyPatch) -> None:
    """Let the server wait for durability for 20 ms."""
    line: Any = store._commits.to(keys.events)
    soon.setattr(line, "_durability", replace(line._durability, wait_ms=20))


@contextmanager
def _frozen(server: Server) -> Iterator[None]:
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


async def _until_back(store: RedisStore) -> None:
    """Wait until every line is connected again."""
    lines = [*store._commits._lines.values(), *store._reads._lines.values()]
    async with asyncio.timeout(10):
        while True:
            if all(line._trouble is None for line in lines):
                return
            await asyncio.sleep(0.01)


async def _errors(server: Server, name: str) -> int:
    """Return how often a server has answered with an error."""
    stats = await server.ask("INFO", "errorstats")
    return int(stats[f"errorstat_{name}"]["count"])
