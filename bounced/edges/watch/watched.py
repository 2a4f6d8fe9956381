"""The pipeline as the doors see it: each commit counted and logged, those under way known, exchangeable.

A report that is not committed is counted by its door, which alone knows why it gave up (``Observer.report_deferred``).
"""

from collections.abc import Callable
from time import perf_counter

import structlog

from bounced.core.terms import Destination, Envelope
from bounced.edges.watch.key_doubts import KeyDoubts
from bounced.edges.watch.log import Event
from bounced.edges.watch.metrics.meter import Meter
from bounced.ports import Committed, PathRefused, Receiver

LOG = structlog.get_logger()


class WatchedReceiver:
    """Passes each message on to the Receiver that ``present`` returns: a reload may put another one in its place."""

    def __init__(self, present: Callable[[], Receiver], meter: Meter, doubts: KeyDoubts | None = None) -> None:
        self._present = present
        self._meter = meter
        self._doubts = doubts or KeyDoubts()
        self._begun: dict[object, float] = {}

    @property
    def oldest_s(self) -> float:
        """How long the oldest commit has been under way, in seconds; 0 where there is none."""
        return perf_counter() - next(iter(self._begun.values())) if self._begun else 0.0

    async def admit(self, forward_path: str) -> Destination:
        """Return whom a forward-path stands for.  Raises PathRefused, StoreUnavailable."""
        try:
            return await self._present().admit(forward_path)
        except PathRefused as refused:
            self._doubts.hear(refused)
            raise

    async def process(self, destination: Destination, envelope: Envelope) -> Committed:
        """Read, classify, decide, commit, count and log one message.  Raises StoreUnavailable."""
        ticket, begun = object(), perf_counter()
        self._begun[ticket] = begun
        try:
            committed = await self._present().process(destination, envelope)
        finally:
            del self._begun[ticket]
        elapsed_s = perf_counter() - begun
        self._meter.committed(destination.list, committed.transition, elapsed_s)
        _log(committed, destination, envelope, elapsed_ms=round(elapsed_s * 1000, 2))
        return committed


def _log(committed: Committed, destination: Destination, envelope: Envelope, elapsed_ms: float) -> None:
    transition = committed.transition
    facts = {"id": committed.event_id, "list": destination.list, "peer": envelope.peer, "elapsed_ms": elapsed_ms}
    if transition is None:
        LOG.info(Event.REPORT_DUPLICATED, **facts)
        return
    evidence, verdict = transition.evidence, transition.evidence.verdict
    LOG.info(
        Event.REPORT_COMMITTED,
        **facts,
        address=getattr(destination, "recipient", ""),
        kind=evidence.kind,
        category=verdict.category if verdict else None,
        rule=verdict.rule if verdict else None,
        before=transition.before.state,
        after=transition.after.state,
        reason=transition.reason,
        origin=evidence.origin,
    )
