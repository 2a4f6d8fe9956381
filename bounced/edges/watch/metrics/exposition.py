"""All metrics of the daemon as Prometheus reads them: what workers counted, what the parent knows and measures."""

import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family

from bounced.core.contract.alarms import REDIS
from bounced.core.contract.hook_standing import HookStanding
from bounced.edges.redis.overview import ListSizes
from bounced.edges.version import running
from bounced.edges.watch.metrics import declared
from bounced.edges.watch.metrics.known import Known, Labels
from bounced.edges.watch.metrics.totals import NOTHING_KNOWN, Totals, counter, gauge
from bounced.ports import Findings

CONTENT_TYPE = CONTENT_TYPE_LATEST
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def exposition(
    totals: Totals,
    *,
    workers: int,
    deaths: int,
    sizes: Mapping[str, ListSizes] | None,
    found: Mapping[str, Findings] = MappingProxyType({}),
    known: Known = NOTHING_KNOWN,
    commands: Mapping[Labels, int] = MappingProxyType({}),
    certificate_until: datetime | None = None,
    hooks: Mapping[Labels, HookStanding] = MappingProxyType({}),
    now: datetime = EPOCH,
) -> bytes:
    """Return all metrics as text.

    ``sizes`` are those of each list, None where Redis takes no commits now; ``found`` is what was seen of its server.
    ``hooks`` is how webhooks stand, by list and name, ``now`` the time at which they were looked at.
    ``known`` is what the counters begin with; ``commands`` what commands committed, by list, origin and type.
    """
    registry = CollectorRegistry()
    registry.register(_Complete((*totals.families(known), *_own(workers, deaths, up=sizes is not None))))
    registry.register(_Complete(_of_others(known, commands, certificate_until)))
    registry.register(_Complete(_of_servers(found)))
    if sizes is not None:
        registry.register(_Complete(_of_lists(sizes)))
        registry.register(_Complete(_of_hooks(hooks, now)))
    return generate_latest(registry)


class _Complete:
    """A collector of families that are complete already."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Family]:
        """Return them."""
        return self._families


def _of_others(known: Known, commands: Mapping[Labels, int], certificate_until: datetime | None) -> Iterable[Family]:
    begun = dict.fromkeys(known.series()[declared.COMMANDS.name], 0)
    shown = {labels: count for labels, count in commands.items() if known.covers(declared.COMMANDS, labels)}
    yield counter(declared.COMMANDS, {**begun, **shown}.items())
    until = [] if certificate_until is None else [((), certificate_until.timestamp())]
    yield gauge(declared.CERTIFICATE_EXPIRY, until)


def _own(workers: int, deaths: int, *, up: bool) -> Iterable[Family]:
    yield gauge(declared.BUILD_INFO, [((running().version, platform.python_version()), 1)])
    yield gauge(declared.WORKERS, [((), workers)])
    yield counter(declared.WORKER_DEATHS, [((), deaths)])
    yield gauge(declared.REDIS_UP, [((), int(up))])


def _of_servers(found: Mapping[str, Findings]) -> Iterable[Family]:
    yield gauge(declared.REPLACED, [((name,), int(bool(one.faults[REDIS]))) for name, one in found.items()])
    yield gauge(declared.CLOCK_APART, [((name,), one.apart_s) for name, one in found.items()])


def _of_hooks(hooks: Mapping[Labels, HookStanding], now: datetime) -> Iterable[Family]:
    begun = {labels: each for labels, each in hooks.items() if each.state.begun}
    yield gauge(
        declared.HOOK_BEHIND, [(labels, each.behind_for(now).total_seconds()) for labels, each in begun.items()]
    )
    yield gauge(declared.HOOK_SET_ASIDE, [(labels, each.kept) for labels, each in hooks.items()])
    yield gauge(declared.HOOK_STOPPED, [(labels, int(bool(each.state.stopped))) for labels, each in hooks.items()])
    yield counter(declared.HOOK_DELIVERED, [(labels, each.state.delivered) for labels, each in hooks.items()])
    yield counter(declared.HOOK_TRIMMED, [(labels, each.state.trimmed) for labels, each in hooks.items()])


def _of_lists(sizes: Mapping[str, ListSizes]) -> Iterable[Family]:
    yield gauge(declared.SUPPRESSED, [((name,), one.suppressed) for name, one in sizes.items()])
    yield gauge(
        declared.BY_STATE,
        [((name, state), size) for name, one in sizes.items() for state, size in one.by_state.items()],
    )
    yield gauge(declared.DUE, [((name,), one.due) for name, one in sizes.items()])
    yield gauge(declared.OVERDUE, [((name,), one.overdue) for name, one in sizes.items()])
    yield gauge(
        declared.STREAM_ENTRIES,
        [((name, stream), entries) for name, one in sizes.items() for stream, entries in one.streams.items()],
    )
    yield gauge(declared.DISPUTED, [((name,), one.disputed) for name, one in sizes.items()])
    yield gauge(declared.ALARMS, [((name,), one.alarms) for name, one in sizes.items()])
    yield gauge(declared.INTAKE_OLDEST, [((name,), one.intake_oldest_s) for name, one in sizes.items()])
