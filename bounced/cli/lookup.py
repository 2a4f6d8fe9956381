"""``bounced lookup``: what each list knows of one address, and the story behind it."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import console, json_option, print_entry, print_facts, print_json, printable
from bounced.cli.selecting import any_list_option, chosen_lists, normalised
from bounced.cli.similar import is_pattern, look_up_all
from bounced.cli.times import local_option, shown, zone_name
from bounced.config import Config
from bounced.core.contract.event_words import sentence
from bounced.core.contract.state_hash import to_fields
from bounced.core.state import AddressState
from bounced.core.terms import Class, State
from bounced.edges.redis.story import AddressStory, how_decided, named_in_log, story_of
from bounced.opening import open_store

COLOURS = {State.ACTIVE: "green", State.BOUNCING: "cyan", State.HELD: "yellow", State.SUPPRESSED: "red"}


@click.command()
@click.argument("address")
@click.option(
    "--within",
    "within_s",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, 3600, min_open=True),
    metavar="SECONDS",
    help="How long to search, for a pattern.",
)
@any_list_option
@local_option
@config_option
@json_option
def lookup(address: str, within_s: float, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Tell what each list knows of ADDRESS and why, with its last events, the oldest first.

    Exit code 0 if a list that was asked knows anything, 1 if none does.  --json has one object for each list.

    ADDRESS may be a pattern: 'bob*', 'bob*@example.org' or '*@example.org'.  Then the command shows up to 100 matching
    addresses on the suppression lists.  An address that bounces and may still be mailed needs its whole address.

    \b
    bounced lookup alice@example.org
    bounced lookup '*@example.org'
    bounced lookup alice@example.org --list newsletter --json | jq .state
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    if is_pattern(address):
        look_up_all(config, chosen_lists(config, list_), address, within_s, as_json=as_json)
    asked = {name: normalised(config, name, address) for name in chosen_lists(config, list_)}
    answers = asyncio.run(_ask(config, asked))
    if as_json:
        for answer in answers:
            print_json(answer.as_record())
    else:
        _tell(answers)
    sys.exit(ExitCode.DONE if any(answer.is_known or answer.history for answer in answers) else ExitCode.NO)


async def _ask(config: Config, asked: Mapping[str, str]) -> list[AddressStory]:
    """Ask each list about the address as it stands in that list."""
    async with open_store(config) as store:
        answers = await asyncio.gather(*(story_of(store, list_, address) for list_, address in asked.items()))
    return [named_in_log(config, answer) for answer in answers]


def _tell(answers: Sequence[AddressStory]) -> None:
    """Print the answers for people, an empty line between two."""
    for place, answer in enumerate(answers):
        if place:
            console().print()
        _tell_one(answer)


def _tell_one(answer: AddressStory) -> None:
    target, state, fields = console(), answer.state, to_fields(answer.state)
    until = f" until {_with_zone(fields['until'])}" if state.until else ""
    mailed = "must not be mailed" if answer.must_not_be_mailed else "may be mailed"
    target.print(
        Text.assemble(
            (printable(answer.address), "bold"),
            f" in {answer.list_}: ",
            (f"{state.state}{until}", f"bold {COLOURS.get(state.state, COLOURS[State.SUPPRESSED])}"),
            f", {mailed}",
        )
    )
    facts = _facts(state, how_decided(state, answer.history))
    print_facts(facts | ({"in the log": answer.in_log} if answer.in_log and (facts or answer.history) else {}))
    if answer.history and target.is_terminal:
        target.print(Text(f"Events, the oldest first, times in {zone_name()}:"))
    for entry in answer.history:
        print_entry(Text(f"{shown(entry.get('at', '')):<16}  ", "dim"), sentence(_told_once(entry, facts), shown))
    if not facts and not answer.history:
        target.print(Text("Nothing is known of it: no report, or too long ago."))


def _told_once(entry: Mapping[str, str], facts: Mapping[str, str]) -> Mapping[str, str]:
    """Return an event without the diagnostic that stands above it already."""
    return {**entry, "diagnostic": ""} if entry.get("diagnostic") == facts.get("said") else entry


def _facts(state: AddressState, decided: Mapping[str, str]) -> dict[str, str]:
    """Return what the state itself says: the reason, and the times of deliveries and interest."""
    fields = to_fields(state)
    blamed = f" ({state.class_})" if state.class_ not in (None, Class.NONE) else ""
    facts = {
        "because": f"{state.category}{blamed}" if state.category else "",
        **decided,
        "said": fields.get("diagnostic", ""),
        "said by": fields.get("reporting_mta", ""),
        "done by": state.actor,
        "shared from": state.shared_from and f"list {state.shared_from}",
        "since": _with_zone(fields.get("since", "")) if state.state is not State.ACTIVE else "",
    }
    for name in ("last_released_at", "last_delivered_at", "last_engaged_at"):
        facts[name.replace("_", " ").removesuffix(" at")] = _with_zone(fields.get(name, ""))
    return {name: value for name, value in facts.items() if value}


def _with_zone(at: str) -> str:
    return f"{shown(at)} {zone_name()}" if at else ""
