"""Which suppression list a command is about, and its overview."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from bounced.cli.configured import place_in_use
from bounced.config import Config, examine
from bounced.core.mailbox import BadAddress, normalise
from bounced.edges.redis.event_streams import EventStreams
from bounced.edges.redis.overview import Overview
from bounced.opening import keyspaces, open_store


def names_to_complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the lists of the configuration, for a shell's completion; none where it cannot be read."""
    config, _problems = examine(ctx.params.get("config_file"), check_files=False)
    return [name for name in config.lists if name.startswith(incomplete)] if config else []


list_option = click.option(
    "--list",
    "list_",
    metavar="NAME",
    shell_complete=names_to_complete,
    help="Suppression list.  [default: the only one, or main]",
)
"""Hands ``list_: str | None`` to a command; ``chosen_list`` says which is meant."""

any_list_option = click.option(
    "--list",
    "list_",
    metavar="NAME",
    shell_complete=names_to_complete,
    help="Ask this suppression list only.  [default: all]",
)
"""Hands ``list_: str | None`` to a command; ``chosen_lists`` says which are meant."""

hours_option = click.option(
    "--hours", default=24, show_default=True, type=click.IntRange(1, 35 * 24), help="How far back to look."
)


def chosen_list(config: Config, list_: str | None) -> str:
    """Return the list that is meant.  Raises click.UsageError."""
    if list_ is None:
        list_ = next(iter(config.lists)) if len(config.lists) == 1 else "main"
    if list_ not in config.lists:
        raise click.UsageError(_no_such_list(list_, list(config.lists)))
    return list_


def _no_such_list(asked: str, names: list[str]) -> str:
    place = place_in_use(click.get_current_context())
    if not names:
        return f"{place}: no list is configured.  --config FILE or BOUNCED_CONFIG names another file"
    return f"{place}: no list is named {asked}; there {'is' if len(names) == 1 else 'are'} {', '.join(names)}"


def chosen_lists(config: Config, list_: str | None) -> list[str]:
    """Return the list that is named, or all where none is.  Raises click.UsageError."""
    return list(config.lists) if list_ is None and config.lists else [chosen_list(config, list_)]


def normalised(config: Config, list_: str, address: str) -> str:
    """Return an address as it stands in a list.  Raises click.UsageError."""
    try:
        return normalise(address, fold_local_part=config.lists[list_].fold_local_part)
    except BadAddress as error:
        raise click.UsageError(f"not a mail address: {error}") from error


@asynccontextmanager
async def overview(config: Config, list_: str) -> AsyncIterator[Overview]:
    """Give the overview of a list, and close the store afterwards."""
    async with open_store(config) as store:
        yield Overview(store, list_, keyspaces(config)[list_])


@asynccontextmanager
async def event_streams(config: Config, list_: str) -> AsyncIterator[EventStreams]:
    """Give the events of a list, and close the store afterwards."""
    async with open_store(config) as store:
        yield EventStreams(store, store.keyspace(list_))
