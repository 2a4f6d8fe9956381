"""What a list keeps that was not understood: messages, and events of which no message is kept."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from bounced.core.contract.event_types import Wanted
from bounced.edges.redis.event_streams import BEGINNING, END, EventStreams, Looked, Position
from bounced.edges.redis.kept import KeptMessage, kept_messages
from bounced.edges.redis.store import RedisStore
from bounced.learning.evidence import SAID, Judge
from bounced.learning.groups import Unknown

Told = Sequence[Unknown | None]
Run = Callable[[Callable[[], Told]], Awaitable[Told]]
"""Runs a function that takes a while."""
EVENTS_AT_ONCE = 200


async def unknown_in(
    store: RedisStore,
    list_: str,
    judge: Judge,
    *,
    span: tuple[Position, Position] = (BEGINNING, END),
    run: Run | None = None,
    looked: Looked = lambda _count, _reached: None,
) -> AsyncIterator[Unknown]:
    """Yield what is unknown of what came between two positions; ``run`` may judge elsewhere.

    Raises StoreUnavailable, and what ``run`` raises.
    """
    async for judging in _batches(store, list_, judge, span, looked):
        for one in await (run or _here)(judging):
            if one:
                yield one


async def _batches(
    store: RedisStore, list_: str, judge: Judge, span: tuple[Position, Position], looked: Looked
) -> AsyncIterator[Callable[[], Told]]:
    """Yield what judges a message, or some events."""
    kept, waiting = set[str | None](), list[dict[str, str]]()
    async for message in kept_messages(store, list_, *(each.events for each in span)):
        kept.add(message.fields.get("id"))
        yield _of_message(judge, list_, message)
    async for event in EventStreams(store, store.keyspace(list_)).search(*span, Wanted(SAID), looked=looked):
        if event.fields.get("id") not in kept:
            waiting.append(event.fields)
        if len(waiting) == EVENTS_AT_ONCE:
            yield _of_events(judge, list_, waiting)
            waiting = []
    yield _of_events(judge, list_, waiting)


async def _here(judge: Callable[[], Told]) -> Told:
    return judge()


def _of_message(judge: Judge, list_: str, message: KeptMessage) -> Callable[[], Told]:
    return lambda: [judge.of_message(list_, message.id, message.fields, message.content)]


def _of_events(judge: Judge, list_: str, events: Sequence[dict[str, str]]) -> Callable[[], Told]:
    return lambda: [judge.of_event(list_, fields) for fields in events]
