"""Documentation, dashboard and alerts speak of metrics that there are, with labels that they have."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bounced.edges.watch.metrics import declared
from bounced.web.metrics import Metrics
from docs.generate import pages
from tests.docs.test_references import slug

PROJECT = Path(__file__).parents[2]
DASHBOARD = PROJECT / "config/examples/grafana-dashboard.json"
ALERTS = PROJECT / "config/examples/alerts.yml"
MANUAL = PROJECT / "docs/operate.md"
SERIES = {series: metric for metric in declared.ALL for series in metric.series}
ADDED_BY_PROMETHEUS = {"le", "instance", "job"}


def _of_the_web_application() -> dict[str, set[str]]:
    """Return the labels of each series that the web application exposes."""
    metrics = Metrics()
    metrics.answered("/healthz", 200, 0.1)
    metrics.heard("mailgun", "delivered", 1)
    metrics.refused("mailgun", "bad_signature")
    families = text_string_to_metric_families(metrics.text().decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


LABELS = {series: set(metric.labels) for series, metric in SERIES.items()} | _of_the_web_application()


def _queries() -> Iterator[tuple[str, str]]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for rule in re.split(r"(?m)^ +- alert: ", ALERTS.read_text())[1:]:
        yield rule.splitlines()[0], rule.partition("expr:")[2].partition("labels:")[0]


QUERIES = list(_queries())


@pytest.mark.parametrize(("place", "query"), QUERIES, ids=[place for place, _ in QUERIES])
def test_a_query_asks_for_what_there_is(place: str, query: str) -> None:
    """Every series exists, every label that selects or groups belongs to one of them, every value is possible."""
    names = re.findall(r"\bbounced_\w+", query)
    assert names, place
    assert set(names) <= set(LABELS), place
    labels = {label for name in names for label in LABELS[name]} | ADDED_BY_PROMETHEUS
    selected = set(re.findall(r'(\w+)=~?"', query))
    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", query) for label in group.split(",")}
    assert selected | grouped <= labels, place


def test_every_metric_is_shown_on_the_dashboard() -> None:
    """What the daemon counts can be seen without writing a query."""
    shown = {SERIES[name] for target in QUERIES for name in re.findall(r"\bbounced_\w+", target[1]) if name in SERIES}
    assert shown == set(declared.ALL)


def test_the_manual_says_what_to_do_about_every_alert() -> None:
    """Whoever is called at night finds the name of the alert in operate.md."""
    manual = MANUAL.read_text()
    assert [name for name in re.findall(r"alert: (\w+)", ALERTS.read_text()) if f"`{name}`" not in manual] == []


def test_every_alert_leads_to_what_to_do_about_it() -> None:
    """Its `runbook_url` names a section of operate.md that is there, and whose heading names the alert."""
    by_slug = {slug(heading): heading for heading in re.findall(r"(?m)^### (.*)$", MANUAL.read_text())}
    rules = re.split(r"(?m)^ +- alert: ", ALERTS.read_text())[1:]
    for rule in rules:
        (page, anchor) = re.findall(r"runbook_url: https://docs\.example\.com/bounced/(\S+)#(\S+)", rule)[0]
        assert page == MANUAL.name
        assert f"`{rule.splitlines()[0]}`" in by_slug[anchor]


def test_what_is_generated_is_up_to_date() -> None:
    """`make docs` has nothing to change."""
    assert [file.name for file, text in pages().items() if file.read_text("utf-8") != text] == []
