"""Commands that ask for much ask in pages, whose size does not grow with what there is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result
from redis import Redis

from bounced.core.contract.times import hour
from bounced.edges.redis.event_streams import EVENTS_AT_ONCE

from .conftest import Call

EVENTS = 12_000
COUNTERS = 1_500
"""In each hour: 70 kB of names."""

PAGES_ONLY = "normal 1mb 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60"
"""How much of its answers a client may leave unread: the server ends the connection beyond."""

ADD_EVENTS = """
for number = 1, tonumber(ARGV[1]) do
  redis.call('XADD', KEYS[1], string.format('%d-1', number), 'type', number % 2 == 0 and 'report' or 'transition',
    'id', number, 'address', string.format('user%d@example.org', number % 1000), 'diagnostic', string.rep('x', 200))
end
"""
ADD_COUNTERS = """
for _, key in ipairs(KEYS) do
  for number = 1, tonumber(ARGV[1]) do
    redis.call('HSET', key, string.format('domain:example%d.org:mailbox_full', number), 1)
  end
end
"""


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """Return a server that has room for pages only."""
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        (before,) = redis.config_get("client-output-buffer-limit").values()
        redis.config_set("client-output-buffer-limit", PAGES_ONLY)
        yield redis
        redis.config_set("client-output-buffer-limit", before)


@pytest.fixture
def stream(redis: Redis, key_prefix: str) -> str:
    """Return the name of a long stream of events, numbered from 1."""
    name = f"{key_prefix}:{{main}}:events"
    redis.eval(ADD_EVENTS, 1, name, EVENTS)
    return name


def numbers(done: Result) -> list[int]:
    """Return the numbers of the events that were shown."""
    assert done.exit_code == 0, done.output
    return [int(json.loads(line)["id"]) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("limit", [1, EVENTS_AT_ONCE, EVENTS_AT_ONCE + 1, EVENTS - 1, EVENTS, 100_000])
def test_the_last_events_are_shown_however_many_are_asked_for(stream: str, call: Call, limit: int) -> None:
    """Each once, the newest at the end."""
    expected = range(max(1, EVENTS - limit + 1), EVENTS + 1)
    assert numbers(call("events", "--limit", str(limit), "--json")) == list(expected)


def test_filters_choose_among_the_last_events_of_all_pages(stream: str, call: Call) -> None:
    """By address and by type, in the example of --help."""
    asked = ("events", "--limit", "100000", "--json", "--address", "user7@example.org")
    assert numbers(call(*asked)) == list(range(7, EVENTS, 1000))
    assert numbers(call(*asked, "--type", "transition")) == list(range(7, EVENTS, 1000))
    assert numbers(call(*asked, "--type", "report")) == []


def test_a_list_without_events_shows_none(redis: Redis, call: Call) -> None:
    """Nor does it look for a first one for ever."""
    assert numbers(call("events", "--limit", "100000", "--json")) == []


@pytest.mark.parametrize("command", [("stats", "--json"), ("top",)], ids=["stats", "top"])
def test_counters_of_many_busy_hours_are_read_some_hours_at_a_time(
    redis: Redis, call: Call, key_prefix: str, command: tuple[str, ...]
) -> None:
    """All of them at once would be more than a connection holds, and than is read in time."""
    now = datetime.now(UTC)
    keys = [f"{key_prefix}:{{main}}:counts:{hour(now - timedelta(hours=back))}" for back in range(60)]
    redis.eval(ADD_COUNTERS, len(keys), *keys, COUNTERS)
    done = call(*command, "--hours", "60")
    assert done.exit_code == 0, done.output
    assert "example1.org" in done.stdout
