"""Workers that come to one address at the same moment do as if they had come one after another."""

import asyncio
import itertools
import uuid
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import from_fields, to_fields
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import NOTHING_KNOWN, AddressState, Evidence, ReportId
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections

from .test_policy import evidence, lives

ALICE = "alice@example.org"
WORKERS = 4


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lives, at_once=st.lists(evidence, min_size=WORKERS, max_size=WORKERS))
async def test_any_interleaving_of_four_workers_equals_some_serial_order(
    redis_url: str, life: list[Evidence], at_once: list[Evidence]
) -> None:
    """Whatever the address has lived through, and whoever was first."""
    keys = {"main": Keyspace(f"test-{uuid.uuid4().hex[:12]}", "main")}
    stores = [RedisStore(connections(redis_url), keys, durability("memory", pytest.fail)) for _ in range(WORKERS)]
    await asyncio.gather(*(store.start() for store in stores))
    try:
        for number, step in enumerate(life):
            await _commit(stores[0], f"{number}", step)
        before = await stores[0].load("main", ALICE)
        await asyncio.gather(
            *(_commit(store, f"at once {n}", step) for n, (store, step) in enumerate(zip(stores, at_once, strict=True)))
        )
        after = await stores[0].load("main", ALICE)
    finally:
        await asyncio.gather(*(store.close() for store in stores))
    assert _comparable(after) in [_comparable(_serially(before, order)) for order in itertools.permutations(at_once)]


async def _commit(store: RedisStore, path: str, step: Evidence) -> None:
    await store.commit(ReportId("main", path, path), ALICE, partial(decide, evidence=step, policy=DEFAULT_POLICY))


def _serially(state: AddressState, steps: tuple[Evidence, ...]) -> AddressState:
    for step in steps:
        transition = decide(state, step, DEFAULT_POLICY)
        if transition.changed:
            state = replace(transition.after, version=state.version + 1)
    return state


def _comparable(state: AddressState) -> AddressState:
    """Return the state as it would be read back, whatever its version."""
    fields = to_fields(state)
    known = replace(from_fields(fields), version=0)
    return NOTHING_KNOWN if fields.keys() <= {"version"} else known
