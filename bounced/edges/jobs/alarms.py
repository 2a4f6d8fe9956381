"""Alarms are raised and cleared as the sender's rates change, each told once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from bounced.core.alarms import OF_THE_SERVER, WINDOW_HOURS, Alarm, alarms, rates
from bounced.core.stamp import stamp
from bounced.edges.jobs.rounds import together
from bounced.edges.log import Event
from bounced.pipeline import Pipeline

LOG = structlog.get_logger()

PAUSE_S = 30.0


class Counts(Protocol):
    """The hourly counters and the alarms of a list.  All methods raise StoreUnavailable."""

    async def counts(self, list_: str, now: datetime, hours: int) -> Sequence[Mapping[str, int]]:
        """Return the counters of the last hours, this one among them."""

    async def standing(self, list_: str) -> Mapping[str, str]:
        """Return the alarms now standing, as JSON by their scope."""

    async def ring(self, list_: str, scope: str, before: str, after: str, event: Mapping[str, str]) -> bool:
        """Replace an alarm and tell ``event``, if there is one; False where another worker has replaced it before.

        An empty text stands for no alarm.
        """


class AlarmBell:
    """Compares the rates of the last 24 hours with the alarms that stand.  ``present`` gives the pipeline of now."""

    name = "alarms"

    def __init__(self, present: Callable[[], Pipeline], counts: Counts) -> None:
        self._present = present
        self._counts = counts

    async def round(self) -> float:
        """Bring the alarms of every list up to date; one list that fails does not stop the others."""
        pipeline = self._present()
        await together(self._compare(pipeline, list_) for list_ in pipeline.lists)
        return PAUSE_S

    async def _compare(self, pipeline: Pipeline, list_: str) -> None:
        now = pipeline.clock()
        sums = rates(await self._counts.counts(list_, now, WINDOW_HOURS))
        raised = alarms(sums, pipeline.lists[list_].alarms, now)
        standing = await self._counts.standing(list_)
        for scope in sorted(raised.keys() | standing.keys() - OF_THE_SERVER):
            await self._replace(list_, scope, standing.get(scope, ""), raised.get(scope), now)

    async def _replace(self, list_: str, scope: str, standing: str, raised: Alarm | None, now: datetime) -> None:
        before = _alarm(standing)
        if before and raised and before.level is raised.level:
            raised = replace(raised, since=before.since)
        after = raised.to_json() if raised else ""
        if after == standing:
            return
        told = _event(scope, raised, now) if (before and before.level) is not (raised and raised.level) else {}
        if await self._counts.ring(list_, scope, standing, after, told) and told:
            event = Event.ALARM_RAISED if raised else Event.ALARM_CLEARED
            LOG.warning(event, list=list_, scope=scope, level=raised.level if raised else None)


def _alarm(text: str) -> Alarm | None:
    """Return an alarm that stands; one that cannot be read counts as none, and is replaced."""
    try:
        return Alarm.from_json(text) if text else None
    except ValueError:
        return None


def _event(scope: str, raised: Alarm | None, now: datetime) -> dict[str, str]:
    told = {"type": "alarm", "at": stamp(now), "scope": scope}
    if raised is None:
        return told | {"level": "clear"}
    return told | {
        "level": raised.level,
        "sent": str(raised.sent),
        "hard": str(raised.hard),
        "complaints": str(raised.complaints),
    }
