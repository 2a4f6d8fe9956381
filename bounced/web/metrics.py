"""What the listeners of one process count, in the text format of Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one process: the private listener gives those of the public one too, where both run here."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "bounced_web_requests", "Requests that were answered.", ("route", "status"), registry=self._registry
        )
        self._hook_events = Counter(
            "bounced_web_hook_events",
            "Events of hosted services, by what they say; silent and not_heard are beside the types of the intake.",
            ("service", "says"),
            registry=self._registry,
        )
        self._hooks_refused = Counter(
            "bounced_web_hooks_refused",
            "Requests to hooks without a good proof.",
            ("service", "reason"),
            registry=self._registry,
        )
        self._of_route: dict[tuple[str, int], Counter] = {}
        self._seconds = Histogram(
            "bounced_web_request_seconds",
            "Time from the head of a request to its answer, streams left out.",
            registry=self._registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self._connections = Gauge("bounced_web_connections", "Connections that are open.", registry=self._registry)
        self._streams = Gauge("bounced_web_streams", "Programs that follow events.", registry=self._registry)

    def watch(self, connections: Callable[[], int], streams: Callable[[], int]) -> None:
        """Ask these for the numbers of the moment."""
        self._connections.set_function(connections)
        self._streams.set_function(streams)

    def answered(self, route: str, status: int, took_s: float | None) -> None:
        """Count one answer; ``took_s`` is None for a stream."""
        counter = self._of_route.get((route, status))
        if counter is None:
            counter = self._of_route[route, status] = self._requests.labels(route, str(status))
        counter.inc()
        if took_s is not None:
            self._seconds.observe(took_s)

    def heard(self, service: str, says: str, count: int) -> None:
        """Count events of a service; the names are ours."""
        self._hook_events.labels(service, says).inc(count)

    def refused(self, service: str, reason: str) -> None:
        """Count a request that did not prove where it comes from; the names are ours."""
        self._hooks_refused.labels(service, reason).inc()

    def text(self) -> bytes:
        """Return everything that was counted."""
        return generate_latest(self._registry)
