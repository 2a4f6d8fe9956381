"""What all workers counted, added up by the parent; it outlives each of them."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family

from bounced.edges.watch.metrics import declared
from bounced.edges.watch.metrics.declared import Metric, MetricKind
from bounced.edges.watch.metrics.known import Known
from bounced.edges.watch.metrics.meter import SUM, Series, bounds

NOTHING_KNOWN = Known()


class Totals:
    """Hears the lines of ``Meter.take`` from each worker, by its place among them."""

    def __init__(self) -> None:
        self._counted: dict[str, Counter[Series]] = defaultdict(Counter)
        self._open: dict[int, int] = {}

    def hear(self, place: int, line: bytes) -> None:
        """Add one line of a worker.  Raises ValueError for what is none."""
        name, *labels, value = json.loads(line)
        if name == declared.SESSIONS_OPEN.name:
            self._open[place] = value
        else:
            self._counted[name][tuple(labels)] += value

    def counted(self, metric: Metric) -> Mapping[Series, float]:
        """Return a counter's values by its labels, since the start."""
        return dict(self._counted[metric.name])

    def forget(self, place: int) -> None:
        """Drop what was true of a worker only while it lived: its open sessions."""
        self._open.pop(place, None)

    def families(self, known: Known = NOTHING_KNOWN) -> Iterator[Family]:
        """Yield every metric that workers count, also those that are 0 still."""
        begun = known.series()
        for metric in declared.COUNTED:
            counted = self._counted[metric.name]
            match metric.kind:
                case MetricKind.COUNTER:
                    shown = {labels: count for labels, count in counted.items() if known.covers(metric, labels)}
                    yield counter(metric, {**dict.fromkeys(begun.get(metric.name, [()]), 0.0), **shown}.items())
                case MetricKind.HISTOGRAM:
                    yield _histogram(metric, counted)
                case MetricKind.GAUGE:
                    yield gauge(metric, [((), sum(self._open.values()))])


def counter(metric: Metric, values: Iterable[tuple[Series, float]]) -> Family:
    """Return a counter by the values of its labels."""
    family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def gauge(metric: Metric, values: Iterable[tuple[Series, float]]) -> Family:
    """Return a gauge by the values of its labels."""
    family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _histogram(metric: Metric, counted: Counter[Series]) -> Family:
    so_far, buckets = 0, []
    for bound in bounds(metric):
        so_far += counted[(bound,)]
        buckets.append((bound, so_far))
    family = HistogramMetricFamily(metric.name, metric.meaning)
    family.add_metric((), buckets, counted[(SUM,)])
    return family
