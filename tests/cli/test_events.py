"""``bounced events`` looks through all that is kept, and says what each event is about."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from redis import Redis

from bounced.core.contract.event_types import TYPES
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.event_streams import EVENTS_AT_ONCE

from .conftest import MAIN, Call

NEWS = """
[lists.news]
domains = ["news.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""
HOUR_MS = 3_600_000
CONTRACT = Path(__file__).parents[2] / "docs" / "contract.md"


@pytest.fixture
def server(redis_url: str) -> Redis:
    """Return the server of the list."""
    return Redis.from_url(redis_url, decode_responses=True)


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the keys of the list."""
    return Keyspace(key_prefix, "main")


def write(server: Redis, key: str, hours_ago: float, **fields: str) -> None:
    """Let an event have been written some hours ago; the older ones first."""
    entry: dict[Any, Any] = {"type": "report", "address": "alice@example.org", "at": "2026-03-02T12:00:00Z", **fields}
    server.xadd(key, entry, id=f"{int(time.time() * 1000) - int(hours_ago * HOUR_MS)}-*")


def ids(done: Result) -> list[str]:
    """Return the ids of the events that were shown as JSON."""
    assert done.exit_code == 0, done.output
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("filter_", [("--address", "Alice@example.org"), ("--type", "alarm"), ("--since", "3d")])
def test_a_filter_looks_through_everything_that_is_kept(
    call: Call, server: Redis, keys: Keyspace, filter_: tuple[str, str]
) -> None:
    """Not through the newest twenty, nor through one page of the stream."""
    write(server, keys.events, 50, type="alarm", id="oldest")
    with server.pipeline(transaction=False) as pipe:
        for number in range(EVENTS_AT_ONCE + 1):
            pipe.xadd(keys.events, {"type": "report", "id": str(number), "address": f"user{number}@example.org"})
        pipe.execute()
    found = ids(call("events", "--json", *filter_))
    assert found[0] == "oldest"
    assert len(found) == (EVENTS_AT_ONCE + 2 if filter_[0] == "--since" else 1)


def test_since_and_until_are_when_an_event_was_written(call: Call, server: Redis, keys: Keyspace) -> None:
    """Of both streams, in their order; the end is not part of it."""
    for hours_ago, key in ((30, keys.events), (5, keys.bulk), (4, keys.events), (3, keys.bulk), (1, keys.events)):
        write(server, key, hours_ago, id=str(hours_ago))
    assert ids(call("events", "--json", "--since", "6h", "--until", "2h")) == ["5", "4", "3"]
    assert ids(call("events", "--json", "--until", "2h")) == ["30", "5", "4", "3"]
    assert ids(call("events", "--json", "--since", "6h", "--limit", "2")) == ["3", "1"]
    assert ids(call("events", "--json", "--address", "alice@example.org", "--limit", "2")) == ["3", "1"]
    assert ids(call("events", "--json", "--address", "bob@example.org", "--since", "3d")) == []


def test_who_changed_something_is_answered_by_its_time(call: Call) -> None:
    """Each event says who did it."""
    call("suppress", "alice@example.org", "--reason", "asked", "--as", "olivia")
    told = call("events", "--type", "suppress", "--since", "1h").stdout
    assert re.search(r"alice@example\.org  an operator suppressed it.*; by olivia", told)


@pytest.mark.parametrize(("type_", "meant"), [("transitoin", "transition"), ("mail_while_suppressed", "mailed_while_")])
def test_a_misspelt_type_is_refused_with_the_nearest(call: Call, type_: str, meant: str) -> None:
    """It would find nothing, which looks like an answer."""
    done = call("events", "--type", type_)
    assert done.exit_code == 2
    assert f"did you mean {meant}" in done.stderr


def test_the_types_are_those_of_the_contract() -> None:
    """The page has a row for each, and no other."""
    table = CONTRACT.read_text().partition("| `type` | what happened |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == set(TYPES)


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        ({"type": "alarm", "scope": "campaign:spring", "level": "warn"}, "campaign:spring"),
        ({"type": "domain.disputed", "domain": "example.net"}, "example.net"),
        ({"type": "provider.disputed", "provider": "google"}, "google"),
        ({"type": "addresses.released", "addresses": "7"}, "the list"),
        ({"type": "redis.accepted"}, "redis"),
        ({"type": "report", "kind": "complaint"}, "nobody"),
    ],
)
def test_each_line_says_what_it_is_about(
    call: Call, server: Redis, keys: Keyspace, fields: dict[str, str], about: str
) -> None:
    """Where there is no address, too."""
    entry: dict[Any, Any] = {"at": "2026-03-02T12:00:00Z", **fields}
    server.xadd(keys.events, entry)
    assert call("events").stdout.startswith(f"2026-03-02 12:00:00  {about}  ")


class TestTwoLists:
    """A configuration with two lists."""

    @pytest.fixture
    def lists(self) -> str:
        """Return both."""
        return MAIN + NEWS

    def test_each_line_names_the_list(self, call: Call) -> None:
        """As JSON has it always."""
        call("suppress", "alice@example.org", "--reason", "asked", "--list", "news")
        assert "  news  alice@example.org  " in call("events", "--list", "news").stdout
        assert json.loads(call("events", "--list", "news", "--json").stdout.splitlines()[0])["list"] == "news"

    @pytest.mark.parametrize("options", [(), ("--since", "3d"), ("--address", "alice@example.org"), ("--limit", "3")])
    def test_the_events_of_all_lists_stand_in_one_order(
        self, call: Call, server: Redis, key_prefix: str, options: tuple[str, ...]
    ) -> None:
        """Each says its list; the newest of all are shown where there is a limit."""
        main, news = Keyspace(key_prefix, "main"), Keyspace(key_prefix, "news")
        for hours_ago, keys in ((5, main), (4, news), (3, main), (2, news)):
            write(server, keys.events, hours_ago, id=str(hours_ago))
        done = call("events", "--json", *options)
        told = [(each["list"], each["id"]) for each in map(json.loads, done.stdout.splitlines())]
        expected = [("main", "5"), ("news", "4"), ("main", "3"), ("news", "2")]
        assert told == (expected[1:] if "--limit" in options else expected)
        assert ids(call("events", "--json", "--list", "news", *options)) == ["4", "2"]


def test_following_has_no_end(call: Call) -> None:
    """--until says one."""
    done = call("events", "--follow", "--until", "1h")
    assert (done.exit_code, "contradict" in done.stderr) == (2, True)
