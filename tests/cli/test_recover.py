"""``bounced recover``, and the same filters for ``release`` and ``export``, upon lists on a real server."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.selection import Selection
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Action, Category, Kind, Origin, Profile, Verdict
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.selected import AT_ONCE, Releaser, find
from bounced.ports import StoreUnavailable

from .conftest import MAIN, Call

NOW = datetime.now(UTC).replace(microsecond=0)
MORNING, NIGHT = NOW - timedelta(hours=3), NOW - timedelta(days=2)
UNKNOWN = Verdict(
    Category.MAILBOX_UNKNOWN, "mailbox.unknown-user", "diagnostic", Action.FAILED, "5.1.1", "550", diagnostic="550 gone"
)
BOUNCE = Evidence(EvidenceType.REPORT, MORNING, Origin.SMTP, Kind.BOUNCE, UNKNOWN, MORNING.date(), campaign="spring")
BY = partial(replace, BOUNCE)
SAID = partial(Evidence, at=NOW - timedelta(hours=1), origin=Origin.INTAKE)
WORLD: Mapping[str, tuple[Evidence, ...]] = {
    "alice@yahoo.com": (BOUNCE,),
    "bob@aol.com": (BY(profile=Profile.of("confirmed active")),),
    "carol@yahoo.com": (BY(at=NIGHT, sent_on=NIGHT.date()),),
    "dave@company.example": (BY(reporting_mta="mta6.am0.yahoodns.net", campaign="autumn"),),
    "erin@gmail.com": (BY(verdict=UNKNOWN._replace(rule="mailbox.unknown-in-table", diagnostic="550 No SUCH user")),),
    "frank@yahoo.com": (BOUNCE, SAID(EvidenceType.COMPLAINED)),
    "grace@yahoo.com": (BOUNCE, SAID(EvidenceType.UNSUBSCRIBED)),
    "heidi@yahoo.com": (SAID(EvidenceType.SUPPRESS, at=MORNING, origin=Origin.OPERATOR),),
}
"""What was said of each address, in its order."""

LISTS = f"""{MAIN}
[lists.hashed]
domains = ["hashed.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
address_form = "hmac"
pepper_file = "a.key"
"""


@dataclass(frozen=True)
class Bench:
    """The list of a test: who is on it, what was told."""

    redis: Redis
    keys: Keyspace
    url: str

    def listed(self) -> set[str]:
        """Return who must not be mailed."""
        return set(map(str, self.redis.smembers(self.keys.suppressed)))

    def stream(self, key: str) -> list[dict[str, str]]:
        """Return the entries of a stream."""
        entries: Any = self.redis.xrange(key)
        return [fields for _, fields in entries]

    @asynccontextmanager
    async def store(self) -> AsyncIterator[RedisStore]:
        """Give a store of this list."""
        store = RedisStore(connections(self.url), {"main": self.keys}, durability("memory", pytest.fail))
        await store.start()
        try:
            yield store
        finally:
            await store.close()

    async def say(self, store: RedisStore, address: str, *said: Evidence) -> None:
        """Let this be said of an address, one after the other."""
        for number, evidence in enumerate(said):
            report = ReportId("main", f"{address} {evidence.at}", f"{number}")
            await store.commit(report, address, partial(decide, evidence=evidence, policy=DEFAULT_POLICY))

    async def fill(self, world: Mapping[str, tuple[Evidence, ...]]) -> None:
        """Let all of it be said."""
        async with self.store() as store:
            await asyncio.gather(*(self.say(store, address, *said) for address, said in world.items()))


@pytest.fixture
def lists() -> str:
    """Return a list in plain, and one of keyed hashes."""
    return LISTS


@pytest.fixture
def bench(redis_url: str, key_prefix: str) -> Iterator[Bench]:
    """Return the list with what was said of its addresses."""
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        bench = Bench(redis, Keyspace(key_prefix), redis_url)
        asyncio.run(bench.fill(WORLD))
        yield bench


def told(call: Call, *words: str) -> dict[str, Any]:
    """Return what the command says as JSON."""
    answer: dict[str, Any] = json.loads(call(*words, "--list", "main", "--json").stdout)
    return answer


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ("--since {morning}", "alice bob dave erin"),
        ("--until {morning}", "carol"),
        ("--since {night} --until {morning}", "carol"),
        ("--domain yahoo.com", "alice carol"),
        ("--domain YAHOO.com --since {morning}", "alice"),
        ("--provider yahoo", "alice bob carol dave"),
        ("--provider google", "erin"),
        ("--category mailbox_unknown", "alice bob carol dave erin"),
        ("--category mailbox_full", ""),
        ("--campaign autumn", "dave"),
        ("--rule mailbox.unknown-in-table", "erin"),
        ("--rule mailbox.unknown-user --provider yahoo --since {morning}", "alice bob dave"),
        ("--match such", "erin"),
    ],
)
def test_each_filter_finds_what_it_says(call: Call, bench: Bench, filters: str, names: str) -> None:
    """All of them have to fit; held addresses are found too, and people's words never."""
    begun, before = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (MORNING, NIGHT))
    found = told(call, "recover", *filters.format(morning=begun, night=before).split(), "--dry-run")
    assert sorted(each["address"].partition("@")[0] for each in found["samples"]) == names.split()
    assert found["found"] == sum(found["categories"].values()) == len(names.split())
    assert len(bench.listed()) == len(WORLD)


