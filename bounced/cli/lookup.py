"""``bounced lookup``: what is known of one address, and the story behind it."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from bounced.cli.configured import configured
from bounced.cli.exits import ExitCode
from bounced.cli.options import config_option, json_option
from bounced.cli.output import console, print_facts, print_json, printable
from bounced.cli.selecting import chosen_list, list_option, normalised
from bounced.cli.story import day, sentence
from bounced.config import Config
from bounced.core.escape import visible_fields
from bounced.core.record import to_fields
from bounced.core.state import AddressState
from bounced.core.terms import OFF_THE_LIST, Class, State
from bounced.service import open_store

COLOURS = {State.ACTIVE: "green", State.BOUNCING: "cyan", State.HELD: "yellow", State.SUPPRESSED: "red"}


@click.command()
@click.argument("address")
@list_option
@config_option
@json_option
def lookup(address: str, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Tell what is known of ADDRESS and why, with its last events, the oldest first.

    Exit code 0 if anything is known, 1 if nothing is.

    \b
    bounced lookup alice@example.org
    bounced lookup alice@example.org --list newsletter --json | jq .state
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    address = normalised(config, list_, address)
    state, history = asyncio.run(_look(config, list_, address))
    fields = {} if state == AddressState(version=state.version) else to_fields(state)
    if as_json:
        rule = {"rule": decided} if (decided := deciding_rule(state, history)) else {}
        told = fields or {"state": state.state}
        print_json({"list": list_, "address": address, **told, **rule, "history": history})
    else:
        _tell(address, list_, state, history)
    sys.exit(ExitCode.DONE if fields or history else ExitCode.NO)


async def _look(config: Config, list_: str, address: str) -> tuple[AddressState, list[dict[str, Any]]]:
    async with open_store(config) as store:
        state, history = await store.load(list_, address), await store.history(list_, address)
        erased = store.keyspace(list_).erased_id(address)
        if erased is not None and state.state not in OFF_THE_LIST:
            kept = await store.load(list_, erased)
            state = kept if kept.state in OFF_THE_LIST else state
        return state, [visible_fields(json.loads(entry)) for entry in reversed(history)]


def _tell(address: str, list_: str, state: AddressState, history: Sequence[Mapping[str, str]]) -> None:
    target, fields = console(), to_fields(state)
    until = f" until {day(fields['until'])}" if state.until else ""
    mailed = "must not be mailed" if state.state in OFF_THE_LIST else "may be mailed"
    target.print(
        Text.assemble(
            (printable(address), "bold"),
            f" in {list_}: ",
            (f"{state.state}{until}", f"bold {COLOURS[state.state]}"),
            f", {mailed}",
        )
    )
    facts = _facts(state, deciding_rule(state, history))
    print_facts(facts)
    for entry in history:
        target.print(Text.assemble((f"{day(entry.get('at', '')):<16}  ", "dim"), printable(sentence(entry))))
    if not facts and not history:
        target.print(Text("Nothing is known of it: no report, or too long ago."))


def deciding_rule(state: AddressState, history: Sequence[Mapping[str, str]]) -> str:
    """Return the id of the rule that judged the words an address is in its state for; empty where none did.

    The state does not keep it, the event in its history does: for 400 days, as long as it is among the last eight.
    """
    blamed = {"category": state.category, "diagnostic": state.diagnostic}
    judged = (event for event in reversed(history) if all(event.get(name, "") == blamed[name] for name in blamed))
    return next((event["rule"] for event in judged if event.get("rule")), "")


def _facts(state: AddressState, rule: str) -> dict[str, str]:
    """Return what the history may no longer tell: why it is so, and what was good news."""
    fields = to_fields(state)
    blamed = f" ({state.class_})" if state.class_ not in (None, Class.NONE) else ""
    facts = {
        "because": f"{state.category}{blamed}" if state.category else "",
        "rule": rule,
        "said": fields.get("diagnostic", ""),
        "said by": fields.get("reporting_mta", ""),
        "since": day(fields.get("since", "")) if state.state is not State.ACTIVE else "",
    }
    for name in ("last_released_at", "last_delivered_at", "last_engaged_at"):
        facts[name.replace("_", " ").removesuffix(" at")] = day(fields.get(name, ""))
    return {name: value for name, value in facts.items() if value}
