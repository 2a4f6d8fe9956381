"""What a later version wrote into Redis stops neither a command nor a sender of this one."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from bounced.cli.root import bounced
from bounced.client import Client
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import hour
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import NOTHING_KNOWN
from bounced.core.terms import Kind
from bounced.simulation.recorded import evidence_in

CONFIG = """
[redis]
url = "{url}"
prefix = "{prefix}"
durability = "fsync"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""
ALICE, BOB = "alice@example.org", "bob@example.org"
AT = "2026-02-01T00:00:00Z"
LATER = {"category": "mailbox_abandoned", "class": "stale", "since": AT, "origin": "hook", "version": "3"}
EVENT = {"type": "report", "id": "1", "at": AT, "address": ALICE, "kind": "silence", "action": "sighed", **LATER}

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, redis_url: str, key_prefix: str) -> Call:
    """Return what runs a command upon a list in which a later version has worked."""
    key = tmp_path / "a.key"
    key.write_text("a secret for tests only, long enough")
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)
    config = tmp_path / "bounced.toml"
    config.write_text(CONFIG.format(url=redis_url, prefix=key_prefix))
    keys = Keyspace(key_prefix)
    event = {name: value for name, value in EVENT.items() if name != "version"}
    with Redis.from_url(redis_url) as redis:
        for address, state in ((ALICE, "suppressed"), (BOB, "quarantined")):
            redis.hset(keys.address(address), mapping={"state": state, **LATER})
            redis.lpush(keys.history(address), json.dumps({**event, "address": address, "after": state}))
            redis.sadd(keys.suppressed, address)
        told: Any = event
        redis.xadd(keys.events, told)
        counters: Any = {"category:mailbox_abandoned": 7, "transition:active:quarantined": 2, "kind:silence": 1}
        redis.hset(keys.counts(hour(datetime.now(UTC))), mapping=counters)
    return lambda *words: CliRunner().invoke(bounced, [*words, "--config", str(config)])


def test_a_sender_asks_why(call: Call, redis_url: str, key_prefix: str) -> None:
    """The words are told as they stand, and nobody in a state that nobody knows counts as one to be mailed."""
    with Client(Redis.from_url(redis_url), keys=Keyspace(key_prefix)) as client:
        for address, state in ((ALICE, "suppressed"), (BOB, "quarantined")):
            why = client.why(address)
            assert (why.state.state, why.category, why.suppressed) == (state, "mailbox_abandoned", True)
            assert why.history[0].after == state
            assert not client.may_send(address)
        assert client.may_send(ALICE, "confirmation")
        assert not client.may_send(BOB, "confirmation")


def test_lookup_tells_the_words(call: Call) -> None:
    """And that the address must not be mailed."""
    done = call("lookup", BOB)
    assert (done.exit_code, done.exception) == (0, None)
    assert "quarantined, must not be mailed" in done.stdout
    assert "mailbox_abandoned (stale)" in done.stdout
    known = json.loads(call("lookup", ALICE, "--json").stdout)
    assert {name: known[name] for name in LATER} == LATER


def test_stats_counts_them(call: Call) -> None:
    """A category that nobody knows has no known class."""
    told = call("stats")
    assert (told.exit_code, told.exception) == (0, None)
    assert "mailbox_abandoned\tundetermined\t7\n" in told.stdout
    assert "active\tquarantined\t2\n" in told.stdout


def test_export_has_the_addresses_with_their_words(call: Call) -> None:
    """None is left out for a word."""
    rows = {row["address"]: row for row in map(json.loads, call("export", "--json").stdout.splitlines())}
    assert {address: row["state"] for address, row in rows.items()} == {ALICE: "suppressed", BOB: "quarantined"}
    assert {row["category"] for row in rows.values()} == {"mailbox_abandoned"}


@pytest.mark.parametrize("words", [("events",), ("events", "--json"), ("top",), ("reclassify",)])
def test_no_other_command_stops(call: Call, words: tuple[str, ...]) -> None:
    """Whatever it does with what it does not know."""
    done = call(*words)
    assert (done.exit_code, done.exception) == (0, None)


def test_an_event_of_an_unknown_kind_is_simulated_as_mail_that_says_nothing() -> None:
    """What came then must not count as a failure now because nobody knows the word."""
    ((address, evidence),) = evidence_in([{**EVENT, "class": "hard"}])
    assert (address, evidence.kind, evidence.origin) == (ALICE, Kind.OTHER, "hook")
    assert decide(NOTHING_KNOWN, evidence, DEFAULT_POLICY).after == NOTHING_KNOWN


def test_a_release_lifts_even_a_state_that_nobody_knows(call: Call) -> None:
    """An operator's word is enough."""
    assert call("release", BOB).exit_code == 0
    assert "may be mailed" in call("lookup", BOB).stdout
