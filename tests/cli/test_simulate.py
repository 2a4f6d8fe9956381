"""``bounced simulate``: another policy over recorded or invented events, next to the one in force."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bounced.cli.root import bounced
from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Action, Category, Engagement, Kind, OptIn, Origin, Profile, Verdict
from bounced.edges.memory_store import MemoryStore
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.ports import Store
from bounced.simulation.recorded import evidence_in
from tests.support.events import recent_events

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
FULL = "full@example.org"
GONE = "gone@example.org"


def failure(category: Category, day: float, **facts: Any) -> Evidence:
    """Return a bounce that came in on a day, for mail of that day."""
    at = BEGIN + timedelta(days=day)
    verdict = Verdict(category, "test", "text", Action.FAILED, "5.0.0")
    return Evidence(EvidenceType.REPORT, at, Origin.SMTP, kind=Kind.BOUNCE, verdict=verdict, sent_on=at.date(), **facts)


HISTORY = [
    *((FULL, failure(Category.MAILBOX_FULL, day)) for day in (0, 8, 16)),
    (GONE, failure(Category.MAILBOX_UNKNOWN, 20, campaign="spring")),
    (FULL, failure(Category.MAILBOX_FULL, 60)),
]


async def record(store: Store) -> None:
    """Write a history as the daemon does."""
    for number, (address, evidence) in enumerate(HISTORY):
        decision = partial(decide, evidence=evidence, policy=DEFAULT_POLICY)
        await store.commit(ReportId("main", f"{number}", f"{number}"), address, decision)


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    """Return a policy under which full mailboxes are never held."""
    file = tmp_path / "patient.toml"
    file.write_text("[rules.mailbox_full]\nfailures = 9\n")
    return file


@pytest.fixture
async def events_file(tmp_path: Path) -> Path:
    """Return the history as `bounced events --json` writes it."""
    store = MemoryStore({"main": Keyspace()})
    await record(store)
    file = tmp_path / "events.jsonl"
    events = reversed(await recent_events(store, "main", 100))
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


def simulate(*arguments: object) -> Result:
    """Run the command without any configuration of this machine."""
    return CliRunner().invoke(bounced, ["simulate", *map(str, arguments)], catch_exceptions=False)


def records(result: Result) -> list[dict[str, Any]]:
    """Return what was printed, a record a line."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Return a configuration without a list."""
    file = tmp_path / "bounced.toml"
    file.write_text("")
    return file


def test_recorded_events_under_another_policy(patient: Path, events_file: Path, empty: Path) -> None:
    """Who would be held, suppressed and released, and when, under either."""
    *lives, totals = records(simulate(patient, "--events", events_file, "--config", empty, "--json"))
    by_address = {life["address"]: life for life in lives}
    full, gone = by_address[FULL], by_address[GONE]
    assert [change["after"] for change in full["in_force"]] == ["bouncing", "held", "bouncing", "held"]
    assert full["in_force"][1]["until"] == "2026-02-16T12:00:00Z"
    assert full["in_force"][2]["at"] == "2026-02-16T12:00:00Z"
    assert [change["after"] for change in full["proposed"]] == ["bouncing"]
    assert full["differs"]
    assert gone["in_force"] == gone["proposed"]
    assert not gone["differs"]
    assert totals["in_force"]["held"] == 1
    assert totals["proposed"].get("held", 0) == 0


async def test_the_lists_own_events(patient: Path, redis_url: str, key_prefix: str, tmp_path: Path) -> None:
    """Nothing is asked but the configuration; nothing is written."""
    store = RedisStore(connections(redis_url), {"main": Keyspace(key_prefix)}, durability("memory", pytest.fail))
    await store.start()
    await record(store)
    await store.close()
    key = tmp_path / "key"
    key.write_text("a secret of some length")
    key.chmod(0o600)
    config = tmp_path / "bounced.toml"
    config.write_text(
        f'[redis]\nurl = "{redis_url}"\nprefix = "{key_prefix}"\n[lists.main]\ndomains = ["bounce.example.com"]\n'
        f'keys = [{{ id = "a", file = "{key}" }}]\n'
    )
    result = await asyncio.to_thread(simulate, patient, "--config", config, "--json")
    assert {life["address"] for life in records(result)[:-1]} == {FULL, GONE}


def test_an_invented_list(patient: Path, empty: Path) -> None:
    """The same for one seed, another for another."""
    asked = (patient, "--generate", 48, "--days", 120, "--config", empty, "--json")
    assert simulate(*asked).stdout == simulate(*asked).stdout
    assert simulate(*asked).stdout != simulate(*asked, "--seed", 2).stdout


