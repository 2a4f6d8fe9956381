"""What a store says and does when its server is lost, frozen, full, read-only or forgetful.

(docs/traps.md, 16 to 21)
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bounced.core.contract.keys import Keyspace
from bounced.core.state import AddressState, Transition
from bounced.edges.redis import Misconfigured, RedisStore, durability, line
from bounced.edges.redis.connect import connections
from bounced.edges.redis.durabilities import Memory, NotDurable
from bounced.edges.redis.embedded import EmbeddedServer
from bounced.edges.redis.observer import Unobserved
from bounced.edges.redis.time_budget import TimeBudget
from bounced.edges.redis.wire import Reply, pack
from bounced.ports import StoreUnavailable

from .reports import ALICE, count, report

Ask = Callable[..., Awaitable[Any]]
BUDGET = TimeBudget(0.4)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """Return a server of this test's own, to be maltreated."""
    async with EmbeddedServer(tmp_path / "data") as embedded:
        yield embedded


@pytest.fixture
async def ask(server: EmbeddedServer) -> AsyncIterator[Ask]:
    """Return what sends one command over a connection beside the store's, and returns the reply."""
    async with Redis.from_url(server.url, protocol=2) as client:
        yield client.execute_command


@pytest.fixture
async def notices() -> list[str | None]:
    """Return what the store's owner was told."""
    return []


@pytest.fixture
async def tested(
    server: EmbeddedServer, notices: list[str | None], keys: Keyspace, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RedisStore]:
    """Return a store whose time budget is a tenth of the usual."""
    monkeypatch.setattr(line, "LAST_BACKOFF_S", 0.05)
    tested = RedisStore(
        connections(server.url, BUDGET),
        {"main": keys},
        durability("fsync", pytest.fail, BUDGET),
        notice=notices.append,
        budget=BUDGET,
    )
    await tested.start()
    yield tested
    await tested.close()


async def test_a_script_the_server_forgot_is_loaded_and_the_commit_sent_again(tested: RedisStore, ask: Ask):
    """NOSCRIPT says that nothing ran, so sending again does no harm.  (docs/traps.md, 19)"""
    await tested.commit(report(1), ALICE, count())
    await ask("SCRIPT", "FLUSH")
    commits = (tested.commit(report(number), ALICE, count()) for number in (2, 3, 4))
    assert [committed.duplicate for committed in await asyncio.gather(*commits)] == [False] * 3
    assert (await tested.load("main", ALICE)).version == 4


async def test_a_server_that_was_restarted_between_two_commits_is_not_noticed(
    tested: RedisStore, server: EmbeddedServer, ask: Ask
):
    """An idle connection that was closed is replaced before anything goes over it."""
    await tested.commit(report(1), ALICE, count())
    pid = await _pid(ask)
    os.kill(pid, signal.SIGKILL)
    await _until_served(server, other_than=pid)
    assert not (await tested.commit(report(2), ALICE, count())).duplicate
    assert (await tested.load("main", ALICE)).version == 2


async def test_what_was_acknowledged_survives_kill_9(tested: RedisStore, server: EmbeddedServer, ask: Ask):
    """Under load, ten times over: each commit that answered is there afterwards, each resend counts once."""
    acknowledged = set()
    for round_ in range(10):
        pid = await _pid(ask)
        batch = [report(number, path=f"{round_}-{number}") for number in range(40)]
        commits = [asyncio.create_task(tested.commit(id_, f"{id_.path}@example.org", count())) for id_ in batch]
        await asyncio.sleep(0.002 * round_)
        os.kill(pid, signal.SIGKILL)
        results = await asyncio.gather(*commits, return_exceptions=True)
        acknowledged |= {id_ for id_, result in zip(batch, results, strict=True) if not isinstance(result, Exception)}
        assert all(isinstance(result, StoreUnavailable) for result in results if isinstance(result, Exception))
        await _until_served(server, other_than=pid)
        await _until_back(tested)
    for id_ in acknowledged:
        address = f"{id_.path}@example.org"
        assert (await tested.load("main", address)).version == 1
        assert (await tested.commit(id_, address, count())).duplicate


