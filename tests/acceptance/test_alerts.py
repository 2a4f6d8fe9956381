"""Each alert rule fires when it should and not before: asked of promtool, about the series of a real daemon."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import WAIT_S, Daemon
from tests.support.metrics import HTTP, Labels, Sample, labels_of, scrape
from tests.support.programs import find

ALERTS = Path(__file__).parents[2] / "config" / "examples" / "alerts.yml"
PROMTOOL = find("prometheus", "promtool")
HOSTS = ("mx1:9025", "mx2:9025")
MINUTES = 36 * 60
STEP = 5  # minutes
PARTS = 8
"""In how many tests the cases are looked at, so that two processors share them."""

HARD, SOFT, BLOCK, UNDETERMINED = "hard", "soft", "block", "undetermined"
HEALTHY = {HARD: 60.0, SOFT: 30.0, BLOCK: 5.0, UNDETERMINED: 1.0}
"""Bounces in an hour that a host with little trouble reads, by their class."""
CATEGORIES = {HARD: "mailbox_unknown", SOFT: "mailbox_full", BLOCK: "spam_content", UNDETERMINED: "undetermined"}
"""One category of each class: all of that class are of it."""


def course(*parts: tuple[float | None, float, int]) -> str:
    """Return the values of a series up to now: of parts, each its first value, its growth an hour, and its minutes.

    The last part ends now; the first is as long as needed.  None is a series that is not there.
    """
    written = []
    left = MINUTES // STEP - sum(minutes // STEP for *_, minutes in parts[1:]) + 1
    for number, (first, hourly, minutes) in enumerate(parts):
        steps = minutes // STEP if number else left
        growth = hourly * STEP / 60
        written.append(f"_x{steps}" if first is None else f"{first}{growth:+}x{steps - 1}")
    return " ".join(written)


def always(value: float) -> str:
    """Return a gauge that stays as it is."""
    return course((value, 0, 0))


def rising(hourly: float) -> str:
    """Return a counter that began long ago."""
    return course((0, hourly, 0))


def lately(before: float, now: float, minutes: int) -> str:
    """Return a gauge that has another value since some minutes."""
    return course((before, 0, 0), (now, 0, minutes))


@dataclass(frozen=True)
class Case:
    """What differs from a healthy day, on the second host or on both, and which alerts fire then.

    ``changed`` are the values of all series whose name begins so and that have these labels; ``added`` are more series.
    """

    name: str
    changed: Mapping[Sample, str] = field(default_factory=dict)
    fires: tuple[Labels, ...] = ()
    hosts: tuple[str, ...] = HOSTS
    added: Mapping[Sample, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def series(name: str, **labels: str) -> Sample:
    """Return a series by its name and labels."""
    return name, labels_of(labels)


def of_class(word: str, origin: str = "smtp") -> Sample:
    """Return the bounces of a class that came by a door."""
    labels = {"class": word, "category": CATEGORIES[word], "origin": origin, "kind": "bounce", "list": "main"}
    return "bounced_reports_total", labels_of(labels)


def alert(name: str, **labels: str) -> Labels:
    """Return an alert and what it is about."""
    return labels_of({"alertname": name, **labels})


def refused(course: str) -> dict[Sample, str]:
    """Return how often the sender was refused, each time by a block."""
    return {series("bounced_sender_refused_total"): course, of_class(BLOCK): course}


STILL = always(5)
"""A counter that counted something once, and nothing since."""
TRY_AGAIN = series("bounced_replies_total", code="451")
REFUSED = series("bounced_sender_refused_total")
COMMITS = series("bounced_commit_seconds_count")
SUPPRESSED = series("bounced_addresses", state="suppressed")
EVERYTHING = series("bounced_")
MAILED = series("bounced_mailed_while_suppressed_total")
CERTIFICATE = series("bounced_certificate_expiry_timestamp_seconds")
HOOK = frozenset({("hook", "crm"), ("list", "main")})
BEHIND, STOPPED, ASIDE, TRIMMED = (
    (f"bounced_hook_{name}", HOOK) for name in ("behind_seconds", "stopped", "set_aside", "trimmed_total")
)
SERVICE_REFUSED = series("bounced_web_hooks_refused_total", service="mailgun", reason="bad_signature")
SERVICE_HEARD = series("bounced_web_hook_events_total", service="mailgun", says="delivered")
NOT_ALWAYS_THERE = {
    *(sample[0] for sample in (CERTIFICATE, BEHIND, STOPPED, ASIDE, TRIMMED, SERVICE_REFUSED, SERVICE_HEARD))
}
"""What a daemon without certificate and webhooks does not have, and what the web application counts."""
SILENT = {of_class(word): course((0, 60, 0), (9000, 0, 26 * 60)) for word in HEALTHY}
MX2 = HOSTS[1]

CASES = (
    Case("a healthy day"),
    Case(
        "no worker on one of two hosts",
        {series("bounced_workers"): lately(2, 0, 10)},
        (alert("BouncedNotTakingMail", instance=MX2),),
        hosts=HOSTS[1:],
    ),
    Case("no worker for a moment", {series("bounced_workers"): lately(2, 0, STEP)}),
    Case(
        "nothing is exposed",
        {EVERYTHING: course((0, 0, 0), (None, 0, 60)), of_class(HARD): course((0, 90, 0), (None, 0, 60))},
        (alert("BouncedNotTakingMail"),),
    ),
    Case(
        "one of two hosts answers no more",
        {EVERYTHING: course((0, 0, 0), (None, 0, 60)), of_class(HARD): course((0, 90, 0), (None, 0, 60))},
        (alert("BouncedNotTakingMail", instance=MX2),),
        hosts=HOSTS[1:],
        added={("up", labels_of({})): lately(1, 0, 60)},
    ),
    Case(
        "no commits",
        {series("bounced_redis_up"): lately(1, 0, 10)},
        (alert("BouncedRedisRefusesCommits", instance=MX2),),
        hosts=HOSTS[1:],
    ),
    Case("no commits for a moment", {series("bounced_redis_up"): lately(1, 0, STEP)}),
    Case(
        "an emptied Redis",
        {series("bounced_redis_replaced"): lately(0, 1, STEP)},
        (alert("BouncedRedisReplaced", list="main"),),
        hosts=HOSTS[1:],
    ),
    Case(
        "a clock that is a day behind",
        {series("bounced_clock_apart_seconds"): lately(0, -90_000, 10)},
        (alert("BouncedClocksApart", list="main"),),
        hosts=HOSTS[1:],
    ),
    Case("a clock that is seconds ahead", {series("bounced_clock_apart_seconds"): lately(0, 20, 60)}),
    Case("one bounce of ten is put off", {TRY_AGAIN: rising(10)}, fires=(alert("BouncedAsksToComeAgain"),)),
    Case("one bounce of two hundred is put off", {TRY_AGAIN: rising(0.5)}),
    Case(
        "every bounce is put off since an hour",
        {COMMITS: course((0, 90, 0), (9000, 0, 60)), TRY_AGAIN: course((0, 0, 0), (0, 300, 60))},
        (alert("BouncedAsksToComeAgain"),),
    ),
    Case(
        "four workers died",
        {series("bounced_worker_deaths_total"): course((0, 0, 0), (0, 6, 50))},
        (alert("BouncedWorkersDie", instance=MX2),),
        hosts=HOSTS[1:],
    ),
    Case("a worker died now and then", {series("bounced_worker_deaths_total"): rising(0.5)}),
    Case(
        "one bounce of nine is undetermined",
        {of_class(UNDETERMINED): rising(12)},
        (alert("BouncedUndetermined", list="main"),),
    ),
    Case(
        "half of what looks hard is in doubt",
        {series("bounced_doubtful_total", category="mailbox_unknown"): rising(12)},
        fires=(alert("BouncedDoubtful", list="main"),),
    ),
    Case(
        "a single doubtful bounce now and then",
        {series("bounced_doubtful_total", category="mailbox_unknown"): rising(0.05)},
    ),
    Case("one bounce of twenty-five is undetermined", {of_class(UNDETERMINED): rising(4)}),
    Case(
        "a single bounce of few is undetermined",
        {
            of_class(HARD): rising(0.25),
            of_class(SOFT): rising(0),
            of_class(BLOCK): rising(0),
            of_class(UNDETERMINED): rising(0.05),
        },
    ),
    Case(
        "the sender mails suppressed addresses",
        {MAILED: rising(2)},
        fires=(alert("BouncedMailedWhileSuppressed", list="main"),),
    ),
    Case(
        "one queue held mail to a few suppressed addresses",
        {MAILED: course((0, 0, 0), (0, 20, 30))},
    ),
    Case(
        "many are suppressed at once",
        {SUPPRESSED: course((0, 5, 0), (1000, 300, 60))},
        (alert("BouncedSuppressionSpike", list="main"),),
    ),
    Case("many are suppressed in each hour", {SUPPRESSED: rising(150)}),
    Case("no report for more than a day", SILENT, (alert("BouncedNoBounceForADay"),)),
    Case("one report a day", SILENT | {of_class(HARD, "smtp"): course((0, 0, 0), (1, 0, 120))}),
    Case("everything comes by the intake", SILENT | {of_class(HARD, "intake"): rising(5)}),
    Case("everything is stored mail", SILENT | {series("bounced_commands_total", origin="ingest"): rising(5)}),
    Case(
        "a sender signs with another key",
        {series("bounced_paths_refused_total", reason="tampered"): rising(150)},
        (alert("BouncedPathsRefused"),),
    ),
    Case(
        "spammers try paths, some paths are too old, and a certificate ends in a month",
        {
            series("bounced_paths_refused_total", reason="unsigned"): rising(1000),
            series("bounced_paths_refused_total", reason="expired"): rising(30),
        },
        added={CERTIFICATE: always(MINUTES * 60 + 30 * 86_400)},
    ),
    Case(
        "a job fails again and again",
        {series("bounced_job_failures_total", job_name="releaser"): rising(6)},
        (alert("BouncedJobFails", instance=MX2),),
        hosts=HOSTS[1:],
    ),
    Case(
        "a certificate that ends in a week",
        added={CERTIFICATE: always(MINUTES * 60 + 7 * 86_400)},
        fires=(alert("BouncedCertificateExpires", instance=MX2),),
        hosts=HOSTS[1:],
    ),
    Case(
        "an intake entry fails",
        {series("bounced_intake_failed_total"): course((0, 0, 0), (1, 0, 30))},
        (alert("BouncedIntakeFailed", list="main"),),
    ),
    Case(
        "a new installation without a report",
        {
            EVERYTHING: course((None, 0, 0), (0, 0, 180)),
            series("bounced_workers"): course((None, 0, 0), (2, 0, 180)),
            series("bounced_redis_up"): course((None, 0, 0), (1, 0, 180)),
        },
    ),
    Case(
        "a disputed domain",
        {series("bounced_disputed_domains"): lately(0, 1, STEP)},
        (alert("BouncedDomainDisputed", list="main"),),
    ),
    Case(
        "a provider refuses us",
        refused(course((0, 1, 0), (200, 60, 70))),
        (alert("BouncedBlockedByProvider", list="main"),),
    ),
    Case(
        "a provider limits how much we may send",
        {REFUSED: course((0, 1, 0), (200, 60, 70)), of_class(BLOCK): rising(0)},
        (alert("BouncedBlockedByProvider", list="main"),),
    ),
    Case(
        "many mailboxes get too much mail of anybody",
        {series("bounced_reports_total", category="rate_limited", kind="bounce", origin="smtp"): rising(300)},
    ),
    Case("a provider refuses little", refused(course((0, 1, 0), (200, 15, 70)))),
    Case("a provider refuses one of ten", refused(rising(100)) | {of_class(HARD): rising(900)}),
    Case(
        "few bounces, all of them refusals",
        refused(rising(9)) | {of_class(word): rising(0) for word in (HARD, SOFT, UNDETERMINED)},
    ),
    Case(
        "an alarm stands", {series("bounced_alarms"): lately(0, 2, STEP)}, (alert("BouncedAlarmStands", list="main"),)
    ),
    Case(
        "intake waits",
        {series("bounced_intake_oldest_seconds"): lately(0, 901, STEP)},
        (alert("BouncedIntakeWaits", list="main"),),
    ),
    Case("intake waits a little", {series("bounced_intake_oldest_seconds"): lately(0, 899, 60)}),
    Case(
        "releases are late",
        {series("bounced_overdue_addresses"): lately(0, 5, 40)},
        (alert("BouncedReleasesLate", list="main"),),
    ),
    *(
        Case(
            f"a webhook: {sample[0]}",
            added={sample: lately(0, value, 10)},
            fires=(alert("BouncedHookBehind", list="main", hook="crm"),),
        )
        for sample, value in ((BEHIND, 3700), (STOPPED, 1), (ASIDE, 3), (TRIMMED, 40))
    ),
    Case(
        "a service has another key than we have",
        added={SERVICE_REFUSED: course((2, 0, 0), (2, 60, 40)), SERVICE_HEARD: course((900, 60, 0), (1000, 0, 90))},
        fires=(alert("BouncedHookRefused", service="mailgun"),),
    ),
    Case(
        "a stranger plays a service that is heard",
        added={SERVICE_REFUSED: course((2, 0, 0), (2, 60, 40)), SERVICE_HEARD: rising(60)},
    ),
    Case("a stranger plays a service twice", added={SERVICE_REFUSED: course((0, 0, 0), (2, 0, 40))}),
    Case("a webhook is behind for half an hour", added={BEHIND: lately(0, 1800, 10)}),
    Case("releases are late for a moment", {series("bounced_overdue_addresses"): lately(0, 5, 20)}),
)


@pytest.fixture(scope="module")
def exposed(lasting_daemons: Callable[..., Daemon]) -> frozenset[Sample]:
    """Return the series of a daemon that read nothing yet."""
    daemon = lasting_daemons(workers=1, further=HTTP).start()
    asked = set(re.findall(r"\bbounced_\w+", ALERTS.read_text()))
    deadline = time.monotonic() + WAIT_S
    while True:  # the server is looked at when it is there
        series = frozenset(sample for sample in scrape(daemon) if sample[0] in asked)
        missing = asked - {name for name, _ in series} - NOT_ALWAYS_THERE
        if not missing:
            return series
        assert time.monotonic() < deadline, missing
        time.sleep(0.2)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here: tests/install-programs")
@pytest.mark.parametrize("part", range(PARTS))
def test_exactly_the_alerts_of_each_case_fire(exposed: frozenset[Sample], tmp_path: Path, part: int) -> None:
    """And no other, about no other host or list.  A failure names the cases in which it is not so."""
    cases = CASES[part::PARTS]
    if _complaint(cases, exposed, tmp_path):
        complaints = {case.name: _complaint((case,), exposed, tmp_path) for case in cases}
        assert {name: complaint for name, complaint in complaints.items() if complaint} == {}


def test_every_alert_fires_in_a_case() -> None:
    """A rule that never fires is not tested."""
    fired = {dict(alert)["alertname"] for case in CASES for alert in case.fires}
    assert fired == set(re.findall(r"alert: (\w+)", ALERTS.read_text()))


def _complaint(cases: Sequence[Case], exposed: frozenset[Sample], folder: Path) -> str:
    """Return what promtool finds wrong with some cases; each takes about two seconds of processor time."""
    tests = [_test(case, exposed) for case in cases]
    file = folder / "test.json"  # which is YAML too
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": f"{STEP}m", "tests": tests}))
    assert PROMTOOL
    done = subprocess.run([PROMTOOL, "test", "rules", file], capture_output=True, text=True, timeout=150, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def _test(case: Case, exposed: frozenset[Sample]) -> dict[str, Any]:
    """Return a case as a test of promtool's."""
    firing = [{"labels": _written("", alert), "value": 1} for alert in case.fires]
    asked = {
        "expr": 'count by (alertname, list, hook, service, instance) (ALERTS{alertstate="firing"})',
        "eval_time": f"{MINUTES}m",
        "exp_samples": firing,
    }
    series = [
        {"series": _written(name, labels | {("job", "bounced"), ("instance", host)}), "values": values}
        for host in HOSTS
        for (name, labels), values in _moving(_values(case, exposed, host)).items()
    ]
    return {"interval": f"{STEP}m", "input_series": series, "promql_expr_test": [asked]}


