"""One number, ``redis.timeout_s``, sets every time of a commit."""

from pathlib import Path
from typing import Any

import pytest
from annotated_types import Ge, Le
from hypothesis import given
from hypothesis import strategies as st

from bounced.config import load
from bounced.config.model import Redis
from bounced.edges.redis import durability
from bounced.edges.redis.connect import Cluster, Options, SentinelGroup, Standalone, connections
from bounced.edges.redis.time_budget import DEFAULT_BUDGET, TimeBudget
from bounced.edges.redis.wire import pack
from bounced.service import Worker
from tests.support.daemon import Daemon

FIELD = Redis.model_fields["timeout_s"]
(LEAST,) = (rule.ge for rule in FIELD.metadata if isinstance(rule, Ge))
(MOST,) = (rule.le for rule in FIELD.metadata if isinstance(rule, Le))
BUDGET = TimeBudget(8.0)


@given(st.floats(float(str(LEAST)), float(str(MOST))))
def test_each_step_ends_before_the_one_around_it(timeout_s: float) -> None:
    """Over the whole range that the configuration allows: connect < wait < flush < door < store < stuck."""
    budget = TimeBudget(timeout_s)
    steps = [budget.connect_s, budget.wait_ms / 1000, budget.flush_s, budget.door_s, budget.store_s, budget.stuck_s]
    assert steps == sorted(set(steps))
    assert 3 * budget.ask_s < budget.connect_s
    assert budget.wait_ms > 0, "to Redis, 0 is for ever"


def test_the_default_is_that_of_the_configuration() -> None:
    """What is built without a configuration waits as long as with one that says nothing."""
    assert FIELD.default == DEFAULT_BUDGET.timeout_s


@pytest.mark.parametrize("url", ["redis://a:1", "redis+sentinel://a:1,b:2/group", "redis+cluster://a:1,b:2"])
def test_connections_are_opened_within_the_budget(url: str) -> None:
    """Those with the servers, and those to ask where the primary is."""
    match connections(url, BUDGET):
        case Standalone(options):
            several: tuple[Options, ...] = (options,)
        case SentinelGroup(_, sentinels, primary, ask_s):
            several = (*sentinels, primary)
            assert ask_s == BUDGET.ask_s
        case Cluster(several, ask_s):
            assert ask_s == BUDGET.ask_s
    assert {options.arguments["socket_connect_timeout"] for options in several} == {BUDGET.connect_s}


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        ("fsync", pack("WAITAOF", 1, 0, 6000)),
        ("replica", pack("WAIT", 1, 6000)),
        ("replica:2", pack("WAIT", 2, 6000)),
    ],
)
def test_the_server_is_asked_to_wait_within_the_budget(setting: str, command: bytes) -> None:
    """WAIT and WAITAOF end before the batch is given up."""
    assert durability(setting, pytest.fail, BUDGET)().commands()[-1] == command


async def test_what_the_configuration_says_reaches_every_step(redis_url: str, key_prefix: str, tmp_path: Path) -> None:
    """Both lines of the store, the connections, the wait for durability, the door, and what counts as stuck."""
    file = Daemon(tmp_path, url=redis_url, prefix=key_prefix).config_file
    file.write_text(file.read_text().replace("[redis]\n", '[redis]\ntimeout_s = 8.0\ndurability = "fsync"\n'))
    async with Worker.running(load(file), {}) as worker:
        store: Any = worker.store
        commits, reads = (lines.to(store.keyspace("main").events) for lines in (store._commits, store._reads))
        assert (commits._budget, reads._budget, store._store_s) == (BUDGET, BUDGET, BUDGET.store_s)
        assert commits._durability.wait_ms == BUDGET.wait_ms
        options = commits._connect.func.__self__.options
        assert options.arguments["socket_connect_timeout"] == BUDGET.connect_s
        assert worker.gate.limits.processing_s == BUDGET.door_s
        assert worker.stuck_s == BUDGET.stuck_s
