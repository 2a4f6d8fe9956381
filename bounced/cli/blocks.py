"""``bounced blocks``: who refused the sender, when, how often, and in which words."""

import asyncio
import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.output import console, json_option, print_json, print_table, printable
from bounced.cli.selecting import any_list_option, chosen_lists
from bounced.cli.times import local_option, shown, since_option, span, until_option, zone_name
from bounced.config import Config
from bounced.core.meaning.providers import known_as
from bounced.core.spoken_times import READS
from bounced.edges.redis.refusals import Refusal, Refusals, refusals
from bounced.opening import now, open_store

USUAL = timedelta(hours=24)


@click.command()
@click.option("--provider", metavar="NAME", help="Only those of google, microsoft, yahoo, ..., or of a domain.")
@since_option(f"Since then: {READS}.  [default: 24h]")
@until_option("Before then.  A day alone means its end.  [default: now]")
@any_list_option
@local_option
@config_option
@json_option
def blocks(
    provider: str | None,
    since: str | None,
    until: str | None,
    list_: str | None,
    config_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Show refusals of the sender, by hour and provider, with the words of the servers.

    The sender is refused, not the addresses: for its reputation, for the content, for too much mail at once. No
    address is suppressed for it. The newest 10,000 refusals of a list are kept; `bounced top` counts all.

    With --json, one object for each provider, reason and sending address.

    \b
    bounced blocks
    bounced blocks --provider gmail --since "yesterday 18:00"
    bounced blocks --json | jq '[.provider, .sending_ip, .count, .words]'
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    begin, end = span(since, until)
    asked = _Asked(begin or (end or now()) - USUAL, end or now() + timedelta(seconds=1), known_as(provider or ""))
    found = asyncio.run(_find(config, chosen_lists(config, list_), asked))
    if as_json:
        for refusal in found.ranked():
            print_json(refusal.as_record())
    else:
        _print(found, asked)
    for name, at in found.kept_since.items():
        if at > asked.since:
            click.echo(f"{name}: refusals are kept from {shown(at)} {zone_name()} on.", err=True)


class _Asked(NamedTuple):
    since: datetime
    until: datetime
    provider: str


async def _find(config: Config, lists: Sequence[str], asked: _Asked) -> Refusals:
    async with open_store(config) as store:
        return await refusals(store, lists, *asked)


def _print(found: Refusals, asked: _Asked) -> None:
    target, ranked = console(), found.ranked()
    at = f"from {shown(asked.since)} to {shown(min(asked.until, now()))} {zone_name()}"
    if target.is_terminal and not ranked:
        target.print(Text(f"Nobody refused the sender{_by(asked)}, {at}."))
        return
    by_hour: Counter[tuple[datetime, str, str]] = Counter()
    for refusal in ranked:
        for hour, count in refusal.hours.items():
            by_hour[(hour, refusal.about.list_, refusal.about.provider)] += count
    if target.is_terminal:
        target.print(Text(f"Refusals of the sender{_by(asked)}, {at}", style="bold"))
    print_table(
        ("hour", "list", "provider", "refused"),
        [(shown(hour), list_, provider, count) for (hour, list_, provider), count in sorted(by_hour.items())],
        total=("total", "", "", by_hour.total()),
    )
    click.echo()
    if not target.is_terminal:
        columns = ("list", "provider", "category", "rule", "sending address", "count", "first", "last", "words")
        print_table(columns, [_row(each) for each in ranked])
        return
    for place, refusal in enumerate(ranked):
        if place:
            click.echo()
        _tell(refusal)


def _by(asked: _Asked) -> str:
    return f" by {asked.provider}" if asked.provider else ""


def _row(refusal: Refusal) -> Sequence[str | int]:
    return *refusal.about, refusal.count, shown(refusal.first), shown(refusal.last), refusal.words


def _tell(refusal: Refusal) -> None:
    """Print one kind of refusal with all its words; a link is never broken."""
    target = console()
    times = "once" if refusal.count == 1 else f"{refusal.count:,} times"
    when = shown(refusal.first) if refusal.count == 1 else f"{shown(refusal.first)} to {shown(refusal.last)}"
    about = refusal.about
    of = f" of {about.sending_ip}" if about.sending_ip else ""
    head = f"{about.provider}, {about.category.replace('_', ' ')}{of}, list {about.list_}"
    target.print(Text.assemble((printable(head), "bold"), f": {times}, {when} {zone_name()}"))
    for line in textwrap.wrap(
        printable(refusal.words), max(20, target.width - 2), break_long_words=False, break_on_hyphens=False
    ):
        target.print(Text(f"  {line}"))
    if refusal.campaigns:
        named = ", ".join(f"{name} {count:,}" for name, count in refusal.campaigns.most_common(5))
        target.print(Text(f"  Campaigns: {printable(named)}", style="dim"))
