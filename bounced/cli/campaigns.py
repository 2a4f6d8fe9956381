"""``bounced campaigns``: what came back of each campaign, against the thresholds, and whether to go on."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import ROOMY, Cell, Share, console, json_option, print_json, print_table, printable
from bounced.cli.selecting import any_list_option, chosen_lists
from bounced.config import Config
from bounced.config.health import alarm_rule
from bounced.core.contract.alarms import AlarmRule, Level, level_of
from bounced.core.contract.hourly_counters import COMPLAINT, HARD, SENT, scope_of
from bounced.core.terms import Class
from bounced.edges.redis.overview import Overview
from bounced.service import now, open_store

SCOPE = "campaign:"
TELL_SENT = "report_sent(COUNT, campaign=NAME)"
"""How a sender tells what it sent, with the client."""


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


@dataclass(frozen=True, slots=True)
class Campaign:
    """The numbers of one campaign of a list.

    ``hard`` and ``complaints`` count messages, ``soft`` and ``blocks`` count reports.
    """

    list_: str
    name: str
    rule: AlarmRule
    sent: int
    hard: int
    complaints: int
    soft: int
    blocks: int

    @property
    def came_back(self) -> int:
        """How much came back of it, for the order."""
        return self.hard + self.complaints + self.soft + self.blocks

    @property
    def level(self) -> Level | None:
        """The alarm that the numbers raise, None for none."""
        return level_of(self.sent, self.hard, self.complaints, self.rule)

    @property
    def verdict(self) -> str:
        """What to do."""
        if self.level:
            return {Level.PAUSE: "pause", Level.WARN: "slow down"}[self.level]
        if not self.sent:
            return "unknown"
        return "go on" if self.sent >= self.rule.at_least_sent else "too few"

    @property
    def urgency(self) -> int:
        """Where it stands in the order: what should pause first, then what nobody can judge."""
        return ("pause", "slow down", "unknown", "too few", "go on").index(self.verdict)

    @property
    def why(self) -> str:
        """What the verdict rests on."""
        if not self.sent:
            return f"nobody told what was sent ({TELL_SENT})"
        if self.sent < self.rule.at_least_sent:
            return f"{self.sent:,} sent, a rate needs {self.rule.at_least_sent:,}"
        rule = self.rule
        measured = (
            ("hard", self.hard, rule.hard_warn, rule.hard_pause),
            ("complaints", self.complaints, rule.complaint_warn, rule.complaint_pause),
        )
        over = [
            f"{name} {Share(count / self.sent)}, {'pause' if count >= pause * self.sent else 'warn'} from "
            f"{Share(pause if count >= pause * self.sent else warn)}"
            for name, count, warn, pause in measured
            if count >= warn * self.sent
        ]
        return "; ".join(over)

    def share(self, count: int) -> Share | str:
        """Return a number as a share of what was sent; nothing where nobody told."""
        return Share(min(1.0, count / self.sent)) if self.sent else ""

    def as_record(self, hours: int) -> Mapping[str, object]:
        """Return it for a program."""
        numbers = {name: getattr(self, name) for name in ("sent", "hard", "complaints", "soft", "blocks")}
        sent, told = self.sent, [name for name in numbers if name != "sent"]
        shares = {f"{name}_share": round(numbers[name] / sent, 6) if sent else None for name in told}
        return {
            "list": self.list_,
            "campaign": self.name,
            "hours": hours,
            **numbers,
            **shares,
            "verdict": self.verdict,
            "why": self.why,
        }


async def _find(config: Config, lists: Sequence[str], names: Sequence[str], hours: int) -> list[Campaign]:
    found: list[Campaign] = []
    async with open_store(config) as store:
        for list_ in lists:
            settings = config.lists[list_]
            asked = {settings.tags.get(name, name) for name in names}
            counted = await Overview(store, list_, store.keyspace(list_)).counts(now(), hours)
            counts = sum((counts for _, counts in counted), Counter[str]())
            rule = alarm_rule(settings.alarms)
            found += [_campaign(list_, name, rule, counts) for name in _names(counts) if not names or name in asked]
    return found


def _names(counts: Mapping[str, int]) -> set[str]:
    """Return the campaigns that an hour's counters name."""
    found = set()
    for counter in counts:
        if (rate := scope_of(counter)) and rate[1].startswith(SCOPE):
            found.add(rate[1].removeprefix(SCOPE))
        elif counter.startswith(SCOPE):
            found.add(counter.removeprefix(SCOPE).rpartition(":")[0])
    return found


def _campaign(list_: str, name: str, rule: AlarmRule, counts: Mapping[str, int]) -> Campaign:
    rates = [counts.get(f"rate:{measure}:{SCOPE}{name}", 0) for measure in (SENT, HARD, COMPLAINT)]
    reports = [counts.get(f"{SCOPE}{name}:{class_}", 0) for class_ in (Class.SOFT, Class.BLOCK)]
    return Campaign(list_, name, rule, *rates, *reports)


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
