"""What Prometheus reads from a daemon with two workers is the sum of what was sent."""

import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from bounced.demo.scenes import SCENES
from bounced.edges.watch.metrics import declared
from tests.support.daemon import WAIT_S, Daemon, send
from tests.support.metrics import HTTP, Sample, get, labels_of, scrape

UNKNOWN_USER, FULL_MAILBOX, SPAM_BLOCK, *_ = SCENES
Values = Mapping[Sample, float]
DOCS = Path(__file__).parents[2] / "docs"

_SECOND_LIST = """
[lists.second]
domains = ["second.example.com"]

[[lists.second.keys]]
id = "a"
file = "a.key"
"""


@pytest.fixture
def watched(daemons: Callable[..., Daemon]) -> Callable[..., Daemon]:
    """Return a maker of daemons that answer over HTTP."""
    return lambda workers, more="": daemons(workers=workers, further=HTTP + more).start()


@pytest.fixture(scope="module")
def lasting(lasting_daemons: Callable[..., Daemon]) -> Daemon:
    """Return a daemon with one worker, for those who only look."""
    return lasting_daemons(further=HTTP).start()


def test_two_workers_add_up_to_what_was_sent(watched: Callable[[int], Daemon]) -> None:
    """Reports by category, duplicates, refusals, replies and sessions match over twenty connections."""
    daemon = watched(2)
    for number in range(20):
        _hold_a_session(daemon, number)
    values = _once(daemon, "bounced_replies_total", {"code": "221"}, 20)
    report = {"list": "main", "origin": "smtp", "kind": "bounce"}
    assert values["bounced_reports_total", labels_of(report | {"category": "mailbox_unknown", "class": "hard"})] == 20
    assert values["bounced_reports_total", labels_of(report | {"category": "mailbox_full", "class": "soft"})] == 20
    assert values["bounced_duplicates_total", labels_of({"list": "main"})] == 20
    assert values["bounced_paths_refused_total", labels_of({"reason": "tampered"})] == 20
    assert values["bounced_sessions_total", labels_of({})] == 20
    assert values["bounced_sessions_open", labels_of({})] == 0
    assert values["bounced_replies_total", labels_of({"code": "354"})] == 60
    assert values["bounced_commit_seconds_count", labels_of({})] == 60
    assert values["bounced_commit_batch_size_sum", labels_of({})] >= 60
    assert values["bounced_stream_entries", labels_of({"list": "main", "stream": "events"})] == 80
    assert values["bounced_workers", labels_of({})] == 2
    assert values["bounced_redis_up", labels_of({})] == 1
    assert values["bounced_commits_total", labels_of({"list": "main", "origin": "smtp", "type": "report"})] == 40
    changed = {labels: value for (name, labels), value in values.items() if name == "bounced_transitions_total"}
    assert sum(changed.values()) == 40


def test_counts_outlive_a_worker_that_is_killed(watched: Callable[[int], Daemon]) -> None:
    """What was heard of a worker stays, the one that replaces it counts on, and the death is counted."""
    daemon = watched(1)
    _hold_a_session(daemon, 1)
    _once(daemon, "bounced_sessions_total", {}, 1)
    (worker,) = _workers(daemon.pid)
    os.kill(worker, signal.SIGKILL)
    daemon.wait_for("service.started")
    _hold_a_session(daemon, 2)
    values = _once(daemon, "bounced_sessions_total", {}, 2)
    assert values["bounced_worker_deaths_total", labels_of({})] == 1
    assert values["bounced_sessions_open", labels_of({})] == 0


def test_every_metric_declared_is_served(lasting: Daemon) -> None:
    """Nothing stands in the documentation that the daemon does not serve, and the other way round."""
    _, text = get(lasting, "/metrics")
    assert {family.name for family in text_string_to_metric_families(text)} == {each.name for each in declared.ALL}


