"""What one worker counts, another adds up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bounced.core.state import AddressState, Evidence, EvidenceType, Transition
from bounced.core.terms import Action, Category, Class, Kind, Origin, State, Verdict
from bounced.edges.redis.overview import ListSizes
from bounced.edges.watch.metrics import declared
from bounced.edges.watch.metrics.exposition import exposition
from bounced.edges.watch.metrics.known import DOORS, Known
from bounced.edges.watch.metrics.meter import Meter
from bounced.edges.watch.metrics.totals import Totals

VERDICT = Verdict(Category.MAILBOX_UNKNOWN, "iana.5.1.1", "diagnostic")
EVIDENCE = Evidence(EvidenceType.REPORT, datetime(2026, 5, 1, tzinfo=UTC), Origin.SMTP, Kind.BOUNCE, VERDICT)
SUPPRESSED = Transition(EVIDENCE, AddressState(), AddressState(state=State.SUPPRESSED), "hard")
SIZES = ListSizes(
    suppressed=9,
    bouncing=10,
    due=2,
    overdue=3,
    disputed=4,
    alarms=5,
    streams={"intake": 6, "events": 7},
    intake_oldest_s=8.5,
)


def _heard(*meters: Meter) -> Totals:
    totals = Totals()
    for place, meter in enumerate(meters):
        for line in meter.take().splitlines():
            totals.hear(place, line)
    return totals


def _samples(totals: Totals, sizes: dict[str, ListSizes] | None = None) -> dict[str, float]:
    text = exposition(totals, workers=2, deaths=0, sizes=sizes)
    families = text_string_to_metric_families(text.decode())
    return {f"{s.name}{sorted(s.labels.values())}": s.value for family in families for s in family.samples}


def test_counts_of_all_workers_are_added_up() -> None:
    """Two workers count the same thing; it stands once, with the sum."""
    meters = Meter(), Meter()
    for meter in meters:
        meter.replied(250)
        meter.committed("main", SUPPRESSED, 0.004)
        meter.written("main", SUPPRESSED)
        meter.session_opened()
    samples = _samples(_heard(*meters))
    assert samples["bounced_replies_total['250']"] == 2
    assert samples["bounced_reports_total['bounce', 'hard', 'mailbox_unknown', 'main', 'smtp']"] == 2
    assert samples["bounced_commits_total['main', 'report', 'smtp']"] == 2
    assert samples["bounced_transitions_total['active', 'main', 'suppressed']"] == 2
    assert samples["bounced_sessions_open[]"] == 2


def test_mail_that_was_sent_to_a_suppressed_address_is_counted() -> None:
    """From the day after the suppression on."""
    since = datetime(2026, 3, 1, 12, tzinfo=UTC)
    suppressed = AddressState(State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, since)
    meter = Meter()
    for days in (0, 1, 7):
        at = since + timedelta(days=days)
        evidence = Evidence(EvidenceType.REPORT, at, Origin.SMTP, sent_on=at.date())
        meter.written("main", Transition(evidence, suppressed, suppressed, "already_suppressed"))
    assert _samples(_heard(meter))["bounced_mailed_while_suppressed_total['main']"] == 2


@pytest.mark.parametrize(
    ("type_", "action", "counted"),
    [
        (EvidenceType.REJECTED, Action.FAILED, "bounce', 'hard', 'intake', 'mailbox_unknown', 'main"),
        (EvidenceType.REJECTED, Action.DELAYED, "delayed', 'hard', 'intake', 'mailbox_unknown', 'main"),
        (EvidenceType.COMPLAINED, None, "complaint', 'complaint', 'complaint', 'intake', 'main"),
        (EvidenceType.DELIVERED, None, None),
    ],
)
def test_what_a_sender_tells_counts_as_the_report_it_stands_for(
    type_: EvidenceType, action: Action | None, counted: str | None
) -> None:
    """A refusal is a bounce, a temporary one a delay; what another list shares was counted there."""
    verdict = VERDICT._replace(action=action) if action else None
    told = Evidence(type_, EVIDENCE.at, Origin.INTAKE, verdict=verdict)
    meter = Meter()
    for evidence in (told, replace(told, shared_from="other")):
        meter.written("main", Transition(evidence, AddressState(), AddressState(), "told"))
    reports = {name: value for name, value in _samples(_heard(meter)).items() if name.startswith("bounced_reports")}
    assert reports == ({f"bounced_reports_total['{counted}']": 1} if counted else {})


@pytest.mark.parametrize(
    ("verdict", "refused"),
    [
        (Verdict(Category.SPAM_CONTENT, "a.row", "diagnostic", status="5.7.1"), 1),
        (Verdict(Category.RATE_LIMITED, "a.row", "diagnostic", status="4.7.28", reply_code="550"), 1),
        (Verdict(Category.RATE_LIMITED, "a.row", "diagnostic", status="4.2.1", reply_code="450"), 0),
        (VERDICT, 0),
    ],
)
def test_who_refuses_or_limits_the_sender_is_counted(verdict: Verdict, refused: int) -> None:
    """By any door; a mailbox that gets too much mail of anybody does not refuse the sender."""
    meter = Meter()
    meter.committed("main", replace(SUPPRESSED, evidence=replace(EVIDENCE, verdict=verdict)), 0.004)
    told = Evidence(EvidenceType.REJECTED, EVIDENCE.at, Origin.INTAKE, verdict=verdict)
    meter.written("main", Transition(told, AddressState(), AddressState(), "told"))
    assert _samples(_heard(meter)).get("bounced_sender_refused_total['main']", 0) == 2 * refused


def test_a_fault_of_ours_has_one_name() -> None:
    """Whatever exception it is: a label has values from a closed set."""
    meter = Meter()
    for fault in ("WorkSpent", "RecursionError", "KeyError"):
        meter.not_read(fault)
    samples = _samples(_heard(meter))
    assert samples["bounced_unread_total['WorkSpent']"] == 1
    assert samples["bounced_unread_total['other']"] == 2


def test_every_counter_with_labels_says_what_it_begins_with() -> None:
    """Each value has as many labels as the metric, and stands once; those of webhooks begin in Redis."""
    known = Known(("main", "other")).series()
    counters = [each for each in declared.ALL if each.kind is declared.MetricKind.COUNTER and each.labels]
    counters = [each for each in counters if each not in (declared.HOOK_DELIVERED, declared.HOOK_TRIMMED)]
    assert set(known) == {metric.name for metric in counters}
    for metric in counters:
        series = list(known[metric.name])
        assert series
        assert {len(labels) for labels in series} == {len(metric.labels)}
        assert len(set(series)) == len(series)


def test_doors_that_are_not_open_have_no_series() -> None:
    """A daemon without LMTP does not show what could come by it."""
    for doors, shown in (((Origin.SMTP,), {"smtp", "intake"}), (DOORS, {"smtp", "lmtp", "intake"})):
        assert {labels[1] for labels in Known(("main",), doors).series()["bounced_reports"]} == shown


def test_a_list_that_a_reload_takes_away_has_no_series() -> None:
    """What was counted of it is not shown; where it comes back, it counts on."""
    meter = Meter()
    for list_ in ("main", "gone"):
        meter.committed(list_, SUPPRESSED, 0.004)
    totals = _heard(meter)
    commands: dict[tuple[str, ...], int] = {("gone", "operator", "suppress"): 3}
    for lists, shown in ((("main",), {"main"}), (("main", "gone"), {"main", "gone"})):
        text = exposition(totals, workers=1, deaths=0, sizes=None, known=Known(lists), commands=commands).decode()
        samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
        assert {each.labels["list"] for each in samples if "list" in each.labels} == shown
        assert sum(each.value for each in samples if each.name == "bounced_reports_total") == len(shown)


def test_what_was_taken_is_not_counted_again() -> None:
    """A worker reports again and again, each time only what is new; open sessions stand as they are."""
    meter, totals = Meter(), Totals()
    meter.session_opened()
    for _ in range(3):
        for line in meter.take().splitlines():
            totals.hear(0, line)
    samples = _samples(totals)
    assert samples["bounced_sessions_total[]"] == 1
    assert samples["bounced_sessions_open[]"] == 1


def test_open_sessions_of_a_dead_worker_are_gone_and_its_counts_stay() -> None:
    """What was counted happened; what was open is open no more."""
    meter = Meter()
    meter.session_opened()
    totals = _heard(meter)
    totals.forget(0)
    samples = _samples(totals)
    assert samples["bounced_sessions_total[]"] == 1
    assert samples["bounced_sessions_open[]"] == 0


@pytest.mark.parametrize(("seconds", "bound"), [(0.0005, "0.001"), (0.001, "0.001"), (0.0011, "0.002"), (7.0, "+Inf")])
def test_a_commit_is_counted_from_its_bucket_on(seconds: float, bound: str) -> None:
    """Buckets are cumulative, a bound belongs to its own bucket, and the sum is what was measured."""
    meter = Meter()
    meter.committed("main", None, seconds)
    samples = _samples(_heard(meter))
    bounds = [*map(str, declared.COMMIT_SECONDS.buckets), "+Inf"]
    counted = [samples[f"bounced_commit_seconds_bucket['{each}']"] for each in bounds]
    assert counted == [float(number >= bounds.index(bound)) for number in range(len(bounds))]
    assert samples["bounced_commit_seconds_sum[]"] == pytest.approx(seconds)
    assert samples["bounced_duplicates_total['main']"] == 1


def test_sizes_stand_by_list_and_are_absent_without_redis() -> None:
    """No stale figure is shown while Redis is away."""
    samples = _samples(Totals(), {"main": SIZES})
    assert samples["bounced_suppressed_addresses['main']"] == 9
    assert samples["bounced_addresses['bouncing', 'main']"] == 10
    assert samples["bounced_addresses['held', 'main']"] == 2
    assert samples["bounced_addresses['main', 'suppressed']"] == 7
    assert samples["bounced_due_addresses['main']"] == 2
    assert samples["bounced_overdue_addresses['main']"] == 3
    assert samples["bounced_stream_entries['intake', 'main']"] == 6
    assert samples["bounced_intake_oldest_seconds['main']"] == 8.5
    assert samples["bounced_redis_up[]"] == 1
    without = _samples(Totals())
    assert without["bounced_redis_up[]"] == 0
    assert not [name for name in without if name.startswith("bounced_suppressed")]


def test_no_label_is_one_that_prometheus_gives() -> None:
    """It would put its own in the place of ours, and ours under `exported_job`."""
    assert not [metric.name for metric in declared.ALL if {"job", "instance"} & set(metric.labels)]


def test_metric_names_are_unique_and_keep_the_conventions() -> None:
    """Names are given once, lower case, and Prometheus adds the suffix of counters itself."""
    names = [metric.name for metric in declared.ALL]
    assert len(set(names)) == len(names)
    assert all(name.startswith("bounced_") and not name.endswith("_total") for name in names)