def _values(case: Case, exposed: frozenset[Sample], host: str) -> dict[Sample, str]:
    """Return the values of all series of a host.  Each change has to change something."""
    values = {sample: _on_a_healthy_day(sample) for sample in exposed}
    if host not in case.hosts:
        return values
    for (name, wanted), changed in case.changed.items():
        found = [sample for sample in exposed if sample[0].startswith(name) and wanted <= sample[1]]
        assert found, name
        values |= dict.fromkeys(found, changed)
    return values | dict(case.added)


def _moving(values: Mapping[Sample, str]) -> dict[Sample, str]:
    """Leave out counters that stand still, all but one of each metric and door: they add nothing to a rate."""
    kept = {_door(sample): sample for sample, course in values.items() if course == STILL}
    return {sample: course for sample, course in values.items() if course != STILL or kept[_door(sample)] == sample}


def _door(sample: Sample) -> tuple[str, str]:
    """Return the metric of a series and the door that it is about."""
    name, labels = sample
    return name, dict(labels).get("origin", "")


def _on_a_healthy_day(sample: Sample) -> str:
    name, _ = sample
    if name == "bounced_reports_total":
        return next((rising(HEALTHY[word]) for word in HEALTHY if of_class(word) == sample), STILL)
    if name == REFUSED[0]:
        return rising(HEALTHY[BLOCK])
    if name == "bounced_commit_seconds_count":
        return rising(sum(HEALTHY.values()))
    if name in {"bounced_workers", "bounced_redis_up"}:
        return always(1)
    if name.endswith(("_sum", "_count", "_bucket", "_total")):
        return STILL
    return always(0)


def _written(name: str, labels: Labels) -> str:
    """Return a series as Prometheus writes it."""
    return f"{name}{{{','.join(f'{label}={json.dumps(value)}' for label, value in sorted(labels))}}}"