def test_a_daemon_that_takes_in_mail_is_healthy_and_ready(lasting: Daemon) -> None:
    """Health and readiness answer 200; what is not there answers 404."""
    _once(lasting, "bounced_workers", {}, 1)
    assert get(lasting, "/healthz") == (200, "ok\n")
    assert get(lasting, "/readyz") == (200, "ok\n")
    assert get(lasting, "/secret")[0] == 404


def test_every_door_is_counted_and_nobody_adds_a_series(watched: Callable[..., Daemon]) -> None:
    """Bounces by SMTP and from the intake, `ingest`, operators: each under its name, in series that were there before.

    Two lists have the number of series that docs/metrics.md says.
    """
    daemon = watched(1, _SECOND_LIST)
    before = _once(daemon, "bounced_redis_replaced", {"list": "second"}, 0)
    _hold_a_session(daemon, 1)
    with redis.from_url(f"unix://{daemon.folder}/data/server.sock") as told:
        for number in range(20):
            entry = {"type": "rejected", "reply": "550 5.1.1 no such user", "campaign": f"campaign-{number}"}
            entry |= {"at": str(int(time.time())), "address": f"told{number}@domain-{number}.example"}
            told.xadd("bounced:{main}:intake", entry)
        told.xadd("bounced:{main}:intake", {"type": "nonsense"})
    path = daemon.return_path("stored@mailbox.example")
    (daemon.folder / "stored.eml").write_bytes(UNKNOWN_USER.content(path))
    assert daemon.command("ingest", "--recipient", path, str(daemon.folder / "stored.eml")).returncode == 0
    assert daemon.command("suppress", "asked@mailbox.example", "--reason", "asked").returncode == 0
    main = {"list": "main"}
    by_operator = {"origin": "operator", "type": "suppress"}
    _once(daemon, "bounced_commands_total", main | by_operator, 1)
    _once(daemon, "bounced_commits_total", main | {"origin": "intake", "type": "rejected"}, 20)
    values = _once(daemon, "bounced_intake_failed_total", main, 1)
    assert values["bounced_commands_total", labels_of(main | {"origin": "ingest", "type": "report"})] == 1
    intake, smtp = _reports(values, "intake"), _reports(values, "smtp")
    assert (intake, smtp) == (20, 2)
    assert set(values) - set(before) == set()
    (said,) = re.findall(r"two lists exposes ([\d,]+) series", (DOCS / "metrics.md").read_text())
    assert len(values) == int(said.replace(",", ""))


def _reports(values: Values, origin: str) -> float:
    """Return how many reports came by a door."""
    wanted = ("origin", origin)
    return sum(
        value for (name, labels), value in values.items() if name == "bounced_reports_total" and wanted in labels
    )


def _hold_a_session(daemon: Daemon, number: int) -> None:
    """Send a hard bounce, the same again, a full mailbox, and something to a tampered path."""
    path, other = (daemon.return_path(f"{name}{number}@mailbox.example") for name in ("unknown", "full"))
    content = UNKNOWN_USER.content(path)
    with daemon.session() as client:
        assert send(client, path, content)[0] == 250
        assert send(client, path, content)[0] == 250
        assert send(client, other, FULL_MAILBOX.content(other))[0] == 250
        tampered = path[:12] + ("a" if path[12] != "a" else "b") + path[13:]
        assert send(client, tampered, SPAM_BLOCK.content(path))[0] == 550


def _once(daemon: Daemon, name: str, labels: dict[str, str], wanted: float) -> Values:
    """Return all values once one of them is as wanted: workers report every two seconds."""
    patience = time.monotonic() + WAIT_S
    while time.monotonic() < patience:
        values = scrape(daemon)
        if values.get((name, labels_of(labels))) == wanted:
            return values
        time.sleep(0.2)
    raise AssertionError(f"{name} never came to {wanted}")


def _workers(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"\0worker\0" in Path(f"/proc/{child}/cmdline").read_bytes()]
