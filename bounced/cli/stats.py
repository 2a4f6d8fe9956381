"""``bounced stats`` and ``bounced top``: the counters of the last hours, and the worst domains and campaigns."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.output import ROOMY, bar, console, json_option, print_json, print_table, printable, spark
from bounced.cli.selecting import chosen_list, hours_option, list_option, overview
from bounced.config import Config
from bounced.core.contract.hourly_counters import MAILED_WHILE_SUPPRESSED, UNATTRIBUTED
from bounced.core.contract.times import stamp
from bounced.core.terms import Category, Class, Kind, State, class_of
from bounced.service import now

Hours = Sequence[tuple[datetime, Counter[str]]]
Ranked = Sequence[tuple[str, Counter[str]]]
"""Names with their counts by category or class, the largest first."""

OTHER = "~other"
"""How the counters begin that count what found no place of its own."""

WORST = {"domain": "Recipient domains", "campaign": "Campaigns", "provider": "Providers that refuse the sender"}


@click.command()
@hours_option
@list_option
@config_option
@json_option
def stats(hours: int, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Show what came in over the last hours: by category, and what became of the addresses.

    With --json, one object for each hour with all its counters.

    \b
    bounced stats
    bounced stats --hours 168 --list newsletter
    bounced stats --json | jq '[.hour, .counts["class:hard"]]'

    Complaints that name nobody stand among the complaints too; `bounced complaints` tells more of them.
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    counted, disputed = asyncio.run(_counts_and_disputed(config, list_, hours))
    if as_json:
        for at, counts in counted:
            print_json({"list": list_, "hour": stamp(at), "counts": dict(sorted(counts.items()))})
        return
    said = _by_hour(counted, "category").items()
    doubtful = _by_hour(counted, "doubtful")
    categories: list[tuple[str, Class, list[int]]] = []
    for name, over in said:
        if Category.is_word(name):
            categories += _without_doubtful(name, over, doubtful.get(name))
    kinds = _by_hour(counted, "kind")
    for name, kind in (("(not proven)", Kind.UNPROVEN), ("(no report)", Kind.OTHER)):
        if by_hour := kinds.get(kind):
            categories.append((name, Class.NONE, by_hour))
    if by_hour := _by_hour(counted, f"rate:{UNATTRIBUTED}").get("list"):
        categories.append(("(complaints that name nobody)", Class.COMPLAINT, by_hour))
    order = {class_: number for number, class_ in enumerate(Class)}
    _chart(
        f"{list_}: what was said, last {hours} h",
        ("category", "class", "count"),
        [((name, str(class_)), over) for name, class_, over in sorted(categories, key=lambda row: order[row[1]])],
    )
    click.echo()
    _chart(
        "What became of addresses",
        ("before", "after", "count"),
        _transitions(counted),
    )
    if mailed := sum(counts[MAILED_WHILE_SUPPRESSED] for _, counts in counted):
        click.echo(f"\nMailed while suppressed: {mailed}. The sender does not ask the list before it mails.", err=True)
    if disputed:
        click.echo(
            f"\nCalled too many addresses unknown and not believed now: {printable(', '.join(disputed))}.", err=True
        )


@click.command()
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000), help="Rows of each table.")
@hours_option
@list_option
@config_option
@json_option
def top(limit: int, hours: int, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Show the domains and campaigns with the most bounces, and the providers that refuse the sender.

    \b
    bounced top
    bounced top --hours 1 --limit 3 --json
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    counts = sum((counts for _, counts in asyncio.run(_counts(config, list_, hours))), Counter())
    worst = {kind: _worst(counts, kind, limit) for kind in WORST}
    if as_json:
        for kind, name, by in _each(worst):
            print_json({"list": list_, "by": kind, "name": name, "total": by.total(), "counts": dict(by)})
    elif console().is_terminal:
        for kind, title in WORST.items():
            _ranking(f"{title}, last {hours} h", kind, worst[kind])
    else:
        rows = [(kind, name, str(by.total()), _mostly(by)) for kind, name, by in _each(worst)]
        print_table(("by", "name", "count", "mostly"), rows)
    for name, count in sorted(counts.items()):
        if name.startswith(OTHER):
            quota = name.removeprefix(OTHER).removeprefix(":") or "names"
            click.echo(f"{count} counts are missing here: an hour had no place for more {quota}", err=True)


async def _counts(config: Config, list_: str, hours: int) -> Hours:
    async with overview(config, list_) as counted:
        return await counted.counts(now(), hours)


async def _counts_and_disputed(config: Config, list_: str, hours: int) -> tuple[Hours, list[str]]:
    async with overview(config, list_) as asked:
        return await asked.counts(now(), hours), await asked.disputed(now())


def _without_doubtful(name: str, over: list[int], doubtful: list[int] | None) -> Iterator[tuple[str, Class, list[int]]]:
    """Yield the counts of a category, and apart from them those that look hard and count as soft."""
    if doubtful is None:
        yield name, class_of(Category.read(name)), over
        return
    yield f"{name} (doubtful)", Class.SOFT, doubtful
    if any(proven := [all_ - less for all_, less in zip(over, doubtful, strict=True)]):
        yield name, class_of(Category.read(name)), proven


def _by_hour(hours: Hours, kind: str) -> Mapping[str, list[int]]:
    """Return the counts of each hour for the counters ``KIND:NAME``, by NAME."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(hours))
    for number, (_, counts) in enumerate(hours):
        for name, count in counts.items():
            if name.startswith(f"{kind}:"):
                found[name.removeprefix(f"{kind}:")][number] = count
    return found


