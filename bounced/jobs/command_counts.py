"""What commands committed, counted on from the hourly counters in Redis: they are processes that nobody asks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bounced.core.contract.hourly_counters import COMMANDS, hours_before
from bounced.ports import Clock, CommandHours

READ_EVERY_S = 5.0
HOURS = 48
"""How far back an hour may be in which something is counted: a report counts in the hour in which it was written."""
_NONE = (0,) * len(COMMANDS)


class CommandCounts:
    """A job that adds up by how much the counters of the last hours grew since it looked first."""

    name = "command counts"

    def __init__(self, hours: CommandHours, lists: Sequence[str], clock: Clock) -> None:
        self._hours = hours
        self._lists = tuple(lists)
        self._clock = clock
        self._seen: dict[str, dict[str, Sequence[int]]] = {}
        self._total: Counter[tuple[str, ...]] = Counter()

    def use(self, lists: Sequence[str]) -> None:
        """Know these lists from now on."""
        self._lists = tuple(lists)

    @property
    def total(self) -> Mapping[tuple[str, ...], int]:
        """How many commits there were since the start, by list, origin and type."""
        return self._total

    async def round(self) -> float:
        """Look at every list once.  Raises StoreUnavailable."""
        now = self._clock()
        for list_ in self._lists:
            await self._look(list_, now)
        return READ_EVERY_S

    async def _look(self, list_: str, now: datetime) -> None:
        hours = hours_before(now + timedelta(hours=1), HOURS + 1)  # a host whose clock is ahead counts in the next one
        found = dict(zip(hours, await self._hours.command_hours(list_, hours), strict=True))
        if list_ in self._seen:
            self._add(list_, self._seen[list_], found)
        self._seen[list_] = found

    def _add(self, list_: str, seen: Mapping[str, Sequence[int]], found: Mapping[str, Sequence[int]]) -> None:
        for hour, counts in found.items():
            for command, before, after in zip(COMMANDS, seen.get(hour, _NONE), counts, strict=True):
                self._total[list_, *command] += after - before if after >= before else after  # less: Redis was emptied
