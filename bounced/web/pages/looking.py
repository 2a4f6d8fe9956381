"""A look through the events of a list, the newest first, for as long as one request may take."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bounced.core.contract.event_types import Wanted
from bounced.edges.redis.event_streams import BEGINNING, END, EventStreams, Passed, StreamEvent, before, position_at
from bounced.web.cursors import cursor_of, end_of
from bounced.web.pages.layout import Visit

MOST_EVENTS = 200
LOOK_S = 10.0
"""How long one request looks."""


@dataclass(slots=True)
class Looked:
    """How far a look has come, and what it found."""

    count: int = 0
    oldest: datetime | None = None
    found: list[Mapping[str, str]] = field(default_factory=list)
    last_id: str = ""
    is_over: bool = False
    passed: Passed = field(default_factory=Passed)

    @property
    def older(self) -> str:
        """What the URL of the next look has as ``older``; empty where all was looked through."""
        return "" if self.is_over else cursor_of(self.passed.end)

    @property
    def back_to(self) -> datetime | None:
        """When the oldest came of which all that is newer was looked at."""
        return self.oldest if self.is_over else self.passed.back_to

    def take(self, event: StreamEvent) -> None:
        """Take down an event.  What one commit told of twice, as a report and as a change, is one for people."""
        if not event.fields.get("id") or event.fields["id"] != self.last_id:
            self.found.append(event.fields)
        self.last_id = event.fields.get("id", "")

    def note(self, count: int, reached: datetime) -> None:
        """Take down that so many more of one stream were looked through, to this time."""
        self.count += count
        self.oldest = min(self.oldest or reached, reached)


async def look_through(
    visit: Visit, wanted: Wanted, fits: Callable[[StreamEvent], bool] = lambda _: True, *, bulk: bool = True
) -> Looked:
    """Look through the span of a page; what was found in time is returned, and how far it went.

    ``older`` in the URL says where an earlier look ended.  ``bulk`` is false to leave out what many changes at once did
    to each address.  Raises Problem, StoreUnavailable.
    """
    view, desk, older = visit.view, visit.desk, older_in(visit)
    begin, end = position_at(view.since) if view.since else BEGINNING, before(view.until) if view.until else END
    end = end_of(older, "older is") if older else end
    looked, streams = Looked(), EventStreams(desk.store, desk.present.lists[view.list_].keys)
    try:
        async with asyncio.timeout(LOOK_S):
            async for each in streams.search(
                begin, end, wanted, looked=looked.note, backwards=True, bulk=bulk, passed=looked.passed
            ):
                if fits(each):
                    looked.take(each)
                if len(looked.found) == MOST_EVENTS:
                    break
            else:
                looked.is_over = True
    except TimeoutError:
        pass  # what was found is shown, and how far it went
    return looked


def older_in(visit: Visit) -> str:
    """Return where an earlier look ended, as the URL has it; empty where this is the first."""
    return visit.request.query_params.get("older", "")
