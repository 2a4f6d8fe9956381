"""What was not understood, in groups of the same words, and the row that would understand each."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from starlette.responses import Response

from bounced.edges.redis.event_streams import BEGINNING, END, Position, before, position_at
from bounced.edges.redis.unknowns import unknown_in
from bounced.learning.evidence import Judge
from bounced.learning.groups import Group, Groups, Why
from bounced.learning.rows import propose
from bounced.web.pages.layout import Visit, page, rendered

USUAL = "7d"
CHOICES = (("48h", "48 hours"), ("7d", "7 days"), ("35d", "35 days"), ("365d", "a year"))
MOST_GROUPS = 50
LOOK_S = 10.0
"""How long one request looks through what is kept."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A group for people, with its number and its row; the row is empty where too little could be recognised."""

    number: int
    group: Group
    row: str


@dataclass(slots=True)
class Looked:
    """What was found.  ``more`` counts what stands in smaller groups; ``to`` is how far the events were looked through.

    ``in_time`` is false where the look was ended before it was over.
    """

    groups: Sequence[Shown] = field(default_factory=tuple)
    more: int = 0
    events: int = 0
    to: datetime | None = None
    in_time: bool = False

    def note(self, count: int, reached: datetime) -> None:
        """Take down that so many events were looked through."""
        self.events += count
        self.to = reached


@page(USUAL)
async def unknown(visit: Visit) -> Response:
    """Show the page; the groups come into it a moment later, or with it where the URL says ``look``."""
    names = not _is_without_addresses(visit)
    looks = names and bool(visit.request.query_params.get("look"))
    return rendered(
        visit,
        "unknown.html",
        here="unknown",
        choices=CHOICES,
        usual=USUAL,
        names=names,
        looked=await _look(visit) if looks else None,
        Why=Why,
    )


@page(USUAL)
async def groups(visit: Visit) -> Response:
    """Show the groups: the part that takes a while."""
    return rendered(visit, "unknown_groups.html", looked=await _look(visit), Why=Why)


def _is_without_addresses(visit: Visit) -> bool:
    return visit.desk.present.config.lists[visit.view.list_].address_form == "hmac"


async def _look(visit: Visit) -> Looked:
    """Look through what the list keeps of the span, until the time is over.  Raises Problem, StoreUnavailable."""
    looked, found, desk = Looked(), Groups(), visit.desk
    if _is_without_addresses(visit):
        return looked
    rules, view = desk.present.pipeline.rules, visit.view
    judge = Judge(rules)
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_S):
            run = partial(desk.reading, f"{visit.person.name} looks")
            of = unknown_in(desk.store, view.list_, judge, span=_span(visit), run=run, looked=looked.note)
            async for one in of:
                found.add(one)
            looked.in_time = True
    biggest = found.biggest()
    shown, taken = biggest[:MOST_GROUPS], {rule.id for rule in rules.rules}
    looked.groups = [Shown(number, group, _row(group, taken)) for number, group in enumerate(shown, 1)]
    looked.more = sum(group.count for group in biggest[MOST_GROUPS:]) + found.left_out
    return looked


def _span(visit: Visit) -> tuple[Position, Position]:
    view = visit.view
    return position_at(view.since) if view.since else BEGINNING, before(view.until) if view.until else END


def _row(group: Group, taken: set[str]) -> str:
    row = propose(group, taken)
    return row.toml() if row else ""
