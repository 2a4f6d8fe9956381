"""What somebody else wrote into Redis stops no command."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from redis import Redis

from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import hour

from .conftest import Call

ALICE = "alice@example.org"
RUBBISH = ("NaN", "\u202e", "\x1b[31m", "[" * 5000, "null", '{"at":1}', '{"at":"then"}', "")


@pytest.fixture
def server(redis_url: str) -> Iterator[Redis]:
    """Return the server itself."""
    with Redis.from_url(redis_url) as client:
        yield client


def test_stats_and_top_pass_over_counters_that_are_none_of_ours(call: Call, server: Redis, key_prefix: str) -> None:
    """What else was counted is shown."""
    counts = Keyspace(key_prefix).counts(hour(datetime.now(UTC)))
    for rubbish in RUBBISH:
        for kind in ("category:", "transition:", "transition:active:", "kind:", "domain:", "rate:", ""):
            server.hset(counts, f"{kind}{rubbish}", "5")
    server.hset(counts, mapping={"category:mailbox_full": "7", "transition:active:held": "3"})
    for words in (("stats",), ("stats", "--json"), ("top",), ("top", "--json")):
        done = call(*words)
        assert (done.exit_code, done.exception) == (0, None)
    told = call("stats").stdout
    assert "mailbox_full\tsoft\t7\n" in told
    assert "active\theld\t3\n" in told


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_a_history_that_is_none_of_ours_is_passed_over(
    call: Call, server: Redis, key_prefix: str, rubbish: str
) -> None:
    """The state and the other events are told."""
    call("suppress", ALICE)
    server.lpush(Keyspace(key_prefix).history(ALICE), rubbish)
    done = call("lookup", ALICE)
    assert done.exit_code == 0
    assert "suppressed, must not be mailed" in done.stdout
    assert "an operator suppressed it" in done.stdout


@pytest.mark.parametrize("field", ["state", "until", "category"])
def test_a_state_that_nobody_can_read_is_said_and_can_be_erased(
    call: Call, server: Redis, key_prefix: str, field: str
) -> None:
    """No command takes it for one that may be mailed, and an operator has a way out."""
    call("suppress", ALICE)
    server.hset(Keyspace(key_prefix).address(ALICE), field, "NaN\x1b")
    for command in ("lookup", "release", "suppress"):
        done = call(command, ALICE)
        assert (done.exit_code, done.stdout) == (3, "")
        assert "no state" in done.stderr
        assert "\x1b" not in done.stderr
    assert call("erase", ALICE).exit_code == 0
    assert call("release", ALICE).exit_code == 1
    assert call("lookup", ALICE).exit_code == 1
