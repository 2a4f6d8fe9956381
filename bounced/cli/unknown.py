"""``bounced unknown``: what was not understood, in groups, and the row that would understand it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bounced.cli.configured import config_option, configured
from bounced.cli.new_row import Wanted, add_row
from bounced.cli.output import json_option, print_facts, print_json, print_table
from bounced.cli.process import in_loop
from bounced.cli.selecting import any_list_option, chosen_lists
from bounced.config import Config
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.core.meaning.rules import RuleSet
from bounced.core.terms import Category
from bounced.edges.redis.unknowns import unknown_in
from bounced.learning.evidence import Judge
from bounced.learning.groups import NAMED_SERVERS, Group, Groups, Why
from bounced.learning.rows import propose
from bounced.opening import open_store
from bounced.service import pipeline

NO_ADDRESSES = 'Nothing is kept to learn from on a list with address_form = "hmac": {}.'


@dataclass(frozen=True, slots=True)
class Found:
    """All groups, the biggest first, and today's rules, by which they were not understood."""

    groups: Sequence[Group]
    left_out: int
    rules: RuleSet

    def numbered(self, name: str) -> Group:
        """Return the group of an id, or of a number in the table.  Raises click.UsageError."""
        by_id = next((group for group in self.groups if group.id == name), None)
        if by_id:
            return by_id
        if name.isdecimal() and 0 < int(name) <= len(self.groups):
            return self.groups[int(name) - 1]
        raise click.UsageError(f"no group {name!r}: `bounced unknown` shows their numbers and ids")


@click.command("unknown")
@click.argument("group", required=False)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many groups to show.")
@click.option("--add", metavar="GROUP", help="Add the row of this group to the rule file.")
@click.option(
    "--category", metavar="CATEGORY", type=click.Choice([str(each) for each in Category]), help="What the words mean."
)
@click.option("--not", "counter_examples", metavar="TEXT", multiple=True, help="A counter-example; may be repeated.")
@click.option("--proves", is_flag=True, help="The words themselves name the recipient.")
@click.option(
    "--rules-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to add to.  [default: the first of rules.files]",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@any_list_option
@config_option
@json_option
def unknown_command(
    *,
    group: str | None,
    limit: int,
    add: str | None,
    category: str | None,
    counter_examples: tuple[str, ...],
    proves: bool,
    rules_file: Path | None,
    yes: bool,
    list_: str | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Show what was not understood, grouped by its words, the biggest group first; or one GROUP with its row.

    undetermined: the words give no reason that a row knows.  doubtful: the words would condemn an address, and the
    proof is not complete.  unproven: nothing proves that a mail system wrote the message; its words are not shown,
    because a person may have written them.  In the words @ stands for an address, ~ for a host, and * for what varies.

    GROUP is a number in the table, or an id.  The id stays the same when other mail comes.

    --add shows what the row would change, asks, and adds it to the operator's rule file.  A row of a hard category
    needs two counter-examples (--not) and words of two servers.

    \b
    bounced unknown
    bounced unknown 3
    bounced unknown --add 3 --category rate_limited
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    if add and (category is None or group):
        raise click.UsageError("--add needs --category, and no other GROUP")
    if not add and (category or counter_examples or proves or rules_file or yes):
        raise click.UsageError("--category, --not, --proves, --rules-file and --yes belong to --add")
    config = configured(config_file)
    names = _that_keep_addresses(config, chosen_lists(config, list_))
    if not names:
        return
    try:
        found = in_loop(lambda: _find(config, names))
    except RulesInvalid as error:
        raise click.UsageError(str(error)) from error
    if add and category:
        wanted = Wanted(Category.read(category), counter_examples, rules_file, proves=proves, yes=yes)
        add_row(config, found.rules, found.groups, found.numbered(add), wanted, as_json=as_json)
    elif group:
        _show_one(found, found.numbered(group), as_json=as_json)
    else:
        _show_all(found, limit, as_json=as_json)


def _that_keep_addresses(config: Config, names: Sequence[str]) -> list[str]:
    """Return the lists that keep replies and messages as they are, and name the others."""
    without = [name for name in names if config.lists[name].address_form == "hmac"]
    if without:
        click.echo(NO_ADDRESSES.format(", ".join(without)), err=True)
    return [name for name in names if name not in without]


async def _find(config: Config, names: Sequence[str]) -> Found:
    groups = Groups()
    async with open_store(config) as store:
        rules = pipeline(config, store).rules
        judge = Judge(rules)
        for name in names:
            async for one in unknown_in(store, name, judge):
                groups.add(one)
    return Found(groups.biggest(), groups.left_out, rules)


def _show_all(found: Found, limit: int, *, as_json: bool) -> None:
    shown = list(enumerate(found.groups[:limit], 1))
    if as_json:
        for number, group in shown:
            print_json(_record(found, group, number))
    elif not shown:
        click.echo("Everything was understood.")
    else:
        print_table(
            ("no", "id", "count", "why", "said by", "words", "example"),
            (
                (number, group.id, group.count, group.told_why, group.said_by, group.words, group.example)
                for number, group in shown
            ),
        )
    hidden = sum(group.count for group in found.groups[limit:]) + found.left_out
    if hidden:
        click.echo(f"{hidden} more, in smaller groups, are not shown.", err=True)


def _show_one(found: Found, group: Group, *, as_json: bool) -> None:
    if as_json:
        print_json(_record(found, group, found.groups.index(group) + 1))
        return
    print_facts(
        {
            "id": group.id,
            "count": group.count,
            "why": group.told_why,
            "missing": group.doubt,
            "said by": group.said_by,
            "days": group.days,
            "words": group.words if group.why is not Why.UNPROVEN else "",
            "signs": group.words if group.why is Why.UNPROVEN else "",
            "example": group.example,
            "kept as": ", ".join(group.entries),
        }
    )
    row = _row(found, group)
    click.echo(f"\n{row}" if row else "\nNo row: nothing is known that only these would say.", nl=not row)


def _record(found: Found, group: Group, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "id": group.id,
        "count": group.count,
        "why": group.why,
        "category": group.category or None,
        "doubt": group.doubt or None,
        "servers": [name for name, _ in group.servers.most_common(NAMED_SERVERS)],
        "lists": sorted(group.lists),
        "first": group.first,
        "last": group.last,
        "words": group.words,
        "example": group.example,
        "entries": group.entries,
        "row": _row(found, group) or None,
    }


def _row(found: Found, group: Group) -> str:
    row = propose(group, {rule.id for rule in found.rules.rules})
    return row.toml() if row else ""
