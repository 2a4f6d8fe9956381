"""Alarms are raised and cleared as the sender's rates change, each told once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from bounced.core.contract.alarms import (
    HOOK,
    OF_THE_SERVER,
    WINDOW_HOURS,
    Alarm,
    alarms,
    complaints_of_nobody,
    hook_alarms,
    provider_alarms,
    rates,
)
from bounced.core.contract.times import stamp
from bounced.core.policy.outage import disputed_provider
from bounced.edges.watch.log import Event
from bounced.jobs.rounds import together
from bounced.pipeline import Pipeline
from bounced.ports import HourlyCounters

LOG = structlog.get_logger()

PAUSE_S = 30.0


class AlarmUpdater:
    """Compares the rates of the last 24 hours with the alarms that stand.  ``present`` gives the pipeline of now."""

    name = "alarms"

    def __init__(self, present: Callable[[], Pipeline], counts: HourlyCounters) -> None:
        self._present = present
        self._counts = counts

    async def round(self) -> float:
        """Bring the alarms of every list up to date; one list that fails does not stop the others."""
        pipeline = self._present()
        await together(self._compare(pipeline, list_) for list_ in pipeline.lists)
        await together(self._compare_hooks(pipeline, list_) for list_ in pipeline.lists)
        return PAUSE_S

    async def _compare(self, pipeline: Pipeline, list_: str) -> None:
        now = pipeline.clock()
        hours = await self._counts.counts(list_, now, WINDOW_HOURS)
        standing = await self._counts.standing(list_)
        providers = filter(None, map(disputed_provider, await self._counts.disputed(list_, now)))
        raised = alarms(rates(hours), pipeline.lists[list_].alarms, now, complaints_of_nobody(hours))
        raised |= provider_alarms(providers, hours, standing, now)
        of_others = {scope for scope in standing if scope in OF_THE_SERVER or scope.startswith(HOOK)}
        for scope in sorted(raised.keys() | standing.keys() - of_others):
            await self._replace(list_, scope, standing.get(scope, ""), raised.get(scope), now)

    async def _compare_hooks(self, pipeline: Pipeline, list_: str) -> None:
        now, names = pipeline.clock(), pipeline.lists[list_].hooks
        standing = {
            scope: text for scope, text in (await self._counts.standing(list_)).items() if scope.startswith(HOOK)
        }
        raised = hook_alarms({name: await self._counts.hook_standing(list_, name) for name in names}, now)
        for scope in sorted(raised.keys() | standing.keys()):
            await self._replace(list_, scope, standing.get(scope, ""), raised.get(scope), now)

    async def _replace(self, list_: str, scope: str, standing: str, raised: Alarm | None, now: datetime) -> None:
        before = _alarm(standing)
        if before and raised and before.level is raised.level:
            raised = replace(raised, since=before.since)
        after = raised.to_json() if raised else ""
        if after == standing:
            return
        told = _event(scope, raised, now) if (before and before.level) is not (raised and raised.level) else {}
        if await self._counts.replace_alarm(list_, scope, standing, after, told) and told:
            event = Event.ALARM_RAISED if raised else Event.ALARM_CLEARED
            named = {"providers": raised.who} if raised and raised.providers else {}
            named |= {"reason": raised.reason} if raised and raised.reason else {}
            LOG.warning(event, list=list_, scope=scope, level=raised.level if raised else None, **named)


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
        **({"providers": raised.who} if raised.providers else {}),
        **({"reason": raised.reason} if raised.reason else {}),
    }
