"""What a server says that decides whether it can be believed: the time, and which server it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bounced.core.contract.times import DAY_S

MAX_APART = timedelta(days=1)
"""Clocks that are farther apart leave open whether a return path is spent: its age is counted in days."""


@dataclass(frozen=True, slots=True)
class ClockAndIdentity:
    """What the server of a list says of itself: its clock, and its identity, which is empty where it has none."""

    clock: datetime
    identity: str

    def apart_s(self, now: datetime) -> float:
        """Return by how many seconds our clock is ahead of the server's."""
        return (now - self.clock).total_seconds()

    def clock_fault(self, now: datetime) -> str:
        """Return how our clock and the server's contradict each other; empty where they are within a day."""
        if abs(now - self.clock) <= MAX_APART:
            return ""
        days, word = abs(self.apart_s(now)) / DAY_S, "ahead of" if now > self.clock else "behind"
        return f"our clock says {now:%Y-%m-%d %H:%M} UTC and is {days:.0f} days {word} that of Redis"

    def identity_fault(self, known: str) -> str:
        """Return that this is not the server that is known; empty where it is, or where none is known."""
        if not known or known == self.identity:
            return ""
        found = (
            f"this one is {self.identity}" if self.identity else "this one has no identity, as an empty one has none"
        )
        return f"this is not the Redis that kept the list: that was {known}, {found}"