def test_what_is_recovered_may_be_mailed_and_what_a_person_said_stays(call: Call, bench: Bench) -> None:
    """With why, and nothing else is touched; the second time there is nothing left to do."""
    words = ("recover", "--provider", "yahoo", "--yes", "--reason", "an outage", "--as", "lena")
    found = told(call, *words)
    assert found["released"] == 4
    assert found["stays"] == {"complaint": 1, "unsubscribed": 1, "operator": 1}
    assert bench.listed() == {"erin@gmail.com", "frank@yahoo.com", "grace@yahoo.com", "heidi@yahoo.com"}
    before = bench.redis.xlen(bench.keys.events)
    assert call(*words, "--list", "main").exit_code == 1
    assert bench.redis.xlen(bench.keys.events) == before
    story = json.loads(call("lookup", "alice@yahoo.com", "--list", "main", "--json").stdout)
    assert story["state"] == "active"
    assert story["history"][-1] | {"id": "", "at": ""} == {
        "type": "transition",
        "id": "",
        "at": "",
        "address": "alice@yahoo.com",
        "before": "suppressed",
        "after": "active",
        "reason": "released",
        "note": "an outage",
        "origin": "operator",
        "actor": "lena",
    }


def test_each_address_has_its_transition_in_bulk_and_the_main_stream_one_event(call: Call, bench: Bench) -> None:
    """Neither is lost in the other, and `events` shows both."""
    before = len(bench.stream(bench.keys.events))
    call("recover", "--since", "2026-01-01", "--yes", "--reason", "an outage", "--as", "lena", "--list", "main")
    entries = bench.stream(bench.keys.bulk)
    assert len(entries) == 5
    assert {entry["type"] for entry in entries} == {"transition"}
    (summary,) = bench.stream(bench.keys.events)[before:]
    assert summary.pop("at")
    assert summary == {
        "type": "addresses.recovered",
        "addresses": "5",
        "left_alone": "0",
        "note": "an outage",
        "filters": "since 2026-01-01T00:00:00Z",
        "origin": "operator",
        "actor": "lena",
    }
    shown = call("events", "--limit", "6", "--list", "main").stdout.splitlines()
    assert len(shown) == 6
    assert shown[-1].endswith('5 addresses were recovered (since 2026-01-01T00:00:00Z); by lena; "an outage"')


def test_an_import_is_no_failure_that_was_seen_and_release_takes_it_as_the_operator_says(
    call: Call, bench: Bench, tmp_path: Path
) -> None:
    """An incident of a provider says nothing of what another service knew."""
    (tmp_path / "list.txt").write_text("address\nivan@yahoo.com\n")
    call("import", str(tmp_path / "list.txt"), "--category", "mailbox_unknown", "--list", "main")
    assert told(call, "recover", "--provider", "yahoo", "--dry-run")["stays"]["imported"] == 1
    found = told(call, "release", "--provider", "yahoo", "--since", "2026-01-01", "--yes", "--reason", "old")
    assert found["released"] == 5
    assert "ivan@yahoo.com" not in bench.listed()
    assert {"frank@yahoo.com", "grace@yahoo.com", "heidi@yahoo.com"} <= bench.listed()