async def test_a_frozen_server_is_given_up_in_time_and_the_resend_is_counted_once(tested: RedisStore, ask: Ask):
    """It may run the script when it thaws, after we had said that we do not know.  (docs/traps.md, 19)"""
    pid = await _pid(ask)
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(BUDGET.store_s + 0.2):
            with pytest.raises(StoreUnavailable):
                await tested.commit(report(), ALICE, count())
    finally:
        os.kill(pid, signal.SIGCONT)
    await _until_back(tested)
    await tested.commit(report(), ALICE, count())
    assert (await tested.load("main", ALICE)).version == 1


async def test_while_the_server_is_frozen_the_queue_does_not_grow(
    tested: RedisStore, ask: Ask, keys: Keyspace, monkeypatch: pytest.MonkeyPatch
):
    """Beyond a bound the answer comes at once, and nothing is kept."""
    monkeypatch.setattr(line, "MAX_QUEUED_BYTES", 20_000)
    pid = await _pid(ask)
    os.kill(pid, signal.SIGSTOP)
    try:
        commits = [tested.commit(report(number), f"{number}@example.org", count()) for number in range(500)]
        results = await asyncio.gather(*commits, return_exceptions=True)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert sum("queue is full" in str(result) for result in results) > 400
    assert tested._commits.to(keys.events)._queued_bytes <= 20_000


async def test_while_the_server_is_away_the_answer_comes_at_once_and_service_returns_by_itself(
    tested: RedisStore, server: EmbeddedServer, notices: list[str | None]
):
    """Nobody has to be told twice."""
    await server.stop()
    with pytest.raises(StoreUnavailable):
        await tested.commit(report(), ALICE, count())
    await _until(lambda: len(notices) == 1)
    async with asyncio.timeout(0.05):
        with pytest.raises(StoreUnavailable, match="away"):
            await tested.commit(report(), ALICE, count())
    await server.start()
    await _until(lambda: len(notices) == 2)
    assert not (await tested.commit(report(), ALICE, count())).duplicate
    assert notices[1] is None


@pytest.mark.parametrize(
    ("harm", "repair"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
        (("CONFIG", "SET", "min-replicas-to-write", "1"), ("CONFIG", "SET", "min-replicas-to-write", "0")),
    ],
    ids=["out of memory", "read-only", "short of replicas"],
)
async def test_a_server_that_cannot_write_leaves_nothing_half_written(
    tested: RedisStore, ask: Ask, harm: tuple[str, ...], repair: tuple[str, ...]
):
    """The whole script is refused before it starts; afterwards the resend is the first."""
    await tested.commit(report(path="warm"), "warm@example.org", count())
    await ask(*harm)
    with pytest.raises(StoreUnavailable):
        await tested.commit(report(), ALICE, count())
    await ask(*repair)
    assert await tested.load("main", ALICE) == AddressState()
    await _until_back(tested)
    assert not (await tested.commit(report(), ALICE, count())).duplicate


