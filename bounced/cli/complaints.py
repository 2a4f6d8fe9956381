"""``bounced complaints``: who passes complaints on, which of them name nobody, and whose mail those were about."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.output import (
    ROOMY,
    Cell,
    bar,
    console,
    course,
    json_option,
    print_json,
    print_table,
    scale,
    spark,
)
from bounced.cli.selecting import chosen_list, hours_option, list_option, overview
from bounced.cli.times import local_option, shown, span_of, zone_name
from bounced.config import Config
from bounced.core.contract.hourly_counters import ATTRIBUTED, UNATTRIBUTED, feedback_of
from bounced.core.contract.times import stamp
from bounced.core.numbers import Share
from bounced.opening import now

ABOUT = ("from_domain", "return_path_domain", "provider", "feedback_type")
"""What complaints that name nobody are grouped by."""


@click.command()
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000), help="Rows of each table.")
@hours_option
@list_option
@local_option
@config_option
@json_option
def complaints(limit: int, hours: int, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Show complaints by the provider that passed them on, and the domains of those that name nobody.

    A complaint at a feedback address belongs to the return path of ours that it brings back. One that brings none
    names nobody, so nobody is suppressed for it. Of such complaints domains, providers and the feedback's own fields
    are kept for 90 days, and nothing about a person.

    With --json, one object for each provider ("by": "provider"), then one for each group of domains ("by": "domain").

    \b
    bounced complaints
    bounced complaints --hours 168 --list newsletter
    bounced complaints --json | jq 'select(.by == "provider") | [.provider, .unattributed]'
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    found = asyncio.run(_found(config, list_, hours))
    if as_json:
        _print_records(list_, found, limit)
    else:
        _print_tables(list_, found, limit, hours)


@dataclass(slots=True)
class _Provider:
    """The complaints of one provider: by the hour, the oldest first."""

    attributed: list[int]
    unattributed: list[int]

    @property
    def total(self) -> int:
        return sum(self.attributed) + sum(self.unattributed)


@dataclass(slots=True)
class _Group:
    """Complaints about mail of the same domains."""

    count: int = 0
    last_at: str = ""
    user_agents: Counter[str] = field(default_factory=Counter)


class _Found(NamedTuple):
    hours: Sequence[datetime]
    providers: Mapping[str, _Provider]
    groups: Mapping[tuple[str, ...], _Group]

    def sums(self) -> tuple[int, int]:
        """Return how many complaints there are in all, and how many of them name nobody."""
        providers = self.providers.values()
        return sum(each.total for each in providers), sum(sum(each.unattributed) for each in providers)

    def ranked_providers(self, limit: int) -> list[tuple[str, _Provider]]:
        return sorted(self.providers.items(), key=lambda item: (-item[1].total, item[0]))[:limit]

    def ranked_groups(self, limit: int) -> list[tuple[tuple[str, ...], _Group]]:
        return sorted(self.groups.items(), key=lambda item: (-item[1].count, item[0]))[:limit]


async def _found(config: Config, list_: str, hours: int) -> _Found:
    async with overview(config, list_) as counted:
        at = now()
        by_hour = await counted.counts(at, hours)
        groups: dict[tuple[str, ...], _Group] = {}
        async for page in counted.complaints_since(at - timedelta(hours=hours)):
            for entry in page:
                _join(groups, entry.fields)
    return _Found([hour for hour, _ in by_hour], _providers([counts for _, counts in by_hour]), groups)


def _providers(hours: Sequence[Mapping[str, int]]) -> dict[str, _Provider]:
    found: dict[str, _Provider] = {}
    for number, counts in enumerate(hours):
        for name, by_measure in feedback_of(counts).items():
            provider = found.setdefault(name, _Provider([0] * len(hours), [0] * len(hours)))
            provider.attributed[number] += by_measure[ATTRIBUTED]
            provider.unattributed[number] += by_measure[UNATTRIBUTED]
    return found


def _join(groups: dict[tuple[str, ...], _Group], entry: Mapping[str, str]) -> None:
    group = groups.setdefault(tuple(entry.get(name, "") for name in ABOUT), _Group())
    group.count += 1
    group.last_at = max(group.last_at, entry.get("at", ""))
    if agent := entry.get("user_agent"):
        group.user_agents[agent] += 1


def _print_records(list_: str, found: _Found, limit: int) -> None:
    for name, provider in found.ranked_providers(limit):
        by_hour = zip(found.hours, provider.attributed, provider.unattributed, strict=True)
        print_json(
            {
                "list": list_,
                "by": "provider",
                "provider": name,
                ATTRIBUTED: sum(provider.attributed),
                UNATTRIBUTED: sum(provider.unattributed),
                "hours": {
                    stamp(at): {ATTRIBUTED: ours, UNATTRIBUTED: theirs} for at, ours, theirs in by_hour if ours + theirs
                },
            }
        )
    for about, group in found.ranked_groups(limit):
        said = dict(zip(ABOUT, about, strict=True)) | {"count": group.count, "last_at": group.last_at}
        print_json({"list": list_, "by": "domain", **said, "user_agents": dict(group.user_agents.most_common(3))})


def _print_tables(list_: str, found: _Found, limit: int, hours: int) -> None:
    providers = found.ranked_providers(limit)
    rows: list[tuple[Cell, ...]] = [
        (name, each.total, sum(each.unattributed), _share(each), *_drawn(each, providers)) for name, each in providers
    ]
    all_, nameless = found.sums()
    drawn = (scale(providers[0][1].total), "over time") if console().is_terminal and providers else ()
    _table(
        f"{list_}: complaints by provider, {span_of(found.hours[0])}",
        ("provider", "complaints", "name nobody", "share", *drawn),
        rows,
        total=(f"all {len(found.providers):,}", all_, nameless, Share(nameless / (all_ or 1)), *("" for _ in drawn)),
        caption=course(hours, _columns_of_time()),
    )
    click.echo()
    about: list[tuple[Cell, ...]] = [
        (*group, each.count, shown(each.last_at)) for group, each in found.ranked_groups(limit)
    ]
    columns = ("from", "return path", "provider", "type", "count", f"last, {zone_name()}" if drawn else "last")
    counted = sum(each.count for each in found.groups.values())
    total = (f"all {len(found.groups):,}", "", "", "", counted, "")
    _table(f"{list_}: whose mail those were about that name nobody", columns, about, total=total)


def _drawn(provider: _Provider, all_: Iterable[tuple[str, _Provider]]) -> tuple[str, ...]:
    """Return a bar of the complaints, and their course over time; nothing in a pipe."""
    target = console()
    if not target.is_terminal:
        return ()
    largest = max(each.total for _, each in all_)
    over = [ours + theirs for ours, theirs in zip(provider.attributed, provider.unattributed, strict=True)]
    return bar(provider.total, largest, _columns_of_time() // 2), spark(over, _columns_of_time())


def _columns_of_time() -> int:
    return 24 if console().width >= ROOMY else 12


def _share(provider: _Provider) -> Cell:
    """Return how many of the complaints name nobody."""
    share = sum(provider.unattributed) / (provider.total or 1)
    return Share(share) if console().is_terminal else f"{share:.0%}"


def _table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], total: Sequence[Cell], caption: str = ""
) -> None:
    if console().is_terminal and not rows:
        console().print(Text(f"{title}: nothing"))
    else:
        print_table(columns, rows, title=title, total=total, caption=caption)