def test_for_people(patient: Path, events_file: Path, empty: Path) -> None:
    """Totals, and the addresses that fare differently."""
    output = simulate(patient, "--events", events_file, "--config", empty).stdout
    assert f"{FULL}\theld 2026-01-17 to 2026-02-16, released 2026-02-16" in output
    assert "mailed all the time" in output
    assert GONE not in output
    assert "1 of 2 addresses that bounced fare differently." in output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rules.mailbox_full]\nfailurs = 9\n", "did you mean"),
        (
            "foo = 1",
            "be a known key: one of cadence_days, caution_hours, delivery_settles_hours, disputes, engaged_days",
        ),
        ("cadence_day = 7", 'did you mean "cadence_days"?'),
        ("[rules.spam_content]\nfailures = 9\n", "class or category that counts"),
        ('[rules.transient]\nthen = "suppress"\n', "keep what the daemon promises"),
        ("this is no TOML", "be TOML"),
        ("cadence_days = 0", "cadence_days must be at least 1"),
    ],
)
def test_a_policy_that_cannot_be(tmp_path: Path, empty: Path, text: str, said: str) -> None:
    """Exit code 2, and what would be right."""
    file = tmp_path / "bad.toml"
    file.write_text(text)
    result = simulate(file, "--generate", 24, "--config", empty)
    assert result.exit_code == 2
    assert said in result.output


def test_without_events_there_is_nothing_to_simulate(patient: Path, empty: Path) -> None:
    """A list, a file, or a number."""
    result = simulate(patient, "--config", empty)
    assert result.exit_code == 2
    assert "--generate" in result.output


def test_a_line_that_is_no_event(patient: Path, empty: Path, tmp_path: Path) -> None:
    """Exit code 2, and which."""
    file = tmp_path / "events.jsonl"
    file.write_text('{"type": "report", "address": "a@example.org", "at": "yesterday", "origin": "smtp"}\n')
    result = simulate(patient, "--events", file, "--config", empty)
    assert result.exit_code == 2
    assert "not an event of ours" in result.output


async def test_what_is_recorded_is_enough_to_decide_again() -> None:
    """Profile, day of sending, other recipients, forgeries: nothing that the policy looks at is lost."""
    profile = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
    said = [
        failure(Category.MAILBOX_UNKNOWN, 0, profile=profile),
        failure(Category.MAILBOX_UNKNOWN, 1, names_recipient=False, reporting_mta="mx.example.org"),
        failure(Category.MAILBOX_UNKNOWN, 2, trusted=False),
        Evidence(EvidenceType.COMPLAINED, BEGIN + timedelta(days=3), Origin.INTAKE, campaign="spring"),
        Evidence(EvidenceType.RELEASE, BEGIN + timedelta(days=4), Origin.OPERATOR),
    ]
    store = MemoryStore({"main": Keyspace()})
    for number, evidence in enumerate(said):
        decision = partial(decide, evidence=evidence, policy=DEFAULT_POLICY)
        await store.commit(ReportId("main", f"{number}", ""), FULL, decision)
    again = [evidence for _, evidence in evidence_in(reversed(await recent_events(store, "main", 100)))]
    assert len(again) == len(said)
    for before, after in zip(said, again, strict=True):
        for fact in ("type", "at", "origin", "kind", "sent_on", "profile", "campaign", "names_recipient", "trusted"):
            assert getattr(after, fact) == getattr(before, fact), fact
        assert (after.verdict and after.verdict.category) == (before.verdict and before.verdict.category)


@pytest.mark.parametrize(("type_", "before"), [(EvidenceType.RELEASE, "suppressed"), (EvidenceType.SUPPRESS, "active")])
def test_what_was_done_to_many_addresses_at_once_is_replayed(type_: EvidenceType, before: str) -> None:
    """Of each there is one event, which tells what followed."""
    reason = {EvidenceType.RELEASE: "released", EvidenceType.SUPPRESS: "operator"}[type_]
    told = {"type": "transition", "address": GONE, "at": "2026-01-05T12:00:00Z", "origin": "operator"}
    event = {**told, "before": before, "reason": reason}
    assert list(evidence_in([event])) == [], "in the main stream the evidence stands before it"
    ((address, evidence),) = evidence_in([{**event, "stream": "bulk"}])
    assert (address, evidence.type, evidence.origin) == (GONE, type_, Origin.OPERATOR)
