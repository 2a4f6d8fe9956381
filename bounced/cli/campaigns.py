"""``bounced campaigns``: what came back of each campaign, against the thresholds, and whether to go on."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import ROOMY, Cell, console, json_option, print_json, print_table, printable
from bounced.cli.selecting import any_list_option, chosen_lists
from bounced.config import Config
from bounced.config.health import alarm_rule
from bounced.core.contract.alarms import Level
from bounced.core.contract.campaigns import Campaign, campaign_of, named_in
from bounced.core.contract.hourly_counters import hours_before
from bounced.edges.redis.course import campaign_sums
from bounced.opening import now, open_store


@click.command()
@click.argument("names", nargs=-1, metavar="[CAMPAIGN]...")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 35 * 24), help="How far back to look.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many to show.")
@any_list_option
@config_option
@json_option
def campaigns(
    names: tuple[str, ...], hours: int, limit: int, list_: str | None, config_file: Path | None, *, as_json: bool
) -> None:
    """Show what came back of each campaign, and say whether to go on, to slow down or to pause.

    The verdict compares shares of what was sent with the thresholds of the list's `alarms` in the configuration. It
    needs to know what was sent: a sender tells it. Hard failures and complaints count once for each message. CAMPAIGN
    is a campaign's name or its tag.

    Exit code 1 if one of the campaigns should pause.

    \b
    bounced campaigns
    bounced campaigns "Spring sale"
    bounced campaigns --hours 168 --json | jq 'select(.verdict == "pause") | .campaign'
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    found = asyncio.run(_find(config, chosen_lists(config, list_), names, hours))
    found.sort(key=lambda each: (each.urgency, -each.came_back, each.name, each.list_))
    if as_json:
        for campaign in found:
            print_json(campaign.as_record(hours))
    else:
        _print(found[:limit], hours, left_out=len(found) - limit)
    if names and not found:
        click.echo(f"Nothing is counted of {', '.join(names)} in the last {hours} h.", err=True)
    sys.exit(ExitCode.NO if any(each.level is Level.PAUSE for each in found) else ExitCode.DONE)


async def _find(config: Config, lists: Sequence[str], names: Sequence[str], hours: int) -> list[Campaign]:
    found: list[Campaign] = []
    async with open_store(config) as store:
        for list_ in lists:
            settings = config.lists[list_]
            asked = {settings.tags.get(name, name) for name in names}
            counts = await campaign_sums(store, store.keyspace(list_), hours_before(now(), hours))
            rule = alarm_rule(settings.alarms)
            found += [campaign_of(list_, name, rule, counts) for name in named_in(counts) if not names or name in asked]
    return found


COLOURS = {"pause": "red", "slow down": "yellow"}


def _print(shown: Sequence[Campaign], hours: int, *, left_out: int) -> None:
    target = console()
    if not target.is_terminal:
        print_table(("list", *_columns()), [(each.list_, *_row(each)) for each in shown])
    elif not shown:
        target.print(Text(f"No campaign had any mail or failure in the last {hours} h."))
    else:
        for list_ in dict.fromkeys(each.list_ for each in shown):
            _tell([each for each in shown if each.list_ == list_], f"{list_}: campaigns, last {hours} h")
    if left_out > 0:
        click.echo(f"{left_out} more; --limit shows them.", err=True)


def _tell(shown: Sequence[Campaign], title: str) -> None:
    """Print the campaigns of one list on a terminal, and below them what each verdict rests on."""
    target = console()
    target.print(Text(title, style="bold"))
    soft = target.width >= ROOMY
    print_table(_columns(soft=soft), [_row(each, soft=soft) for each in shown])
    for each in shown:
        if each.why:
            verdict = f"{printable(each.name)}: {each.verdict}"
            target.print(Text.assemble((verdict, COLOURS.get(each.verdict, "")), f": {each.why}"))


def _columns(*, soft: bool = True) -> Sequence[str]:
    return "campaign", "sent", "hard", "%", "complaints", "%", *(("soft",) if soft else ()), "blocks", "verdict"


def _row(each: Campaign, *, soft: bool = True) -> Sequence[Cell]:
    hard, complaints = ((count, each.share(count)) for count in (each.hard, each.complaints))
    counted = (*hard, *complaints, *((each.soft,) if soft else ()), each.blocks)
    return each.name, each.sent or "", *counted, each.verdict
