"""Which suppression list a command is about."""

import click

from bounced.config import Config

list_option = click.option(
    "--list", "list_", metavar="NAME", help="Suppression list.  [default: the only one, or main]"
)
"""Hands ``list_: str | None`` to a command; ``chosen_list`` makes a name of it."""


def chosen_list(config: Config, list_: str | None) -> str:
    """Return the name of the list that is meant.  Raises click.UsageError."""
    if list_ is None:
        list_ = next(iter(config.lists)) if len(config.lists) == 1 else "main"
    if list_ not in config.lists:
        raise click.UsageError(f"no list {list_!r} in the configuration; there is {', '.join(config.lists) or 'none'}")
    return list_