def test_an_export_can_be_of_what_is_chosen(call: Call, bench: Bench) -> None:
    """Of what people said too."""
    rows = call("export", "--list", "main", "--category", "complaint", "--json").stdout.splitlines()
    assert [json.loads(row)["address"] for row in rows] == ["frank@yahoo.com"]
    rows = call("export", "--list", "main", "--provider", "yahoo").stdout.splitlines()
    assert len(rows) == 1 + 7


def released_now(bench: Bench, between: Callable[[RedisStore], Any]) -> int:
    """Return how many are released of all that fits, where something happens after they were found."""
    selection, told = Selection(provider="yahoo"), list[bool]()

    async def run() -> None:
        async with bench.store() as store:
            found = await find(store, "main", selection, lambda _seen: None, imported_too=False)
            await between(store)
            said = Evidence(EvidenceType.RELEASE, NOW, Origin.OPERATOR, note="an outage", actor="lena", bulk=True)
            releaser = Releaser(store, DEFAULT_POLICY, "main", selection, said, imported_too=False)
            await releaser.release(found, told.append)

    asyncio.run(run())
    return sum(told)


def test_an_address_whose_owner_complains_meanwhile_is_left_alone(bench: Bench) -> None:
    """It was found before, and is asked again when it is released."""
    complaint = SAID(EvidenceType.COMPLAINED)
    assert released_now(bench, lambda store: bench.say(store, "alice@yahoo.com", complaint)) == 3
    assert "alice@yahoo.com" in bench.listed()


def test_an_address_that_changed_meanwhile_and_still_fits_is_released(bench: Bench) -> None:
    """One more failure of the same kind is no reason to keep it."""
    again = BY(at=NOW, sent_on=NOW.date())
    assert released_now(bench, lambda store: bench.say(store, "bob@aol.com", again)) == 4


def test_an_address_that_was_released_meanwhile_is_not_released_again(bench: Bench) -> None:
    """Two operators at once do no harm."""
    release = SAID(EvidenceType.RELEASE, origin=Origin.OPERATOR, at=NOW)
    assert released_now(bench, lambda store: bench.say(store, "alice@yahoo.com", release)) == 3
    assert len(bench.stream(bench.keys.bulk)) == 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a batch is cut off while it is sent
def test_what_was_broken_off_goes_on_where_it_was(call: Call, bench: Bench) -> None:
    """What was released stays so, each once; the rest is done the next time."""
    many = 4 * AT_ONCE
    asyncio.run(bench.fill({f"user{number}@yahoo.com": (BOUNCE,) for number in range(many)}))

    async def break_off() -> None:
        async with bench.store() as store:
            selection = Selection(provider="yahoo")
            found = await find(store, "main", selection, lambda _seen: None, imported_too=False)
            said = Evidence(EvidenceType.RELEASE, NOW, Origin.OPERATOR, bulk=True)

            def killed(_released: bool) -> None:
                raise StoreUnavailable("gone")

            await Releaser(store, DEFAULT_POLICY, "main", selection, said, imported_too=False).release(found, killed)

    with pytest.raises(StoreUnavailable):
        asyncio.run(break_off())
    done = len(bench.stream(bench.keys.bulk))
    assert 0 < done < many
    assert told(call, "recover", "--provider", "yahoo", "--yes", "--reason", "x")["released"] == many + 4 - done
    assert len({entry["address"] for entry in bench.stream(bench.keys.bulk)}) == many + 4
    assert len(bench.stream(bench.keys.bulk)) == many + 4


def test_states_that_nobody_can_read_are_left_alone(call: Call, bench: Bench) -> None:
    """They are said to stay, and stop nothing."""
    rubbish: dict[str, Any] = {"judy": {"state": "no word"}, "ken": {"state": "suppressed", "until": "soon"}}
    for name, fields in rubbish.items():
        bench.redis.hset(bench.keys.address(f"{name}@yahoo.com"), mapping=fields)
        bench.redis.sadd(bench.keys.suppressed, f"{name}@yahoo.com")
    bench.redis.set(bench.keys.address("lou@yahoo.com"), "no hash")
    bench.redis.sadd(bench.keys.suppressed, "lou@yahoo.com")
    found = told(call, "recover", "--domain", "yahoo.com", "--yes", "--reason", "x")
    assert (found["found"], found["released"]) == (3, 2)
    assert found["stays"]["unreadable"] == 2
    assert {"judy@yahoo.com", "ken@yahoo.com", "lou@yahoo.com"} <= bench.listed()


