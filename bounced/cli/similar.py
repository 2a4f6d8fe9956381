"""``bounced lookup 'bob*'``: the addresses on the suppression lists that begin so, or are of one domain."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

import click
from rich.text import Text

from bounced.cli.ending import ExitCode
from bounced.cli.output import console, print_json, print_table
from bounced.cli.progress import Looked, looking
from bounced.cli.times import shown, zone_name
from bounced.config import Config
from bounced.core.mailbox import BadAddress, normalise_beginning, normalise_domain
from bounced.edges.redis import RedisStore
from bounced.edges.redis.bulk import states, suppressed_like
from bounced.opening import open_store

MOST_HITS = 100
ANY = "*"


class Hit(NamedTuple):
    """An address on a suppression list, and the fields of its state."""

    list_: str
    address: str
    state: Mapping[str, str]


def is_pattern(text: str) -> bool:
    """Whether a text names many addresses: a beginning such as ``bob*``, or a domain as ``*@example.org``."""
    beginning, star, rest = text.partition(ANY)
    return bool(star) and (not rest or rest.startswith("@")) and ANY not in rest and bool(beginning or rest)


def look_up_all(config: Config, lists: Sequence[str], pattern: str, within_s: float, *, as_json: bool) -> None:
    """Show what some lists know of the addresses that fit a pattern, and end with the exit code."""
    readable = [name for name in lists if config.lists[name].address_form != "hmac"]
    for name in lists:
        if name not in readable:
            click.echo(f"{name}: it keeps keyed hashes and no addresses, so only a whole address finds any", err=True)
    if not readable:
        raise click.UsageError("ask for a whole address")
    found, complete = asyncio.run(_find(config, {name: _spelled(config, name, pattern) for name in readable}, within_s))
    _print(found, as_json=as_json)
    if len(found) == MOST_HITS:
        click.echo(
            f"These are the first {MOST_HITS}; there may be more: ask for less, or see `bounced export`.", err=True
        )
    elif not complete:
        click.echo(f"Not everything was looked through within {within_s:g} s; --within gives more time.", err=True)
    sys.exit(ExitCode.DONE if found else ExitCode.NO)


def _spelled(config: Config, list_: str, pattern: str) -> tuple[str, str]:
    """Return the beginning and the end of the addresses that are meant, as they stand in a list."""
    beginning, _, rest = pattern.partition(ANY)
    begins = normalise_beginning(beginning, fold_local_part=config.lists[list_].fold_local_part)
    try:
        end = f"@{normalise_domain(rest[1:])}" if rest else ""
    except BadAddress as error:
        raise click.UsageError(f"{rest!r}: {error}") from error
    return begins, end


async def _find(config: Config, asked: Mapping[str, tuple[str, str]], within_s: float) -> tuple[list[Hit], bool]:
    """Return the first hits, and whether everything was looked through in time."""
    found: list[Hit] = []
    until = time.monotonic() + within_s
    async with open_store(config) as store:
        with looking("addresses") as looked:
            for list_, ends in asked.items():
                async for hits in _hits(store, list_, ends, looked):
                    found += hits
                    if len(found) >= MOST_HITS or time.monotonic() >= until:
                        return found[:MOST_HITS], False
    return found, True


async def _hits(store: RedisStore, list_: str, ends: tuple[str, str], looked: Looked) -> AsyncIterator[list[Hit]]:
    """Yield the hits of one list a page at a time, each once.  The hash of an erased complainer is no address."""
    keys, seen = store.keyspace(list_), set[str]()
    async for count, ids in suppressed_like(store, keys, *ends):
        looked(count, None)
        new = [id_ for id_ in dict.fromkeys(ids) if id_ not in seen and "@" in id_]
        seen.update(new)
        known = await states(store, keys, new)
        yield [Hit(list_, id_, state or {}) for id_, state in zip(new, known, strict=True)]


def _print(found: Sequence[Hit], *, as_json: bool) -> None:
    if as_json:
        for hit in found:
            print_json({"list": hit.list_, "address": hit.address, **hit.state})
        return
    if console().is_terminal and not found:
        console().print(
            Text("No suppressed address is like that; one that only bounces is told by its whole address alone.")
        )
        return
    rows = [
        (
            hit.address,
            hit.list_,
            hit.state.get("state", ""),
            hit.state.get("category", "").replace("_", " "),
            shown(hit.state.get("since", "")),
            shown(hit.state.get("until", "")),
        )
        for hit in sorted(found, key=lambda each: (each.address, each.list_))
    ]
    print_table(("address", "list", "state", "because", f"since ({zone_name()})", "until"), rows)
