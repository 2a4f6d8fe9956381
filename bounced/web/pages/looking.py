"""A look through the events of a list, the newest first, for as long as one request may take."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bounced.core.contract.event_types import Wanted
from bounced.edges.redis.event_streams import (
    BEGINNING,
    END,
    EventStreams,
    StreamEvent,
    before,
    came_at,
    position_at,
)
from bounced.web.pages.layout import Visit

MOST_EVENTS = 200
LOOK_S = 10.0
"""How long one request looks."""
_A_MOMENT = timedelta(milliseconds=1)


@dataclass(slots=True)
class Looked:
    """How far a look has come, and what it found."""

    count: int = 0
    back_to: datetime | None = None
    found: list[Mapping[str, str]] = field(default_factory=list)
    last_id: str = ""
    is_over: bool = False

    @property
    def further(self) -> str:
        """What the URL of the next look has as ``until``; empty where nobody can tell."""
        return self.back_to.isoformat(timespec="milliseconds") if self.back_to else ""

    def take(self, event: StreamEvent) -> None:
        """Take down an event.  What one commit told of twice, as a report and as a change, is one for people."""
        if not event.fields.get("id") or event.fields["id"] != self.last_id:
            self.found.append(event.fields)
        self.last_id = event.fields.get("id", "")

    def note(self, count: int, reached: datetime) -> None:
        """Take down that so many more were looked through, to this time."""
        self.count += count
        self.back_to = min(self.back_to or reached, reached)


async def look_through(
    visit: Visit, wanted: Wanted, fits: Callable[[StreamEvent], bool] = lambda _: True, *, bulk: bool = True
) -> Looked:
    """Look through the span of a page; what was found in time is returned, and how far it went.

    ``bulk`` is false to leave out what many changes at once did to each address.  Raises StoreUnavailable.
    """
    view, desk = visit.view, visit.desk
    begin, end = position_at(view.since) if view.since else BEGINNING, before(view.until) if view.until else END
    looked, streams = Looked(), EventStreams(desk.store, desk.present.lists[view.list_].keys)
    try:
        async with asyncio.timeout(LOOK_S):
            async for each in streams.search(begin, end, wanted, looked=looked.note, backwards=True, bulk=bulk):
                if fits(each):
                    looked.take(each)
                if len(looked.found) == MOST_EVENTS:
                    looked.back_to = came_at(each.id) + _A_MOMENT  # others of this page are not shown yet
                    break
            else:
                looked.is_over = True
    except TimeoutError:
        pass  # what was found is shown, and how far it went
    return looked