def _transitions(hours: Hours) -> Iterator[tuple[tuple[str, str], list[int]]]:
    for name, over in _by_hour(hours, "transition").items():
        before, _, after = name.partition(":")
        if State.is_word(before) and State.is_word(after):
            yield (before, after), over


def _crossed(counts: Mapping[str, int], kind: str) -> Mapping[str, Counter[str]]:
    """Return counts such as those of ``domain:example.org:mailbox_full``: by the middle part, then by the last one."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, count in counts.items():
        if name.startswith(f"{kind}:"):
            middle, _, last = name.removeprefix(f"{kind}:").rpartition(":")
            found[middle][last] += count
    return found


def _chart(title: str, columns: Sequence[str], rows: Iterable[tuple[tuple[str, ...], list[int]]]) -> None:
    """Print a row for each counter with its sum, and on a terminal with a bar and its course over time."""
    rows = list(rows)
    if not console().is_terminal:
        print_table(columns, [(*cells, str(sum(over))) for cells, over in rows])
        return
    if not rows:
        console().print(Text(f"{title}: nothing"))
        return
    largest = max(sum(over) for _, over in rows)
    columns_of_time = 24 if console().width >= ROOMY else 12
    print_table(
        (*columns, "", "over time"),
        [(*cells, str(sum(over)), bar(sum(over), largest), spark(over, columns_of_time)) for cells, over in rows],
        title=title,
    )


def _worst(counts: Mapping[str, int], kind: str, limit: int) -> Ranked:
    return sorted(_crossed(counts, kind).items(), key=lambda item: (-item[1].total(), item[0]))[:limit]


def _each(worst: Mapping[str, Ranked]) -> Iterator[tuple[str, str, Counter[str]]]:
    for kind, ranked in worst.items():
        for name, by in ranked:
            yield kind, name, by


def _ranking(title: str, kind: str, rows: Ranked) -> None:
    """Print one ranking on a terminal, with bars."""
    if not rows:
        console().print(Text(f"{title}: nothing"))
        return
    largest = rows[0][1].total()
    drawn = [(name, str(by.total()), _mostly(by), bar(by.total(), largest)) for name, by in rows]
    print_table((kind, "count", "mostly", ""), drawn, title=title)


def _mostly(by: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in by.most_common(3))
