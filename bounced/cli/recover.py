"""``bounced recover``: what a provider, a rule or a campaign did wrong to many addresses is taken back."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.text import Text

from bounced.cli.acting import as_option, asked_reason, check_askable, confirmed, reason_option, yes_option
from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.filters import chosen, filter_options
from bounced.cli.output import console, json_option, print_entry, print_facts, print_json, print_table
from bounced.cli.process import in_loop, spare_the_collector
from bounced.cli.progress import counting
from bounced.cli.selecting import chosen_list, list_option
from bounced.cli.times import shown, zone_name
from bounced.config import Config, build
from bounced.core.contract.summary import Summary
from bounced.core.selection import Selection
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Origin
from bounced.edges.redis import RedisStore
from bounced.edges.redis.selected import SAMPLES, Found, Releaser, find, released
from bounced.opening import now, open_store

dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
"""Hands ``dry_run: bool`` to a command."""


@click.command()
@filter_options
@dry_run_option
@yes_option
@reason_option
@as_option
@list_option
@config_option
@json_option
def recover(
    *,
    dry_run: bool,
    yes: bool,
    reason: str,
    actor: str,
    list_: str | None,
    config_file: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Release addresses that are on the list because of failures that should not have counted.

    Choose them by time, provider, category, campaign, rule, or a part of the words. The command shows how many there
    are, twenty of them, and what stays. Then it asks, and releases them one by one, each with its own event. An address
    stays if a person unsubscribed, complained or suppressed it by hand, if it was imported, or if it changed meanwhile
    and does not fit any more. Older bounces of released addresses are not counted again.

    Safe to repeat: the second time there is nothing left to do. Exit code 1 if nothing fits, or the answer was no.

    \b
    bounced recover --since 2026-05-01T06:00 --provider yahoo --category mailbox_unknown --dry-run
    bounced recover --since 2026-05-01T06:00 --provider yahoo --reason "Yahoo called everybody unknown"
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    selection = chosen(config, list_, asked)
    if not selection:
        raise click.UsageError("say which addresses: --since, --provider, --category, ...")
    wanted = Wanted(list_, selection, dry_run=dry_run, yes=yes, actor=actor)
    sys.exit(release_selected(config, wanted, reason, as_json=as_json))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be released, and who says so.  ``imported_too`` includes what was imported and never failed here."""

    list_: str
    selection: Selection
    dry_run: bool
    yes: bool
    actor: str
    summary: Summary = Summary.RECOVERED
    imported_too: bool = False


def release_selected(config: Config, wanted: Wanted, reason: str, *, as_json: bool) -> ExitCode:
    """Show what a selection means, ask, and release it.  Raises click.UsageError, StoreUnavailable."""
    if not wanted.dry_run:
        check_askable(yes=wanted.yes)
        reason = asked_reason(reason, needed=True)
    spare_the_collector()
    return in_loop(lambda: _release_selected(config, wanted, reason, as_json=as_json))


async def _release_selected(config: Config, wanted: Wanted, reason: str, *, as_json: bool) -> ExitCode:
    async with open_store(config) as store:
        with counting("addresses looked at") as advance:
            found = await find(store, wanted.list_, wanted.selection, advance, imported_too=wanted.imported_too)
        many = len(found.addresses)
        if not as_json:
            _show(wanted, found)
        question = f"Release {many} from {wanted.list_}?"
        if wanted.dry_run or not many or not confirmed(question, yes=wanted.yes):
            if as_json:
                _tell(wanted, found, 0)
            return ExitCode.DONE if wanted.dry_run and many else ExitCode.NO
        done = await _release(config, store, wanted, found, reason)
    if as_json:
        _tell(wanted, found, done)
    else:
        print_facts({"released": done, "left alone": many - done if done < many else ""})
    return ExitCode.DONE if done else ExitCode.NO


async def _release(config: Config, store: RedisStore, wanted: Wanted, found: Found, reason: str) -> int:
    """Release what was found, and tell once of it, also where only a part could be done."""
    at = now().replace(microsecond=0)
    evidence = Evidence(EvidenceType.RELEASE, at, Origin.OPERATOR, note=reason, actor=wanted.actor, bulk=True)
    policy = build.policy(config.lists[wanted.list_])
    releaser = Releaser(store, policy, wanted.list_, wanted.selection, evidence, wanted.imported_too)
    with counting("addresses released or left", len(found.addresses)) as advance:
        return await released(releaser, found, wanted.summary, lambda _: advance(1))


def _show(wanted: Wanted, found: Found) -> None:
    """Print what was found for people."""
    many = len(found.addresses)
    fit = "address fits" if many == 1 else "addresses fit"
    said = f"{many or 'No'} {fit} in {wanted.list_}: {wanted.selection}"
    print_facts({}, title=said)
    if many:
        click.echo()
        print_table(("category", "addresses"), found.categories.most_common(), total=("total", many))
        click.echo()
        _show_samples(found)
    if found.stays:
        click.echo()
        print_table(("stays", "addresses"), found.stays.most_common())


def _show_samples(found: Found) -> None:
    """Print some of the addresses: on a terminal what was said of each below it, in a pipe a line for each."""
    if not console().is_terminal:
        rows = [(each.id, shown(each.since), each.category, each.said) for each in _samples(found)]
        print_table(("address", "since", "category", "said"), rows)
        return
    which = "Each" if len(found.addresses) <= SAMPLES else f"{SAMPLES} of them"
    console().print(Text(f"{which}, times in {zone_name()}:", style="bold"))
    for each in _samples(found):
        print_entry(Text(f"{shown(each.since):<16}  "), f"{each.id}  {each.category}")
        print_entry(Text(" " * 18), each.said)


class _Sample(NamedTuple):
    id: str
    since: str
    category: str
    said: str


def _samples(found: Found) -> list[_Sample]:
    return [
        _Sample(
            each.id,
            each.fields.get("since", ""),
            each.fields.get("category", ""),
            each.fields.get("diagnostic", ""),
        )
        for each in found.samples
    ]


def _tell(wanted: Wanted, found: Found, done: int) -> None:
    """Print what was found and done for a program."""
    print_json(
        {
            "list": wanted.list_,
            "filters": str(wanted.selection),
            "found": len(found.addresses),
            "categories": dict(found.categories),
            "stays": dict(found.stays),
            "samples": [
                {"address": each.id, "since": each.since, "category": each.category, "said": each.said}
                for each in _samples(found)
            ],
            "dry_run": wanted.dry_run,
            "released": done,
        }
    )
