"""A warning when refused return paths look as if a sender of ours makes them wrongly: their bounces are lost.

A path that only a holder of our keys can have made is told at once, any other when many come in a burst.  Each cause is
told once in an hour.  The peer hears the same refusal in each case.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic

import structlog

from bounced.core.return_path import Cause
from bounced.edges.watch.log import Event
from bounced.ports import PathRefused

LOG = structlog.get_logger()

BURST = 5
AGAIN_AFTER_S = WITHIN_S = 3600.0
"""So many unproven ones within so long are a burst, and so long a cause is not told again."""
LOOKS_MAX, LOOKS_PER_S = 100.0, 5.0
"""A flood of forged paths is looked at in samples: to explain one costs up to 3 ms."""
MAX_CAUSES = 100


class KeyDoubts:
    """Hears of refused paths and warns.  ``now`` is a clock that only goes forward, in seconds."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._looks, self._looked_at = LOOKS_MAX, now()
        self._unproven: dict[Cause, deque[float]] = {}
        self._told: dict[Cause, float] = {}
        self._counts: dict[Cause, int] = {}

    def hear(self, refused: PathRefused) -> None:
        """Hear of one refused path."""
        now = self._now()
        cause = refused.explain() if not refused.for_now and self._may_look(now) else None
        if cause is None:
            return
        self._counts[cause] = self._counts.get(cause, 0) + 1
        if (cause.proven or self._is_burst(cause, now)) and self._is_due(cause, now):
            LOG.warning(
                Event.KEY_DOUBTED, list=cause.list, reason=refused.reason, seen=self._counts.pop(cause), text=cause.text
            )

    def _may_look(self, now: float) -> bool:
        self._looks = min(LOOKS_MAX, self._looks + (now - self._looked_at) * LOOKS_PER_S)
        self._looked_at = now
        if self._looks < 1:
            return False
        self._looks -= 1
        return True

    def _is_burst(self, cause: Cause, now: float) -> bool:
        if len(self._unproven) > MAX_CAUSES:
            self._unproven.clear()
            self._counts.clear()
        times = self._unproven.setdefault(cause, deque(maxlen=BURST))
        times.append(now)
        return len(times) == BURST and now - times[0] <= WITHIN_S

    def _is_due(self, cause: Cause, now: float) -> bool:
        if now - self._told.get(cause, -AGAIN_AFTER_S) < AGAIN_AFTER_S:
            return False
        if len(self._told) > MAX_CAUSES:
            self._told.clear()
        self._told[cause] = now
        return True
