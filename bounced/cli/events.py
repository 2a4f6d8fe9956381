"""``bounced events``: what happened, and with ``--follow`` what happens."""

import asyncio
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.filters import none_such
from bounced.cli.output import json_option, print_entry, print_json, printable
from bounced.cli.progress import looking
from bounced.cli.selecting import chosen_list, event_streams, list_option, normalised
from bounced.cli.story import sentence
from bounced.cli.times import READS, local_option, shown, since_option, span, until_option
from bounced.config import Config
from bounced.core.contract.event_types import TRANSITION, TYPES, Wanted, about
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
from bounced.service import keyspaces

USUAL = 20
"""How many events are shown where nobody says how many."""
LOOK_EVERY_S = 1.0
COLOURS = {"suppressed": "red", "held": "yellow", "bouncing": "cyan", "active": "green"}


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option(
    "--limit",
    type=click.IntRange(0, 100_000),
    help="How many to begin with, the newest.  [default: 20; with --since all]",
)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only these: report, transition, alarm, ...")
@click.option("--address", help="Only those of one address.")
@since_option(f"Written since then: {READS}.")
@until_option("Written before then; of a day alone, its end.")
@list_option
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
    """Show what happened, the newest at the end.

    --type, --address, --since and --until look through all events that are kept.

    \b
    bounced events
    bounced events --follow --type transition
    bounced events --address alice@example.org --json
    bounced events --since "yesterday 14:00" --until "yesterday 15:00"
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    begin, end = span(since, until)
    if follow and end:
        raise click.UsageError("--until and --follow contradict each other")
    id_ = keyspaces(config)[list_].address_id(normalised(config, list_, address)) if address else ""
    asked = _Asked(Wanted(_known(types), id_), begin, end, limit)
    shown_list = list_ if len(config.lists) > 1 else ""
    asyncio.run(_show(config, list_, asked, _Printer(list_, shown_list, asked.wanted, as_json=as_json), follow=follow))


class _Asked(NamedTuple):
    wanted: Wanted
    since: datetime | None
    until: datetime | None
    limit: int | None

    @property
    def most(self) -> int | None:
        """How many are shown at most; None for all."""
        return USUAL if self.limit is None and self.since is None else self.limit


def _known(types: Sequence[str]) -> tuple[str, ...]:
    """Return the types that are asked for.  Raises click.UsageError for one that there is not."""
    for type_ in types:
        if type_ not in TYPES:
            raise click.UsageError(f"--type: {none_such(type_, TYPES)}")
    return tuple(types)


async def _show(config: Config, list_: str, asked: _Asked, printer: "_Printer", *, follow: bool) -> None:
    stopping = asyncio.Event()
    async with event_streams(config, list_) as streams:
        if follow:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopping.set)
        last = await streams.end()
        with looking("events") as looked:
            async for page in _past(streams, asked, last, looked):
                looked.stop()
                printer.print(page)
                if stopping.is_set():
                    break
        position = behind(last)
        while follow and not stopping.is_set():
            position = await _go_on(streams, position, printer)
            try:
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue


async def _past(
    streams: EventStreams, asked: _Asked, last: Position, looked: Looked
) -> AsyncIterator[Sequence[StreamEvent]]:
    """Yield what is asked for of the events up to the last ones, the oldest first."""
    begin = position_at(asked.since) if asked.since else BEGINNING
    end = before(asked.until) if asked.until else last
    if asked.most == 0:
        return
    if asked.most is None:
        async for event in streams.search(begin, end, asked.wanted, looked=looked):
            yield [event]
        return
    if asked.wanted == Wanted() and not asked.since and not asked.until:
        async for page in streams.between(await streams.begin_of(asked.most, last), last):
            yield page
        return
    newest: deque[StreamEvent] = deque()
    async for event in streams.search(begin, end, asked.wanted, looked=looked, backwards=True):
        newest.appendleft(event)
        if len(newest) == asked.most:
            break
    yield list(newest)


async def _go_on(streams: EventStreams, position: Position, printer: "_Printer") -> Position:
    """Print the events from a position on, and return where they end."""
    while True:
        entries, position = await streams.after(position)
        if not entries:
            return position
        printer.print(entries)


class _Printer:
    """Prints events as they come.  ``shown_list`` stands in each line; it is empty where there is one list only."""

    def __init__(self, list_: str, shown_list: str, wanted: Wanted, *, as_json: bool) -> None:
        self._list = list_
        self._shown_list = shown_list
        self._wanted = wanted
        self._as_json = as_json

    def print(self, entries: Sequence[StreamEvent]) -> None:
        """Print those that are asked for."""
        for entry in entries:
            if not self._wanted.covers(entry.fields):
                continue
            if self._as_json:
                print_json({"list": self._list, **entry.record})
            elif self._wanted.types or not _told_by_next(entry.fields):
                self._print_line(entry.fields)
        sys.stdout.flush()  # whoever follows waits for them now

    def _print_line(self, fields: Mapping[str, str]) -> None:
        beginning = Text.assemble(
            (f"{shown(fields.get('at', ''), seconds=True):<19}  ", "dim"),
            f"{self._shown_list}  " if self._shown_list else "",
            (printable(about(fields)), COLOURS.get(fields.get("after", ""), "")),
            "  ",
        )
        print_entry(beginning, sentence(fields))


def _told_by_next(fields: Mapping[str, str]) -> bool:
    """Whether the next event is this event's transition, which says the same again."""
    return fields.get("type") != TRANSITION and fields.get("before") != fields.get("after")
