"""``bounced events``: what happened, and with ``--follow`` what happens."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.output import console, json_option, print_json, printable
from bounced.cli.selecting import chosen_list, event_streams, list_option, normalised
from bounced.cli.story import sentence
from bounced.config import Config
from bounced.edges.redis.event_streams import EventStreams, Position, StreamEvent, behind
from bounced.service import keyspaces

LOOK_EVERY_S = 1.0
COLOURS = {"suppressed": "red", "held": "yellow", "bouncing": "cyan", "active": "green"}


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0, 100_000), help="How many to begin with.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only these: report, transition, alarm, ...")
@click.option("--address", help="Only those of one address.")
@list_option
@config_option
@json_option
def events(
    *,
    follow: bool,
    limit: int,
    types: tuple[str, ...],
    address: str | None,
    list_: str | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Show what happened last, the newest at the end.

    --type and --address choose among the last --limit events, and among all that follow.

    \b
    bounced events
    bounced events --follow --type transition
    bounced events --limit 100000 --address alice@example.org --json
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    id_ = keyspaces(config)[list_].address_id(normalised(config, list_, address)) if address else ""
    wanted = Wanted(types, id_)
    asyncio.run(_show(config, list_, wanted, limit=limit, follow=follow, as_json=as_json))


class Wanted:
    """Which events are asked for; without types and addresses, all."""

    def __init__(self, types: tuple[str, ...], address_id: str) -> None:
        self.types = types
        self._address_id = address_id

    def covers(self, fields: Mapping[str, str]) -> bool:
        """Whether an event is one of them."""
        of_type = not self.types or fields.get("type") in self.types
        return of_type and (not self._address_id or fields.get("address") == self._address_id)


async def _show(config: Config, list_: str, wanted: Wanted, *, limit: int, follow: bool, as_json: bool) -> None:
    stopping = asyncio.Event()
    async with event_streams(config, list_) as streams:
        if follow:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopping.set)
        begin, end = await streams.newest(limit)
        if limit:
            async for page in streams.between(begin, end):
                _print(page, wanted, as_json=as_json)
                if stopping.is_set():
                    break
        position = behind(end)
        while follow and not stopping.is_set():
            position = await _go_on(streams, position, wanted, as_json=as_json)
            try:
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue


async def _go_on(streams: EventStreams, position: Position, wanted: Wanted, *, as_json: bool) -> Position:
    """Print the events from a position on, and return where they end."""
    while True:
        entries, position = await streams.after(position)
        if not entries:
            return position
        _print(entries, wanted, as_json=as_json)


def _print(entries: list[StreamEvent], wanted: Wanted, *, as_json: bool) -> None:
    for entry in entries:
        if not wanted.covers(entry.fields):
            continue
        if as_json:
            print_json(entry.record)
        elif wanted.types or not _told_by_next(entry.fields):
            _print_line(entry.fields)
    sys.stdout.flush()  # whoever follows waits for them now


def _told_by_next(fields: Mapping[str, str]) -> bool:
    """Whether the next event is this event's transition, which says the same again."""
    return fields.get("type") != "transition" and fields.get("before") != fields.get("after")


def _print_line(fields: Mapping[str, str]) -> None:
    after = fields.get("after", "")
    at = fields.get("at", "").replace("T", " ").removesuffix("Z")
    line = Text.assemble(
        (f"{at:<19}  ", "dim"),
        (printable(fields.get("address") or "-"), COLOURS.get(after, "")),
        "  ",
        printable(sentence(fields)),
    )
    console().print(line)
