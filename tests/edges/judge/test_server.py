"""What doctor says of a Redis server."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from redis.exceptions import RedisError

from bounced.edges.judge.finding import Finding, Outcome
from bounced.edges.judge.server import Replica, ServerFacts, ask_server, judge
from bounced.edges.redis.connect import connections

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GOOD, HANGING = Replica(online=True, lag_s=1), Replica(online=True, lag_s=20)
SETTINGS = MappingProxyType(
    {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "hash-max-listpack-value": "512",
    }
)


def _server(**changes: Any) -> ServerFacts:
    good: dict[str, Any] = {
        "name": "Redis",
        "version": (7, 2, 4),
        "role": "master",
        "used_bytes": 1,
        "limit_bytes": 0,
        "settings": SETTINGS,
        "clock": NOW,
    }
    return ServerFacts(**(good | changes))


def _worst(server: ServerFacts, durability: str = "fsync") -> Finding:
    order = (Outcome.OK, Outcome.SKIPPED, Outcome.WARNING, Outcome.ERROR)
    return max(judge(server, durability, NOW), key=lambda finding: order.index(finding.outcome))


def test_a_good_server_gives_no_reason_to_complain() -> None:
    """Everything is examined, and everything is well."""
    findings = list(judge(_server(), "fsync", NOW))
    assert {finding.outcome for finding in findings} == {Outcome.OK}
    assert len(findings) == 7


@pytest.mark.parametrize(
    ("changes", "durability", "subject", "outcome"),
    [
        ({"version": (6, 2, 0)}, "memory", "Redis version", Outcome.ERROR),
        ({"version": (7, 0, 15)}, "memory", "Redis version", Outcome.WARNING),
        ({"version": (7, 0, 15)}, "fsync", "Redis version", Outcome.ERROR),
        ({"role": "slave"}, "memory", "Redis role", Outcome.ERROR),
        ({"clock": NOW - timedelta(seconds=5)}, "memory", "clock", Outcome.WARNING),
        ({"clock": NOW + timedelta(minutes=5)}, "memory", "clock", Outcome.ERROR),
        ({"used_bytes": 95, "limit_bytes": 100}, "memory", "Redis memory", Outcome.WARNING),
        ({"used_bytes": 100, "limit_bytes": 100}, "memory", "Redis memory", Outcome.ERROR),
        ({}, "replica", "Redis replicas", Outcome.ERROR),
        ({"replicas": (Replica(online=False, lag_s=0),)}, "replica", "Redis replicas", Outcome.ERROR),
        ({"replicas": (GOOD, HANGING)}, "replica", "Redis replicas", Outcome.ERROR),
        ({"replicas": (GOOD, HANGING)}, "replica:1", "", Outcome.OK),
        ({"replicas": (GOOD,)}, "replica:2", "Redis replicas", Outcome.ERROR),
        ({"settings": None}, "memory", "Redis settings", Outcome.SKIPPED),
    ],
)
def test_what_is_wrong_with_a_server_is_said(
    changes: dict[str, Any], durability: str, subject: str, outcome: Outcome
) -> None:
    """The worst finding is about what was changed, and comes with advice."""
    worst = _worst(_server(**changes), durability)
    assert worst.outcome is outcome
    assert outcome is Outcome.OK or (worst.subject == subject and worst.advice)


@pytest.mark.parametrize(
    ("settings", "durability", "subject", "outcome"),
    [
        ({"maxmemory-policy": "allkeys-lru"}, "fsync", "Redis eviction", Outcome.ERROR),
        ({"maxmemory-policy": "volatile-ttl"}, "fsync", "Redis eviction", Outcome.ERROR),
        ({"appendfsync": "everysec"}, "fsync", "Redis persistence", Outcome.ERROR),
        ({"appendonly": "no"}, "memory", "Redis persistence", Outcome.ERROR),
        ({"appendonly": "no", "save": "3600 1"}, "memory", "Redis persistence", Outcome.WARNING),
        ({"hash-max-listpack-value": "64"}, "memory", "Redis hashes", Outcome.WARNING),
    ],
)
def test_settings_that_forget_are_said(
    settings: Mapping[str, str], durability: str, subject: str, outcome: Outcome
) -> None:
    """A server that evicts, or that does not keep what durability promises, is an error."""
    worst = _worst(_server(settings={**SETTINGS, **settings}), durability)
    assert (worst.subject, worst.outcome) == (subject, outcome)
    assert worst.advice


def test_everysec_is_enough_for_memory() -> None:
    """What nobody asked for is no reason to complain."""
    server = _server(settings={**SETTINGS, "appendfsync": "everysec"})
    assert _worst(server, "memory").outcome is Outcome.OK


async def test_a_real_server_says_all_that_is_asked(redis_url: str) -> None:
    """The embedded server is as doctor wants it for the highest durability."""
    connection = await connections(redis_url).open(0)
    try:
        server = await ask_server(connection)
    finally:
        await connection.disconnect(nowait=True)
    assert {finding.outcome for finding in judge(server, "fsync", datetime.now(UTC))} == {Outcome.OK}


async def test_no_server_is_an_error_of_the_client(tmp_path: object) -> None:
    """Nobody behind a socket: the caller learns it as RedisError."""
    with pytest.raises(RedisError):
        await connections(f"unix://{tmp_path}/none").open(0)
