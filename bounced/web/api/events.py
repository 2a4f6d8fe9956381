"""The events of a list: a page at a time, or as they happen, as server-sent events.

(WHATWG HTML, section 9.2: text/event-stream)
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from bounced.edges.redis.event_streams import (
    BEGINNING,
    EventStreams,
    Position,
    StreamEvent,
    behind,
)
from bounced.ports import StoreUnavailable
from bounced.web.api.asking import Asker, admitted, answer, query_of
from bounced.web.api.models import EventsQuery
from bounced.web.cursors import cursor_of, position_of
from bounced.web.json import dumped
from bounced.web.problems import not_available
from bounced.web.tokens import Right

LOOK_EVERY_S = 1.0
SILENT_FOR_S = 15.0
"""After so long without an event a comment is sent, so that no proxy takes the stream for dead."""
RETRY_MS = 2000
FROM_NOW_ON = "end"

TRIMMED = b'event: trimmed\ndata: {"type":"trimmed"}\n\n'
"""Tells who follows that events behind the place they named are kept no longer.  It has no id: it is no such event."""

UNBUFFERED = {"x-accel-buffering": "no"}
"""What nginx asks for, to hand each event on at once."""


async def events(request: Request) -> Response:
    """Give the next events, or follow them where text/event-stream is asked for."""
    asker = admitted(request, Right.READ)
    asked = query_of(request, EventsQuery)
    streams = EventStreams(asker.desk.store, asker.list_.keys)
    follows = "text/event-stream" in request.headers.get("accept", "")
    if follows and request.method != "HEAD":  # whose answer has no body, so that it would never end
        last = request.headers.get("last-event-id", "").strip() or asked.after or FROM_NOW_ON
        return await _followed(asker, streams, await _begin(streams, last), asked.type)
    page, position, trimmed = await _next(streams, await _begin(streams, asked.after or ""))
    told = [each.record for each in page if asked.type in (None, each.fields.get("type"))]
    return answer({"events": told, "next": cursor_of(position), "trimmed": trimmed})


async def _begin(streams: EventStreams, cursor: str) -> Position:
    """Return where to begin to read.  Raises Problem, StoreUnavailable."""
    if not cursor:
        return BEGINNING
    if cursor == FROM_NOW_ON:
        return behind(await streams.end())
    return position_of(cursor, "Last-Event-ID and after are")


async def _next(streams: EventStreams, begin: Position) -> tuple[list[StreamEvent], Position, bool]:
    """Return the next events, the position behind them, and whether events before them may be gone.

    The last is asked after the page was read: what is kept now was kept then.  Raises StoreUnavailable.
    """
    page, position = await streams.after(begin)
    return page, position, bool(page) and begin != BEGINNING and await streams.trimmed(begin)


async def _followed(asker: Asker, streams: EventStreams, begin: Position, type_: str | None) -> Response:
    desk, name = asker.desk, asker.token.name
    most = desk.present.config.web.private.streams_total
    if desk.streams >= most or desk.following[name] >= max(1, most // 2):
        raise not_available("Too many programs follow events.", retry_after_s=30)
    desk.following[name] += 1  # now, not with the first event: many may ask at once
    return _Following(asker, _stream(asker, streams, begin, type_))


class _Following(StreamingResponse):
    """A stream of events, which was counted already."""

    def __init__(self, asker: Asker, told: AsyncIterator[bytes]) -> None:
        super().__init__(told, headers=UNBUFFERED, media_type="text/event-stream; charset=utf-8")
        self._asker = asker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and count it no more."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._asker.desk.following -= Counter([self._asker.token.name])  # none is kept at 0


async def _stream(asker: Asker, streams: EventStreams, position: Position, type_: str | None) -> AsyncIterator[bytes]:
    """Yield events until the server stops, or the token is no longer good.

    While Redis is away nothing comes but comments: a browser would not come again after an error.
    """
    loop, desk = asyncio.get_running_loop(), asker.desk
    yield f"retry: {RETRY_MS}\nid: {cursor_of(position)}\n\n".encode()
    said_at = loop.time()
    while not desk.stopping.is_set() and _may_go_on(asker):
        page, before, trimmed = list[StreamEvent](), position, False
        with suppress(StoreUnavailable):
            page, position, trimmed = await _next(streams, position)
        if told := b"".join((TRIMMED * trimmed, *_told(page, before, type_))):
            yield told
            said_at = loop.time()
        if page:
            continue
        if loop.time() - said_at >= SILENT_FOR_S:
            yield b": all is quiet\n\n"
            said_at = loop.time()
        with suppress(TimeoutError):
            await asyncio.wait_for(desk.stopping.wait(), LOOK_EVERY_S)


def _may_go_on(asker: Asker) -> bool:
    """Whether the token that began the stream still may."""
    return asker.desk.present.tokens.get(asker.token.name) == asker.token


def _told(page: Iterable[StreamEvent], position: Position, type_: str | None) -> Iterator[bytes]:
    """Yield the events of a page, each with the position behind it, so that a broken stream goes on there."""
    passed_over = False
    for event in page:
        here = f"({event.id}"
        position = position._replace(bulk=here) if event.bulk else position._replace(events=here)
        passed_over = type_ not in (None, event.fields.get("type"))
        if not passed_over:
            yield b"id: %b\ndata: %b\n\n" % (cursor_of(position).encode(), dumped(event.record))
    if passed_over:
        yield f"id: {cursor_of(position)}\n\n".encode()
