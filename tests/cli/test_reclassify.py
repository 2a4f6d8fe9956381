"""``bounced reclassify``, as from a shell, on an embedded server that holds yesterday's verdicts."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from redis import Redis

from bounced.cli.root import bounced
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import to_fields
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, Origin, State
from bounced.demo.scenes import Scene
from bounced.edges.redis.embedded import EmbeddedServer

CONFIG = """
[redis]
url = "embedded"
data_dir = "data"

[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "k", file = "key" }]
"""
KEYS = Keyspace()
AT = datetime.now(UTC).replace(microsecond=0)
BLOCKED = "550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org"
UNREADABLE = 4
"""Two states that nobody can read, one of them with a message, and a message for a key of another type."""
MISTAKEN = AddressState(
    State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, AT, diagnostic=BLOCKED, origin=Origin.SMTP, version=1
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a configuration, and data that older rules left there."""
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text("example secret, exactly 32 bytes\n")
    (tmp_path / "bounced.toml").write_text(CONFIG)
    asyncio.run(fill(tmp_path / "data"))
    return tmp_path


async def fill(data: Path) -> None:
    """Leave a wrong suppression, and a message that nobody understood."""
    async with EmbeddedServer(data) as server:
        with Redis.from_url(server.url) as redis:
            redis.hset(KEYS.address("alice@example.org"), mapping=to_fields(MISTAKEN))
            redis.sadd(KEYS.suppressed, "alice@example.org")
            for name, until in (("carol", "soon"), ("dave", "never")):
                rubbish: Any = {**to_fields(MISTAKEN), "until": until}
                redis.hset(KEYS.address(f"{name}@example.org"), mapping=rubbish)
                redis.sadd(KEYS.suppressed, f"{name}@example.org")
            redis.set(KEYS.address("erin@example.org"), "no hash at all")
            redis.sadd(KEYS.suppressed, "erin@example.org")
            for name in ("dave", "erin"):
                unread: Any = {
                    "type": "report",
                    "address": f"{name}@example.org",
                    "at": AT.isoformat(),
                    "origin": "smtp",
                }
                unread["content"] = Scene("unknown_user", f"{name}@example.org").content("b-x@bounce.example.com")
                redis.xadd(KEYS.unrecognised, unread)
            entry = {"address": "bob@example.org", "at": AT.isoformat(), "origin": "smtp", "category": "undetermined"}
            content = Scene("unknown_user", "bob@example.org").content("b-x@bounce.example.com")
            redis.xadd(KEYS.unrecognised, {"type": "report", **entry, "content": content})


def run(folder: Path, *words: str) -> list[dict[str, Any]]:
    """Run a command and return what it said in JSON."""
    result = CliRunner().invoke(bounced, [*words, "--json", "--config", str(folder / "bounced.toml")])
    return [json.loads(line) for line in result.stdout.splitlines()]


def states(folder: Path) -> dict[str, str]:
    """Return the states of both addresses."""
    return {name: run(folder, "lookup", f"{name}@example.org")[0]["state"] for name in ("alice", "bob")}


def test_what_would_change_is_shown_and_nothing_is_done(folder: Path) -> None:
    """One release, one failure that counts."""
    *changes, sums = run(folder, "reclassify")
    assert sums == {"released": 1, "counted": 1, "unreadable": UNREADABLE, "applied": False}
    assert [each["is"] for each in changes] == ["reputation_block", "mailbox_unknown"]
    told = [(each["address"], each["before"], each["after"]) for each in changes]
    assert told == [("alice@example.org", "suppressed", "active"), ("bob@example.org", "active", "suppressed")]
    assert states(folder) == {"alice": "suppressed", "bob": "active"}


def test_apply_does_it_once(folder: Path) -> None:
    """Afterwards there is nothing left to do, and the history says why."""
    assert run(folder, "reclassify", "--apply")[-1] == {
        "released": 1,
        "counted": 1,
        "unreadable": UNREADABLE,
        "applied": True,
    }
    assert states(folder) == {"alice": "active", "bob": "suppressed"}
    assert run(folder, "reclassify", "--apply") == [
        {"released": 0, "counted": 0, "unreadable": UNREADABLE, "applied": True}
    ]
    [history] = [each["history"] for each in run(folder, "lookup", "alice@example.org")]
    assert "reclassified: mailbox_unknown is reputation_block today" in str(history)


def test_a_state_that_nobody_can_read_stops_nothing_and_is_named(folder: Path) -> None:
    """The others are looked at; what is passed over is told, each time that it is met."""
    result = CliRunner().invoke(bounced, ["reclassify", "--config", str(folder / "bounced.toml")])
    assert result.exit_code == 0
    told = [line for line in result.stderr.splitlines() if "is passed over" in line]
    assert sorted(line.split()[1].partition("@")[0] for line in told) == ["carol", "dave", "dave", "erin"]
