"""When a receiver is asked: how many requests at once, and with what pauses while it does not take them."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FIRST_PAUSE_S, LAST_PAUSE_S = 1.0, 3600.0
"""Between two tries of one event: each pause is about twice as long as the one before."""
LAST_PAUSE_OF_ALL_S = 300.0
"""Between two tries of a receiver that takes nothing at all."""
ENOUGH_FAILURES = 10
"""So many in a row, with nothing taken between, say that the receiver is down, not that it refuses an event."""


class Pace:
    """The requests to one receiver, ``most`` at once.

    While the receiver is down, one event at a time is tried, with pauses for all: what waits is not tried in vain, and
    its own time to be set aside does not begin.
    """

    def __init__(self, most: int) -> None:
        self._places = asyncio.Semaphore(most)
        self._alone = asyncio.Lock()
        self._enough = max(ENOUGH_FAILURES, most)
        self._failures = 0
        self._pauses = 0
        self._not_before = 0.0

    @property
    def down(self) -> bool:
        """Whether the receiver has taken nothing lately."""
        return self._failures >= self._enough

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn, and hold it."""
        async with self._places:
            if not self.down:
                await self._until_wanted()
                yield
                return
            async with self._alone:
                await self._until_wanted()
                yield

    def pause_s(self, failures: int) -> float:
        """Return how long an event waits that failed so often: not as long where it is not the event's fault."""
        return _pause_s(failures, LAST_PAUSE_OF_ALL_S if self.down else LAST_PAUSE_S)

    def taken(self) -> None:
        """Hear that the receiver took an event."""
        self._failures = self._pauses = 0

    def failed(self, asked_s: float | None) -> None:
        """Hear that it did not, and how long it wants to be left alone."""
        now = asyncio.get_running_loop().time()
        self._failures += 1
        if self.down and now >= self._not_before:
            self._pauses += 1
            self._not_before = now + _pause_s(self._pauses, LAST_PAUSE_OF_ALL_S)
        if asked_s is not None:
            self._not_before = max(self._not_before, now + asked_s)

    async def _until_wanted(self) -> None:
        loop = asyncio.get_running_loop()
        while (rest := self._not_before - loop.time()) > 0:  # noqa: ASYNC110 - it may be later by then
            await asyncio.sleep(rest)


def _pause_s(failures: int, last_s: float) -> float:
    """Return how long to wait after so many failures, by chance a quarter more or less."""
    chance = random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, hides nothing
    return min(last_s, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 20)) * chance