@pytest.mark.parametrize(
    ("harm", "repair"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["out of memory", "read-only"],
)
async def test_a_server_that_still_refuses_commits_is_not_called_recovered(
    tested: RedisStore, ask: Ask, notices: list[str | None], harm: tuple[str, ...], repair: tuple[str, ...]
):
    """A connection with it is no recovery: it has to take a command that may write.  Nobody has to commit for that."""
    await ask(*harm)
    for number in (1, 2):
        with pytest.raises(StoreUnavailable):
            await tested.commit(report(number), ALICE, count())
    await _until_failed(tested, times=5)
    assert [notice is None for notice in notices] == [False]
    await ask(*repair)
    await _until(lambda: len(notices) > 1)
    assert notices[1:] == [None]


async def test_without_the_replicas_that_were_asked_for_nothing_is_called_recovered(
    server: EmbeddedServer, keys: Keyspace, notices: list[str | None]
):
    """Each attempt connects well and fails in the wait: that is one failure, and no recovery."""
    tested = RedisStore(
        connections(server.url),
        {"main": keys},
        durability("replica", pytest.fail, TimeBudget(0.1)),
        notice=notices.append,
    )
    await tested.start()
    for number in (1, 2):
        with pytest.raises(StoreUnavailable):
            await tested.commit(report(number), ALICE, count())
    await _until_failed(tested, times=4)
    assert [notice is None for notice in notices] == [False]
    await tested.close()


async def test_a_key_of_the_wrong_type_leaves_neither_state_nor_memory_of_the_report(
    tested: RedisStore, ask: Ask, keys: Keyspace
):
    """Somebody's mistake by hand costs a 451 until it is mended, not a bounce."""
    await ask("SET", keys.history(ALICE), "by mistake")
    with pytest.raises(StoreUnavailable):
        await tested.commit(report(), ALICE, count())
    await ask("DEL", keys.history(ALICE))
    await _until_back(tested)
    assert not (await tested.commit(report(), ALICE, count())).duplicate
    assert (await tested.load("main", ALICE)).version == 1


async def test_one_wait_for_the_disk_and_few_calls_cover_a_whole_batch(tested: RedisStore, ask: Ask):
    """Group commit: what queues up during one flush goes out with the next."""
    await ask("CONFIG", "RESETSTAT")
    await asyncio.gather(*(tested.commit(report(path=f"{n}"), f"{n}@example.org", count()) for n in range(50)))
    stats = await ask("INFO", "commandstats")
    assert stats["cmdstat_evalsha"]["calls"] <= 4
    assert stats["cmdstat_waitaof"]["calls"] <= 3


async def test_a_wait_that_reaches_too_few_copies_is_no_commit(server: EmbeddedServer, keys: Keyspace):
    """The number returned is what counts, not that an answer came.  (docs/traps.md, 17)"""

    class TooFew(Memory):
        def commands(self) -> list[bytes]:
            return [pack("WAIT", 0, 1)]

        def check(self, replies: list[Reply]) -> None:
            raise NotDurable(f"WAIT answered {replies!r}")

    tested = RedisStore(connections(server.url), {"main": keys}, TooFew)
    await tested.start()
    with pytest.raises(StoreUnavailable, match="WAIT answered"):
        await tested.commit(report(), ALICE, count())
    await tested.close()


async def test_a_replica_that_is_not_there_is_no_commit(server: EmbeddedServer, keys: Keyspace):
    """Without any replica ``replica`` acknowledges nothing.  (docs/traps.md, 20)"""
    tested = RedisStore(connections(server.url), {"main": keys}, durability("replica", pytest.fail, TimeBudget(0.1)))
    await tested.start()
    with pytest.raises(StoreUnavailable, match="WAIT 1 answered 0"):
        await tested.commit(report(), ALICE, count())
    await tested.close()


@pytest.mark.parametrize(("setting", "value"), [("appendfsync", "everysec"), ("appendonly", "no")])
async def test_fsync_on_a_server_that_does_not_is_refused_at_start(
    server: EmbeddedServer, ask: Ask, keys: Keyspace, setting: str, value: str
):
    """A promise that cannot be kept is not made.  (docs/traps.md, 18)"""
    await ask("CONFIG", "SET", setting, value)
    refused = RedisStore(connections(server.url), {"main": keys}, durability("fsync", pytest.fail))
    with pytest.raises(Misconfigured, match=f"{setting} {value}"):
        await refused.start()
    await refused.close()


async def test_a_server_that_hides_its_settings_is_warned_about_once(server: EmbeddedServer, ask: Ask, keys: Keyspace):
    """A managed Redis may forbid CONFIG GET; whoever runs it has to know what it does."""
    await ask("ACL", "SETUSER", "shy", "on", ">secret", "~*", "+@all", "-config")
    warnings: list[str] = []
    tested = RedisStore(
        connections(server.url.replace("unix://", "unix://shy:secret@")),
        {"main": keys},
        durability("fsync", warnings.append),
    )
    await tested.start()
    await tested.commit(report(1), ALICE, count())
    await ask("CLIENT", "KILL", "USER", "shy")
    await tested.commit(report(2), ALICE, count())
    await tested.close()
    assert len(warnings) == 1
    assert "CONFIG GET is not allowed" in warnings[0]


async def test_a_fault_of_ours_costs_one_batch(server: EmbeddedServer, keys: Keyspace):
    """Whatever nobody thought of: 451, and the next commit finds a new connection."""
    faults = [RuntimeError("nobody thought of this")]

    class Faulty(Memory):
        def check(self, replies: list[Reply]) -> None:
            if faults:
                raise faults.pop()

    tested = RedisStore(connections(server.url), {"main": keys}, Faulty)
    await tested.start()
    with pytest.raises(StoreUnavailable):
        await tested.commit(report(), ALICE, count())
    assert (await tested.commit(report(), ALICE, count())).duplicate
    await tested.close()


async def test_a_fault_of_ours_in_the_line_is_told_counted_and_overcome(
    server: EmbeddedServer, keys: Keyspace, monkeypatch: pytest.MonkeyPatch
):
    """As an event of ours with its traceback; one that stays is told a few times, and commits work when it has gone."""
    monkeypatch.setattr(line, "LAST_PAUSE_AFTER_FAULT_S", 0.1)
    faulty, counted = True, []

    class Faulty(Memory):
        def check(self, replies: list[Reply]) -> None:
            if faulty:
                raise AttributeError("a library lacks what we use")

    class Counting(Unobserved):
        def failed(self) -> None:
            counted.append(True)

    tested = RedisStore(connections(server.url), {"main": keys}, Faulty, observer=Counting())
    await tested.start()
    refused = 0
    with capture_logs() as logged:
        async with asyncio.timeout(10):
            while len(counted) < 4:
                with pytest.raises(StoreUnavailable, match="a library lacks what we use"):
                    await tested.commit(report(), ALICE, count())
                refused += 1
                await asyncio.sleep(0.001)
    told = [entry for entry in logged if entry["event"] == "line.failed"]
    assert len(told) == len(counted)
    assert {entry["log_level"] for entry in told} == {"error"}
    assert refused > len(told)
    faulty = False
    async with asyncio.timeout(10):
        while not await _committed(tested):  # noqa: ASYNC110 - the line tells nobody
            await asyncio.sleep(0.01)
    await tested.close()


async def _committed(tested: RedisStore) -> bool:
    try:
        await tested.commit(report(), ALICE, count())
    except StoreUnavailable:
        return False
    return True


async def test_a_store_that_was_closed_refuses(tested: RedisStore):
    """Who comes after the drain comes again elsewhere."""
    await tested.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await tested.commit(report(), ALICE, count())


async def test_an_address_that_others_never_leave_alone_is_given_up(
    tested: RedisStore, server: EmbeddedServer, keys: Keyspace
):
    """The loop of compare-and-set has an end: so many decisions, or the deadline."""
    with redis.Redis.from_url(server.url) as other:

        def decide(state: AddressState) -> Transition:
            other.hincrby(keys.address(ALICE), "version", 1)
            return count()(state)

        with pytest.raises(StoreUnavailable, match=r"times in a row|no answer in time"):
            await tested.commit(report(), ALICE, decide)


async def _pid(ask: Ask) -> int:
    return int((await ask("INFO", "server"))["process_id"])


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def _until_back(tested: RedisStore) -> None:
    (line,) = tested._commits._lines.values()
    await _until(lambda: line._trouble is None)


async def _until_failed(tested: RedisStore, times: int) -> None:
    (line,) = tested._commits._lines.values()
    await _until(lambda: line._failures >= times)


async def _until_served(server: EmbeddedServer, other_than: int) -> None:
    """Wait until another server process answers in the place of a killed one."""
    async with asyncio.timeout(10):
        while True:
            if await server._answers() and await _pid_over(server) != other_than:
                return
            await asyncio.sleep(0.01)


async def _pid_over(server: EmbeddedServer) -> int:
    async with Redis.from_url(server.url, protocol=2) as client:
        return int((await client.info("server"))["process_id"])
