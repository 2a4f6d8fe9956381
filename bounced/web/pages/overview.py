"""The overview of a list: whether mail is taken in, what stands now, what came in, how the list grew."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from typing import Any

from starlette.responses import Response

from bounced.config import build
from bounced.core.contract.alarms import Alarm
from bounced.core.escape import visible
from bounced.core.terms import State
from bounced.edges.judge.finding import Finding, Outcome
from bounced.edges.judge.look import Look
from bounced.edges.redis.course import first_counted, sums
from bounced.edges.redis.hook_overview import hook_standing
from bounced.edges.redis.overview import Overview
from bounced.edges.redis.status import list_statuses
from bounced.edges.watch.daemon import Told, ask
from bounced.edges.watch.taken_in import Status
from bounced.web.pages.chart import leading
from bounced.web.pages.counted import NAMES, Counted, days_kept, hours_kept_since, spans_of_counters
from bounced.web.pages.layout import Visit, page, rendered

ANSWER_S = 2.0
"""How long the page waits for the daemon."""
USUAL = "48h"
CHOICES = (("48h", "48 hours"), ("7d", "7 days"), ("35d", "35 days"), ("90d", "90 days"), ("365d", "a year"))
"""The spans that one click chooses."""
STATES = (State.SUPPRESSED, State.HELD, State.BOUNCING)


@dataclass(frozen=True, slots=True)
class Now:
    """What stands at this moment.

    ``alarms`` have their scopes; of one that cannot be read there is none.  ``doubts`` are what the daemon found that
    has to be mended and keeps no mail out.  ``aside`` has how many events each webhook could not deliver.
    """

    status: Status
    alarms: Sequence[tuple[str, Alarm | None]]
    doubts: Sequence[Finding]
    aside: Sequence[tuple[str, int]]

    @property
    def refused(self) -> list[tuple[str, int]] | None:
        """Return paths that were refused since the daemon's start, by the reason; None where no daemon tells."""
        if not self.status.daemon:
            return None
        counted: dict[str, float] = self.status.daemon.get("paths_refused", {})
        return sorted(((visible(name), int(count)) for name, count in counted.items()), key=lambda each: -each[1])


@page(USUAL)
async def overview(visit: Visit) -> Response:
    """Show everything about one list."""
    view, desk = visit.view, visit.desk
    shown = spans_of_counters(view)
    keys = desk.present.lists[view.list_].keys
    asked = [(*span.days, *span.hours) for span in shown]
    stands, counts = await asyncio.gather(_now(visit), sums(desk.store, keys, asked, NAMES))
    has_days = any(span.days for span in shown)
    counted = Counted(shown, counts)
    return rendered(
        visit,
        "overview.html",
        here="overview",
        now=stands,
        counted=counted,
        came_in=leading(counted.came_in, partial(view.url, "/live" if counted.unit == "hour" else "/")),
        changes=leading(counted.changes, partial(view.url, "/changes", what="states")),
        span={"since": view.given.get("since", USUAL), "until": view.given.get("until", "")},
        states=STATES,
        choices=CHOICES,
        usual=USUAL,
        hours_since=hours_kept_since(view).date() if has_days else None,
        days_since=await _days_since(visit) if has_days else None,
    )


@page(USUAL, is_use=False)
async def now(visit: Visit) -> Response:
    """Show what stands at this moment: the part that the page asks for again and again."""
    return rendered(visit, "now.html", now=await _now(visit))


async def _now(visit: Visit) -> Now:
    view, desk = visit.view, visit.desk
    keys = desk.present.lists[view.list_].keys
    told, (lists, hosts), raised, aside = await asyncio.gather(
        daemon_told(visit),
        list_statuses(desk.store, {view.list_: keys}, build.webhooks_of(desk.present.config), view.now),
        Overview(desk.store, view.list_, keys).alarms(),
        _aside(visit),
    )
    record = told.record or {}
    findings = [finding_of(each) for each in record.get("findings", ())]
    doubts = [each for each in findings if each.outcome in (Outcome.WARNING, Outcome.ERROR) and not each.defers]
    # The daemon looks at Redis: the pages' own user of Redis may not.
    status = Status(told, Look(()), lists, hosts, view.now)
    return Now(status, [(visible(scope), _alarm(text)) for scope, text in sorted(raised.items())], doubts, aside)


async def _days_since(visit: Visit) -> date | None:
    """Return the first day of the list that was counted as one."""
    keys = visit.desk.present.lists[visit.view.list_].keys
    found = await first_counted(visit.desk.store, keys, days_kept(visit.view))
    return date.fromisoformat(found) if found else None


async def daemon_told(visit: Visit) -> Told:
    """Return how the daemon of this host says that it is."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await ask(visit.desk.present.config)
    except TimeoutError:
        return Told(None, (f"no answer within {ANSWER_S:.0f} s",))


async def _aside(visit: Visit) -> list[tuple[str, int]]:
    """Return how many events of the list are kept that a webhook's receiver did not take."""
    list_ = visit.view.list_
    hooks = [hook.name for hook in visit.desk.present.config.hooks if not hook.lists or list_ in hook.lists]
    keys = visit.desk.present.lists[list_].keys
    found = await asyncio.gather(*(hook_standing(visit.desk.store, list_, keys, hook) for hook in hooks))
    return [(hook, standing.kept) for hook, standing in zip(hooks, found, strict=True)]


def finding_of(told: Mapping[str, Any]) -> Finding:
    """Return what the daemon found; a later version may tell more of it."""
    return Finding(**{each.name: told[each.name] for each in fields(Finding) if each.name in told})


def _alarm(text: str) -> Alarm | None:
    try:
        return Alarm.from_json(text)
    except ValueError:
        return None
