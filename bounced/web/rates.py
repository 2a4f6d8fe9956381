"""How often somebody may ask: a bucket that fills steadily, for each token and each peer."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

LARGEST_COST = 101
"""What the largest request costs, a check of 10,000 addresses: even a slow token may make it."""

MAX_NAMES = 10_000
"""Whoever has not asked for the longest is forgotten: its bucket is full by then, or it has very many addresses."""


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Rates:
    """The buckets of all names.  A bucket holds the requests of two seconds, and never fewer than ``least``."""

    def __init__(self, now: Callable[[], float] = monotonic, *, least: float = LARGEST_COST) -> None:
        self._now = now
        self._least = least
        self._buckets: dict[str, _Bucket] = {}

    def wait_s(self, name: str, rate: float, cost: float = 1) -> float:
        """Take what a request costs and return 0, or return in how many seconds it may come again."""
        now, most = self._now(), max(2 * rate, self._least)
        bucket = self._buckets[name] = self._buckets.pop(name, _Bucket(most, now))
        if len(self._buckets) > MAX_NAMES:
            del self._buckets[next(iter(self._buckets))]
        bucket.level = min(most, bucket.level + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.level < cost:
            return (cost - bucket.level) / rate
        bucket.level -= cost
        return 0.0

    def owe(self, name: str, cost: float) -> None:
        """Take what turned out to be the cost of a request that was let in; its name waits for it the next time."""
        if bucket := self._buckets.get(name):
            bucket.level -= cost

    def forget(self, names: set[str]) -> None:
        """Keep the buckets of these names only."""
        self._buckets = {name: bucket for name, bucket in self._buckets.items() if name in names}
