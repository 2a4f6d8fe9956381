"""``bounced stats`` and ``bounced top``: the counters of the last hours, and the worst domains and campaigns."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.output import (
    ROOMY,
    bar,
    console,
    course,
    json_option,
    print_json,
    print_table,
    printable,
    scale,
    spark,
)
from bounced.cli.selecting import chosen_list, hours_option, list_option, overview
from bounced.cli.times import local_option, span_of
from bounced.config import Config
from bounced.core.contract.hourly_counters import MAILED_WHILE_SUPPRESSED, UNATTRIBUTED
from bounced.core.contract.times import stamp
from bounced.core.numbers import Share
from bounced.core.terms import Category, Class, Kind, State, class_of
from bounced.opening import now

Hours = Sequence[tuple[datetime, Counter[str]]]
Ranked = Sequence[tuple[str, Counter[str]]]
"""Names with their counts by category or class, the largest first."""

OTHER = "~other"
"""How the counters begin that count what found no place of its own."""

WORST = {"domain": "recipient domains", "campaign": "campaigns", "provider": "providers that refuse the sender"}


@click.command()
@hours_option
@list_option
@local_option
@config_option
@json_option
def stats(hours: int, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Show what came in over the last hours: by category, and what became of the addresses.

    With --json, one object for each hour with all its counters.

    \b
    bounced stats
    bounced stats --hours 168 --list newsletter
    bounced stats --json | jq '[.hour, .counts["class:hard"]]'

    The complaints include those that name nobody; `bounced complaints` tells more about these.
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
    begin = counted[0][0]
    _chart(
        f"{list_}: what was said",
        begin,
        ("category", "class"),
        [((name, str(class_)), over) for name, class_, over in sorted(categories, key=lambda row: order[row[1]])],
    )
    click.echo()
    _chart(f"{list_}: what became of addresses", begin, ("before", "after"), _transitions(counted))
    if mailed := sum(counts[MAILED_WHILE_SUPPRESSED] for _, counts in counted):
        click.echo(f"\nMailed while suppressed: {mailed:,}.", err=True)
        click.echo("The sender does not ask the list before it mails.", err=True)
    if disputed:
        named = printable(", ".join(map(_who, disputed)))
        click.echo(f"\nCalled too many addresses unknown and not believed now: {named}.", err=True)


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
        for place, (kind, title) in enumerate(WORST.items()):
            if place:
                click.echo()
            _ranking(f"{list_}: {title}, last {hours} h", kind, worst[kind], _crossed(counts, kind))
    else:
        rows = [(kind, name, by.total(), _mostly(by)) for kind, name, by in _each(worst)]
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


def _who(disputed: str) -> str:
    """Return a domain as it is, and a provider as one."""
    kind, _, name = disputed.partition(":")
    return f"the provider {name}" if kind == "provider" and name else disputed


def _chart(
    title: str, begin: datetime, columns: Sequence[str], counted: Iterable[tuple[tuple[str, ...], list[int]]]
) -> None:
    """Print a row for each counter with its sum, and on a terminal its share, a bar and its course over time."""
    rows = [(cells, sum(over), over) for cells, over in counted]
    if not console().is_terminal:
        print_table((*columns, "count"), [(*cells, count) for cells, count, _ in rows])
        return
    if not rows:
        console().print(Text(f"{title}, {span_of(begin)}: nothing"))
        return
    all_, largest = sum(count for _, count, _ in rows), max(count for _, count, _ in rows)
    columns_of_time, width = (24, 12) if console().width >= ROOMY else (12, 8)
    print_table(
        (*columns, "count", "share", scale(largest), "over time"),
        [
            (*cells, count, Share(count / (all_ or 1)), bar(count, largest, width), spark(over, columns_of_time))
            for cells, count, over in rows
        ],
        title=f"{title}, {span_of(begin)}",
        caption=course(len(rows[0][2]), columns_of_time),
        total=("total", *("" for _ in columns[1:]), all_, Share(1), "", ""),
    )


def _worst(counts: Mapping[str, int], kind: str, limit: int) -> Ranked:
    return sorted(_crossed(counts, kind).items(), key=lambda item: (-item[1].total(), item[0]))[:limit]


def _each(worst: Mapping[str, Ranked]) -> Iterator[tuple[str, str, Counter[str]]]:
    for kind, ranked in worst.items():
        for name, by in ranked:
            yield kind, name, by


def _ranking(title: str, kind: str, rows: Ranked, all_: Mapping[str, Counter[str]]) -> None:
    """Print one ranking on a terminal, with shares of all that there is, and bars where there is room."""
    if not rows:
        console().print(Text(f"{title}: nothing"))
        return
    total, largest = sum(by.total() for by in all_.values()), rows[0][1].total()
    bars = console().width >= ROOMY
    print_table(
        (kind, "count", "share", "mostly", *((scale(largest),) if bars else ())),
        [
            (
                name,
                by.total(),
                Share(by.total() / (total or 1)),
                _mostly(by, ","),
                *((bar(by.total(), largest),) if bars else ()),
            )
            for name, by in rows
        ],
        title=title,
        total=(f"all {len(all_):,}", total, Share(1), *("" for _ in range(1 + bars))),
    )


def _mostly(by: Counter[str], separator: str = "") -> str:
    return ", ".join(f"{name} {count:{separator}}" for name, count in by.most_common(3))