def test_a_list_without_addresses_is_recovered_too_and_names_none(call: Call, bench: Bench, tmp_path: Path) -> None:
    """Not by domain, which it does not know; the words of the operator are scrubbed."""
    refused = call("recover", "--domain", "yahoo.com", "--dry-run", "--list", "hashed")
    assert (refused.exit_code, "keeps keyed hashes" in refused.stderr) == (2, True)
    (tmp_path / "list.txt").write_text("address\nalice@yahoo.com\n")
    call("import", str(tmp_path / "list.txt"), "--category", "mailbox_unknown", "--list", "hashed", "--as", "a@b")
    words = (
        "--category",
        "mailbox_unknown",
        "--yes",
        "--reason",
        "asked by alice@yahoo.com",
        "--as",
        "bob@corp.example",
    )
    assert call("release", *words, "--list", "hashed").exit_code == 0
    hashed = Keyspace(bench.keys.prefix, "hashed")
    assert bench.redis.scard(hashed.suppressed) == 0
    everything = [*bench.stream(hashed.events), *bench.stream(hashed.bulk)]
    assert [entry["type"] for entry in everything] == ["addresses.imported", "addresses.released"] + ["transition"] * 2
    assert "@" not in str(everything)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("recover --provider yahoo", "--yes does it"),
        ("recover --provider yahoo --yes", "--reason says why"),
        ("recover --category complaint --dry-run", "complaint stays"),
        ("release --provider yahoo alice@yahoo.com", "say which"),
        ("release --yes alice@yahoo.com", "say which"),
        ("release", "say which"),
        ("release -", "--reason says why"),
    ],
)
def test_what_is_not_clear_is_a_usage_error(call: Call, bench: Bench, words: str, says: str) -> None:
    """Nothing is asked where nobody can answer, and nothing is done."""
    refused = call(*words.split(), "--list", "main")
    assert (refused.exit_code, says in refused.stderr) == (2, True)
    assert len(bench.listed()) == len(WORLD)


def test_many_that_are_suppressed_or_released_at_once_are_told_like_a_recovery(call: Call, bench: Bench) -> None:
    """Each in `bulk`, and one event of all."""
    before = len(bench.stream(bench.keys.events))
    addresses = ("mia@example.org", "noa@example.org")
    for command in ("suppress", "release"):
        call(command, *addresses, "--reason", "a mistake", "--as", "lena", "--list", "main")
    assert [entry["type"] for entry in bench.stream(bench.keys.events)[before:]] == [
        "addresses.suppressed",
        "addresses.released",
    ]
    assert sorted(entry["after"] for entry in bench.stream(bench.keys.bulk)) == ["active"] * 2 + ["suppressed"] * 2


def test_at_a_terminal_the_reason_is_asked_for_and_then_whether_to_go_on(
    call: Call, bench: Bench, tmp_path: Path
) -> None:
    """Whoever says no changes nothing."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bounced", "recover", "--provider", "yahoo", "--list", "main"]
    asking = subprocess.Popen(
        [*command, "--config", str(tmp_path / "bounced.toml")], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE
    )
    os.close(theirs)
    os.write(ours, b"an outage\nn\n")
    shown, _ = asking.communicate(timeout=60)
    asked = os.read(ours, 65536).decode()
    os.close(ours)
    assert asking.returncode == 1
    assert "Why:" in asked
    assert "Release 4 from main? [y/N]:" in asked
    assert b"4 addresses fit in main: provider yahoo" in shown
    assert len(bench.listed()) == len(WORLD)


@pytest.mark.parametrize(("written", "end"), [("20260501", "2026-05-02"), ("2026-05-01", "2026-05-02")])
def test_until_a_day_is_until_its_end_however_it_is_written(call: Call, written: str, end: str) -> None:
    """ISO 8601 writes a day with hyphens or without."""
    assert told(call, "recover", "--until", written, "--dry-run")["filters"] == f"until {end}T00:00:00Z"


@pytest.mark.parametrize("words", [("--until", "9999-12-31"), ("--since", "0001-01-01T00:00+14:00")])
def test_a_time_beyond_the_calendar_is_a_wrong_word(call: Call, words: tuple[str, str]) -> None:
    """It is answered like any other word that is no time."""
    answer = call("recover", *words, "--list", "main", "--dry-run")
    assert answer.exit_code == 2
    assert "is no time" in answer.stderr
