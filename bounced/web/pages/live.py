"""What happens in a list, as it happens; with filters over all that is kept, the newest first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from starlette.responses import Response

from bounced.core.contract.event_types import TYPES, Wanted, about, told_by_next
from bounced.core.contract.event_words import sentence
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.terms import State
from bounced.edges.redis.event_streams import (
    BEGINNING,
    EventStreams,
    Passed,
    Position,
    StreamEvent,
    before,
    behind,
    older_than,
    position_at,
)
from bounced.web.cursors import cursor_of, end_of, position_of
from bounced.web.pages.layout import Visit, page, rendered, words
from bounced.web.problems import bad_request

MOST = 100
"""How many events are shown at once."""
MOST_CHARS = 400
LOOK_S = 10.0
"""How long one request looks through the events."""
CHOICES = (("", "all that is kept"), ("1h", "1 hour"), ("48h", "48 hours"), ("7d", "7 days"))
TYPE_NAMES = tuple((each, words(each).replace(".", " ")) for each in TYPES)
COLOURS = {State.SUPPRESSED: "of-hard", State.HELD: "of-soft", State.BOUNCING: "of-transient", State.ACTIVE: "of-left"}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events somebody wants to see; ``kept`` has what the URL names of it."""

    wanted: Wanted
    kept: dict[str, str]

    def shows(self, event: StreamEvent) -> bool:
        """Whether an event is told.  What the next one tells again is not, unless its type is asked for."""
        return bool(self.wanted.types) or not told_by_next(event.fields)


@dataclass(frozen=True, slots=True)
class Line:
    """One event for people.  ``address`` is what the address' own page is asked for, empty where there is none."""

    at: str
    about: str
    text: str
    address: str
    colour: str


@dataclass(slots=True)
class Found:
    """The events that were found, the newest first.

    ``older`` is where to look further back, empty where nothing older was asked for or is kept.  ``count`` events were
    looked through.  ``in_time`` is false where the look was ended before it was over.
    """

    lines: list[Line] = field(default_factory=list)
    older: str = ""
    count: int = 0
    in_time: bool = False
    passed: Passed = field(default_factory=Passed)

    def note(self, count: int, _reached: datetime) -> None:
        """Take down that so many more were looked through."""
        self.count += count


@page()
async def live(visit: Visit) -> Response:
    """Show the newest events that are asked for; the page asks for those that come."""
    query, view = visit.request.query_params, visit.view
    of = _filter(visit)
    streams, older = _streams(visit), query.get("older", "")
    begin = position_at(view.since) if view.since else BEGINNING
    end = await streams.end()
    upto = end_of(older, "older is") if older else before(view.until) if view.until else end
    found = await _look(visit, of, begin, upto)
    follows = not (older or view.until or query.get("stop"))
    return rendered(
        visit,
        "live.html",
        here="live",
        found=found,
        after=cursor_of(end) if follows else "",
        is_new=False,
        missed=0,
        kept=of.kept,
        types=TYPE_NAMES,
        choices=CHOICES,
        usual="",
        filtered=bool(of.kept or view.since or view.until),
    )


@page(is_use=False)
async def new(visit: Visit) -> Response:
    """Show what came since the page was made, or asked last."""
    of, streams = _filter(visit), _streams(visit)
    last = position_of(visit.request.query_params.get("after", ""), "after is")
    end = await streams.end()
    if behind(end) == last:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    found = await _look(visit, of, last, end)
    return rendered(visit, "live_new.html", found=found, after=cursor_of(end), is_new=True, kept=of.kept)


async def _look(visit: Visit, of: Filter, begin: Position, end: Position) -> Found:
    """Return the newest events between two positions, at most so many as a page shows."""
    found = Found()
    last: StreamEvent | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_S):
            async for event in _search(visit, of, begin, end, found):
                if len(found.lines) == MOST:
                    break
                last = event
                found.lines.append(_line(visit, event))
            else:
                last = None
            found.in_time = True
    upto = found.passed.end if not found.in_time else older_than(last) if last else None
    found.older = cursor_of(upto) if upto else ""
    return found


async def _search(visit: Visit, of: Filter, begin: Position, end: Position, found: Found) -> AsyncIterator[StreamEvent]:
    async for event in _streams(visit).search(
        begin, end, of.wanted, looked=found.note, backwards=True, passed=found.passed
    ):
        if of.shows(event):
            yield event


def _streams(visit: Visit) -> EventStreams:
    return EventStreams(visit.desk.store, visit.desk.present.lists[visit.view.list_].keys)


def _filter(visit: Visit) -> Filter:
    """Return which events the URL asks for.  Raises Problem."""
    query = visit.request.query_params
    type_, address = query.get("type", ""), query.get("address", "").strip()
    if type_ and type_ not in TYPES:
        raise bad_request("bad-type", f"There is no type of event {type_!r}.")
    kept = {name: value for name, value in (("type", type_), ("address", address)) if value}
    return Filter(Wanted((type_,) if type_ else (), _id(visit, address)), kept)


def _id(visit: Visit, address: str) -> str:
    """Return an address as the events of the list have it.  Raises Problem."""
    if not address:
        return ""
    if len(address) > MOST_CHARS:
        raise bad_request("bad-address", f"An address has at most {MOST_CHARS} characters here.")
    list_ = visit.desk.present.lists[visit.view.list_]
    try:
        return list_.keys.address_id(normalise(address, fold_local_part=list_.fold_local_part))
    except BadAddress as error:
        raise bad_request("bad-address", f"This is no mail address: {error}") from error


def _line(visit: Visit, event: StreamEvent) -> Line:
    fields, view = event.fields, visit.view
    named = visit.desk.present.config.lists[view.list_].address_form != "hmac"
    return Line(
        view.shown(fields.get("at", ""), seconds=True),
        about(fields),
        sentence(fields, view.shown),
        fields.get("address", "") if named else "",
        COLOURS.get(State(after), "") if (after := fields.get("after", "")) in tuple(State) else "",
    )
