"""How a delivery stands, as it is written into Redis now and then."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from bounced.core.contract.hooks import Mark
from bounced.core.contract.times import stamp
from bounced.edges.redis.hook_streams import HookStreams
from bounced.ports import StoreUnavailable

EVERY_S = 1.0


class Notes:
    """Gathers what happens, and writes it once a second where something did: not once for each event.

    ``standing`` returns how many events are pending, and since when the first of them fails.
    """

    def __init__(self, streams: HookStreams, standing: Callable[[], tuple[int, datetime | None]]) -> None:
        self._streams = streams
        self._standing = standing
        self._marks = dict[Mark, str]()
        self._delivered = 0

    def delivered(self, now: datetime) -> None:
        """Note that the receiver took an event."""
        self._delivered += 1
        self._marks[Mark.LAST_SUCCESS_AT] = stamp(now)

    def failed(self, words: str, now: datetime) -> None:
        """Note that it did not."""
        self._marks |= {Mark.LAST_FAILURE_AT: stamp(now), Mark.LAST_FAILURE: words}

    async def write_for_ever(self) -> None:
        """Write what is new."""
        told: dict[Mark, str] = {}
        while True:
            present = self._present()
            if self._delivered or present != told:
                try:
                    await self.write()
                    told = present
                except StoreUnavailable:
                    pass  # the lease is as good as lost; what is noted is kept for the next time
            await asyncio.sleep(EVERY_S)

    async def write(self) -> None:
        """Write how it stands.  Raises StoreUnavailable."""
        count, self._delivered = self._delivered, 0
        try:
            await self._streams.note(self._present(), count)
        except StoreUnavailable:
            self._delivered += count
            raise

    def _present(self) -> dict[Mark, str]:
        pending, since = self._standing()
        return {**self._marks, Mark.PENDING: str(pending) if pending else "", Mark.FAILING_SINCE: stamp(since)}
