"""Behind Sentinels and in a Cluster the loss of a primary under load loses no acknowledged commit.

(docs/traps.md, 17 to 21)
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from bounced.client import AsyncClient, Client
from bounced.core.contract.keys import Keyspace
from bounced.core.state import ReportId
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.ports import StoreUnavailable
from tests.support.ports import free_port

from .reports import ALICE, count, report
from .servers import Fleet, until

PEERS = 8
REPORTS = 150


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Return what starts servers, and stops them after the test."""
    fleet = Fleet(tmp_path)
    yield fleet
    await fleet.stop()


async def test_a_failover_of_sentinels_loses_no_acknowledged_commit(fleet: Fleet, keys: Keyspace):
    """Under load the primary is killed; every report is counted exactly once by the one that takes its place."""
    primary = await fleet.start()
    replicas = [await fleet.start("--replicaof", "127.0.0.1", str(primary.port)) for _ in range(2)]
    await until(primary, "ROLE", lambda role: len(role[2]) == 2)
    sentinel = await fleet.start_sentinel("bounces", primary)
    nobody = f"127.0.0.1:{free_port()}"
    url = f"redis+sentinel://{nobody},127.0.0.1:{sentinel.port}/bounces"
    async with _store(url, {"main": keys}) as store:
        load = asyncio.create_task(_mail(store, "main"))
        await until(primary, "DBSIZE", lambda size: size > 500)
        await primary.kill()
        await load
        assert b"master" in [(await replica.ask("ROLE"))[0] for replica in replicas]
        await _check_each_counted_once(store, "main")


async def test_a_primary_that_was_only_demoted_is_left_at_once(fleet: Fleet, keys: Keyspace):
    """It lives and answers, but takes no commits any more: whoever took its place does.

    A client hears of it once, and is then with the new one.
    """
    primary = await fleet.start()
    replica = await fleet.start("--replicaof", "127.0.0.1", str(primary.port))
    await until(primary, "ROLE", lambda role: len(role[2]) == 1)
    sentinel = await fleet.start_sentinel("bounces", primary)
    url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}/bounces"
    async with (
        _store(url, {"main": keys}, "replica:1") as store,
        AsyncClient.from_url(url, keys=keys) as client,
    ):
        with Client.from_url(url, keys=keys) as plain:
            await store.commit(report(1), ALICE, count())
            assert (await client.why(ALICE)).state.version == 1
            assert await asyncio.to_thread(plain.report_sent, 1)
            await until(sentinel, "SENTINEL", "FAILOVER", "bounces", lambda reply: reply is not None)
            await until(replica, "ROLE", lambda role: role[0] == b"master")
            await primary.ask("REPLICAOF", "127.0.0.1", replica.port)
            await _deliver(store, report(2), ALICE)
            assert (await store.load("main", ALICE)).version == 2
            told = str(replica.port).encode()  # redis-py asks for more than our own look-up does, and hears of it later
            await until(sentinel, "SENTINEL", "MASTER", "bounces", lambda facts: facts is not None and told in facts)
            with pytest.raises(RedisError):
                await asyncio.to_thread(plain.report_sent, 1)
            assert await asyncio.to_thread(plain.report_sent, 1)
        with pytest.raises(RedisError):
            await client.report_sent(1)
        assert await client.report_sent(1)
    assert await replica.ask("XLEN", keys.intake) == 3


async def test_the_loss_of_a_cluster_node_loses_no_acknowledged_commit(fleet: Fleet):
    """Its replica takes over the list's slot, and says 451 until it has a replica of its own again."""
    cluster = await fleet.start_cluster(primaries=3)
    replica = await cluster.add_replica(0)
    async with _store(cluster.url, {"lost": Keyspace(list_=cluster.list_on(0))}) as store:
        load = asyncio.create_task(_mail(store, "lost"))
        await until(cluster.nodes[0], "DBSIZE", lambda size: size > 500)
        await cluster.nodes[0].kill()
        await until(replica, "ROLE", lambda role: role[0] == b"master")
        assert not load.done()
        await cluster.nodes[0].start_again()
        await load
        await _check_each_counted_once(store, "lost")


async def test_a_list_on_another_node_notices_nothing(fleet: Fleet):
    """Lists are the unit of sharding."""
    cluster = await fleet.start_cluster(primaries=3)
    lists = {name: Keyspace(list_=cluster.list_on(node)) for node, name in enumerate(("lost", "kept"))}
    async with _store(cluster.url, lists, "memory") as store:
        await cluster.nodes[0].kill()
        await store.commit(ReportId("kept", "path", "digest"), ALICE, count())
        with pytest.raises(StoreUnavailable):
            await store.commit(ReportId("lost", "path", "digest"), ALICE, count())


async def test_a_slot_that_moved_is_followed(fleet: Fleet):
    """MOVED says that nothing ran: the commit goes to the new owner, and its peer hears 250."""
    cluster = await fleet.start_cluster(primaries=3)
    async with _store(cluster.url, {"main": Keyspace(list_=cluster.list_on(0))}, "memory") as store:
        await store.commit(report(1), ALICE, count())
        await cluster.flush_and_move(cluster.list_on(0), 0, 1)
        assert not (await store.commit(report(2), ALICE, count())).duplicate


@asynccontextmanager
async def _store(url: str, keys: dict[str, Keyspace], durability_setting: str = "replica") -> AsyncIterator[RedisStore]:
    store = RedisStore(connections(url), keys, durability(durability_setting, pytest.fail))
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def _reports(list_: str, peer: int) -> list[tuple[ReportId, str]]:
    return [(ReportId(list_, f"{peer}-{n}", "digest"), f"{peer}-{n}@example.org") for n in range(REPORTS)]


async def _mail(store: RedisStore, list_: str) -> None:
    """Deliver from several peers at once, each of which comes again until it hears that its report is written."""

    async def peer(number: int) -> None:
        for report_id, address in _reports(list_, number):
            await _deliver(store, report_id, address)

    await asyncio.gather(*(peer(number) for number in range(PEERS)))


async def _deliver(store: RedisStore, report_id: ReportId, address: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await store.commit(report_id, address, count())
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def _check_each_counted_once(store: RedisStore, list_: str) -> None:
    reports = [address for peer in range(PEERS) for _, address in _reports(list_, peer)]
    states = await asyncio.gather(*(store.load(list_, address) for address in reports))
    assert {state.version for state in states} == {1}
