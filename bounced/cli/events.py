"""``bounced events``: what happened, and with ``--follow`` what happens."""

import asyncio
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.output import json_option, print_entry, print_json, printable
from bounced.cli.progress import looking
from bounced.cli.selecting import any_list_option, chosen_lists, normalised
from bounced.cli.times import local_option, shown, since_option, span, until_option
from bounced.config import Config
from bounced.core.choosing import none_such
from bounced.core.contract.event_types import TYPES, Wanted, about, told_by_next
from bounced.core.contract.event_words import sentence
from bounced.core.spoken_times import READS
from bounced.edges.redis.event_streams import (
    BEGINNING,
    EventStreams,
    Looked,
    Position,
    StreamEvent,
    before,
    behind,
    position_at,
)
from bounced.opening import keyspaces, open_store

USUAL = 20
"""How many events are shown where nobody says how many."""
LOOK_EVERY_S = 1.0
COLOURS = {"suppressed": "red", "held": "yellow", "bouncing": "cyan", "active": "green"}


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Show new events as they come, until Ctrl-C.")
@click.option(
    "--limit",
    type=click.IntRange(0, 100_000),
    help="How many of the newest to show.  [default: 20; with --since all]",
)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only these: report, transition, alarm, ...")
@click.option("--address", help="Only those of one address.")
@since_option(f"Written since then: {READS}.")
@until_option("Written before then.  A day alone means its end.")
@any_list_option
@local_option
@config_option
@json_option
def events(
    *,
    follow: bool,
    limit: int | None,
    types: tuple[str, ...],
    address: str | None,
    since: str | None,
    until: str | None,
    list_: str | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Show what happened in every list, the newest at the end.

    --type, --address, --since and --until look through all events that are kept.

    \b
    bounced events
    bounced events --follow --type transition
    bounced events --address alice@example.org --json
    bounced events --since "yesterday 14:00" --until "yesterday 15:00"
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    begin, end = span(since, until)
    if follow and end:
        raise click.UsageError("--until and --follow contradict each other")
    of_types = _known(types)
    wanted = {name: Wanted(of_types, _id(config, name, address)) for name in chosen_lists(config, list_)}
    printer = _Printer(types_asked=bool(of_types), several=len(config.lists) > 1, as_json=as_json)
    asyncio.run(_show(config, wanted, _Asked(begin, end, limit), printer, follow=follow))


class _Asked(NamedTuple):
    since: datetime | None
    until: datetime | None
    limit: int | None

    @property
    def most(self) -> int | None:
        """How many are shown at most; None for all."""
        return USUAL if self.limit is None and self.since is None else self.limit


class _Event(NamedTuple):
    """An event, and the list that it is of."""

    list_: str
    event: StreamEvent


@dataclass(slots=True)
class _Source:
    """The events of a list, those that are asked for, and up to where they are shown."""

    list_: str
    streams: EventStreams
    wanted: Wanted
    last: Position

    async def past(self, asked: _Asked, looked: Looked) -> AsyncIterator[_Event]:
        """Yield what is asked for of the events up to the last ones, the oldest first."""
        begin = position_at(asked.since) if asked.since else BEGINNING
        end = before(asked.until) if asked.until else self.last
        if asked.most is None:
            async for event in self.streams.search(begin, end, self.wanted, looked=looked):
                yield _Event(self.list_, event)
        elif self.wanted == Wanted() and not asked.since and not asked.until:
            async for page in self.streams.between(await self.streams.begin_of(asked.most, end), end):
                for event in page:
                    yield _Event(self.list_, event)
        else:
            newest: deque[StreamEvent] = deque()
            async for event in self.streams.search(begin, end, self.wanted, looked=looked, backwards=True):
                newest.appendleft(event)
                if len(newest) == asked.most:
                    break
            for event in newest:
                yield _Event(self.list_, event)

    async def next(self) -> list[_Event]:
        """Return the events that came since."""
        found: list[_Event] = []
        while True:
            entries, self.last = await self.streams.after(self.last)
            if not entries:
                return found
            found += [_Event(self.list_, entry) for entry in entries if self.wanted.covers(entry.fields)]


def _id(config: Config, list_: str, address: str | None) -> str:
    return keyspaces(config)[list_].address_id(normalised(config, list_, address)) if address else ""


def _known(types: Sequence[str]) -> tuple[str, ...]:
    """Return the types that are asked for.  Raises click.UsageError for one that there is not."""
    for type_ in types:
        if type_ not in TYPES:
            raise click.UsageError(f"--type: {none_such(type_, TYPES)}")
    return tuple(types)


async def _show(
    config: Config, wanted: Mapping[str, Wanted], asked: _Asked, printer: "_Printer", *, follow: bool
) -> None:
    stopping = asyncio.Event()
    async with open_store(config) as store:
        if follow:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopping.set)
        streams = {name: EventStreams(store, store.keyspace(name)) for name in wanted}
        sources = [_Source(name, streams[name], of_list, await streams[name].end()) for name, of_list in wanted.items()]
        if asked.most != 0:
            with looking("events") as looked:
                async for event in _past(sources, asked, looked):
                    looked.stop()
                    printer.print(event)
                    if stopping.is_set():
                        break
        sys.stdout.flush()
        for source in sources:
            source.last = behind(source.last)
        while follow and not stopping.is_set():
            for event in sorted([each for source in sources for each in await source.next()], key=_place):
                printer.print(event)
            sys.stdout.flush()  # whoever follows waits for them now
            try:
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue


async def _past(sources: Sequence[_Source], asked: _Asked, looked: Looked) -> AsyncIterator[_Event]:
    """Yield the events of all lists in the order in which they were written; of several lists the newest in all."""
    in_order = _in_order([source.past(asked, looked) for source in sources])
    if len(sources) > 1 and asked.most is not None:
        newest: deque[_Event] = deque(maxlen=asked.most)
        async for event in in_order:
            newest.append(event)
        for event in newest:
            yield event
    else:
        async for event in in_order:
            yield event


async def _in_order(sources: Sequence[AsyncIterator[_Event]]) -> AsyncIterator[_Event]:
    """Yield what the sources yield, each of which has its own in order."""
    heads = [(await anext(source, None), source) for source in sources]
    while waiting := [(_place(head), number, head) for number, (head, _) in enumerate(heads) if head]:
        _, number, event = min(waiting, key=itemgetter(0, 1))
        yield event
        source = heads[number][1]
        heads[number] = (await anext(source, None), source)


def _place(each: _Event) -> tuple[int, bool, int]:
    return each.event.place


class _Printer:
    """Prints events as they come.  Each line names its list where there are ``several``."""

    def __init__(self, *, types_asked: bool, several: bool, as_json: bool) -> None:
        self._types_asked = types_asked
        self._several = several
        self._as_json = as_json

    def print(self, each: _Event) -> None:
        """Print one, unless the next one tells the same."""
        if self._as_json:
            print_json({"list": each.list_, **each.event.record})
        elif self._types_asked or not told_by_next(each.event.fields):
            self._print_line(each.list_, each.event.fields)

    def _print_line(self, list_: str, fields: Mapping[str, str]) -> None:
        beginning = Text.assemble(
            (f"{shown(fields.get('at', ''), seconds=True):<19}  ", "dim"),
            f"{list_}  " if self._several else "",
            (printable(about(fields)), COLOURS.get(fields.get("after", ""), "")),
            "  ",
        )
        print_entry(beginning, sentence(fields, shown))
