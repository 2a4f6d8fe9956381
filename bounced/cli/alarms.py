"""``bounced alarms``: what stands, since when, upon which figures, and what to do."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import console, json_option, print_facts, print_json, print_table, printable
from bounced.cli.selecting import any_list_option, chosen_lists
from bounced.cli.times import local_option, shown, zone_name
from bounced.config import Config
from bounced.config.health import alarm_rule
from bounced.core.contract.alarms import CLOCK, FEEDBACK, HOOK, REDIS, Alarm, AlarmRule
from bounced.core.numbers import Share
from bounced.core.policy.outage import disputed_provider
from bounced.edges.redis.overview import Overview
from bounced.opening import open_store


@click.command()
@any_list_option
@local_option
@config_option
@json_option
def alarms(list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Show the alarms that stand in each list: about what, since when, upon which figures, and what to do.

    Exit code 0 if none stands, 1 if one does.

    \b
    bounced alarms
    bounced alarms --list newsletter --json | jq 'select(.level == "pause") | .scope'
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    lists = chosen_lists(config, list_)
    standing = asyncio.run(_standing(config, lists))
    if as_json:
        for each in standing:
            print_json(each.as_record())
    elif console().is_terminal:
        _tell(standing, lists)
    else:
        columns = ("list", "about", "level", "since", "figures", "what to do")
        rows = [
            (each.list_, each.scope, each.level, shown(each.alarm.since), each.figures, each.advice)
            for each in standing
        ]
        print_table(columns, rows)
    sys.exit(ExitCode.NO if standing else ExitCode.DONE)


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """An alarm of a list, and the thresholds of that list."""

    list_: str
    scope: str
    alarm: Alarm
    rule: AlarmRule

    @property
    def level(self) -> str:
        """What it asks for."""
        return str(self.alarm.level)

    @property
    def figures(self) -> str:
        """The figures that raised it, against the thresholds."""
        alarm = self.alarm
        if self.scope in (REDIS, CLOCK):
            return ""
        if self.scope.startswith(HOOK):
            return alarm.reason
        if self.scope == FEEDBACK:
            by = f", passed on by {alarm.who}" if alarm.providers else ""
            return f"{alarm.complaints:,} complaints that name nobody{by}"
        if disputed_provider(self.scope):
            return f"{alarm.hard:,} addresses called unknown"
        told = [
            _against("hard", alarm.hard, alarm.sent, self.rule.hard_warn, self.rule.hard_pause),
            _against("complaints", alarm.complaints, alarm.sent, self.rule.complaint_warn, self.rule.complaint_pause),
        ]
        return f"{alarm.sent:,} sent in 24 h; {'; '.join(told)}"

    @property
    def advice(self) -> str:
        """What to do."""
        kind, _, name = self.scope.partition(":")
        pause = self.level == "pause"
        if kind == "campaign":
            doing = f"pause the campaign {name}" if pause else f"slow the campaign {name} down"
            return f"{doing}, and look at whom it was sent to: bounced campaigns '{name}'"
        if kind == "provider":
            return f"send mail to {name} later; its addresses are held, not suppressed, while it is disputed"
        if kind == "domain":
            doing = "pause" if pause else "slow down"
            return f"{doing} mail to {name}, and look at what it says: bounced events --type report"
        if self.scope.startswith(HOOK):
            return f"mend its receiver: bounced hooks list, bounced hooks test {name}, bounced hooks resume {name}"
        if kind == FEEDBACK:
            return "find out whose mail they are about: bounced complaints --hours 168"
        if kind == REDIS:
            return "pause all sending: this is not the Redis that kept the list; bounced doctor, bounced accept-redis"
        if kind == CLOCK:
            return "set the clocks of these hosts right (NTP): bounced doctor"
        return f"{'pause' if pause else 'slow down'} all sending, and find the campaign: bounced campaigns"

    def as_record(self) -> Mapping[str, object]:
        """Return it for a program."""
        about = {"list": self.list_, "scope": self.scope, **asdict(self.alarm)}
        return {**about, "thresholds": asdict(self.rule), "figures": self.figures, "advice": self.advice}


def _against(name: str, count: int, sent: int, warn: float, pause: float) -> str:
    """Return a figure with its share of what was sent, and the thresholds."""
    share = f" ({Share(min(1.0, count / sent))})" if sent else ""
    return f"{name} {count:,}{share}, warn from {Share(warn)}, pause from {Share(pause)}"


async def _standing(config: Config, lists: Sequence[str]) -> list[StandingAlarm]:
    """Return the alarms of some lists, those that ask for a pause first."""
    found = []
    async with open_store(config) as store:
        for list_ in lists:
            rule = alarm_rule(config.lists[list_].alarms)
            for scope, text in (await Overview(store, list_, store.keyspace(list_)).alarms()).items():
                try:
                    found.append(StandingAlarm(list_, scope, Alarm.from_json(text), rule))
                except ValueError:
                    click.echo(f"{list_}: the alarm {printable(scope)} cannot be read", err=True)
    return sorted(found, key=lambda each: (each.level != "pause", each.list_, each.scope))


def _tell(standing: Sequence[StandingAlarm], lists: Sequence[str]) -> None:
    if not standing:
        console().print(Text(f"No alarm stands in {', '.join(lists)}."))
    for place, each in enumerate(standing):
        if place:
            click.echo()
        print_facts(
            {
                "since": f"{shown(each.alarm.since)} {zone_name()}",
                "figures": each.figures,
                "what to do": each.advice,
            },
            title=f"{each.level}: {each.scope}, list {each.list_}",
        )
