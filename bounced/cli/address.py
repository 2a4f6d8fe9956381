"""One address: ``lookup`` tells its story; ``suppress`` and ``release`` are an operator's decisions."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from bounced.cli.configured import configured
from bounced.cli.exits import ExitCode
from bounced.cli.options import config_option, json_option
from bounced.cli.output import console, print_facts, print_json, printable
from bounced.cli.selecting import chosen_list, list_option
from bounced.cli.story import day, sentence
from bounced.config import Config, build
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.policy import decide
from bounced.core.record import to_fields
from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId, Transition
from bounced.core.terms import Origin, State
from bounced.service import now, open_store

reason_option = click.option("--reason", default="", metavar="TEXT", help="Why, for whoever reads the history.")

OFF_THE_LIST = (State.HELD, State.SUPPRESSED)
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
    list_, address = named(config, list_, address)
    state, history = asyncio.run(_look(config, list_, address))
    fields = {} if state == AddressState(version=state.version) else to_fields(state)
    if as_json:
        print_json({"list": list_, "address": address, **(fields or {"state": state.state}), "history": history})
    else:
        _tell(address, list_, state, history)
    sys.exit(ExitCode.DONE if fields or history else ExitCode.NO)


@click.command()
@click.argument("address")
@reason_option
@list_option
@config_option
@json_option
def suppress(address: str, reason: str, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Suppress ADDRESS until an operator releases it.

    \b
    bounced suppress alice@example.org --reason "asked by phone, ticket 4711"
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    transition = _decide(config_file, list_, address, EvidenceType.SUPPRESS, reason)
    _confirm(address, transition, as_json=as_json)


@click.command()
@click.argument("address")
@reason_option
@list_option
@config_option
@json_option
def release(address: str, reason: str, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Take ADDRESS off the suppression list, whatever put it there.

    Bounces of mail sent before are recorded and not counted. Exit code 1 if it was not on the list.

    \b
    bounced release alice@example.org --reason "mailbox repaired"
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    transition = _decide(config_file, list_, address, EvidenceType.RELEASE, reason)
    _confirm(address, transition, as_json=as_json)
    sys.exit(ExitCode.DONE if transition.before.state in OFF_THE_LIST else ExitCode.NO)


def named(config: Config, list_: str | None, address: str) -> tuple[str, str]:
    """Return the list that is meant and the address as it stands there.  Raises click.UsageError."""
    list_ = chosen_list(config, list_)
    try:
        return list_, normalise(address, fold_local_part=config.lists[list_].fold_local_part)
    except BadAddress as error:
        raise click.UsageError(str(error)) from error


async def _look(config: Config, list_: str, address: str) -> tuple[AddressState, list[dict[str, Any]]]:
    async with open_store(config) as store:
        state, history = await store.load(list_, address), await store.history(list_, address)
        return state, [json.loads(entry) for entry in reversed(history)]


def _decide(config_file: Path | None, list_: str | None, address: str, type_: EvidenceType, reason: str) -> Transition:
    config = configured(config_file)
    list_, address = named(config, list_, address)
    evidence = Evidence(type_, now().replace(microsecond=0), Origin.OPERATOR, note=reason)
    return asyncio.run(_commit(config, list_, address, evidence))


async def _commit(config: Config, list_: str, address: str, evidence: Evidence) -> Transition:
    policy = build.policy(config.lists[list_])
    async with open_store(config) as store:
        said = ReportId(list_, "", f"{evidence.type} {address} {evidence.at.isoformat()}")
        committed = await store.commit(said, address, partial(decide, evidence=evidence, policy=policy))
        assert committed.transition is not None  # an operator's word is no report that could come twice
        return committed.transition


def _tell(address: str, list_: str, state: AddressState, history: Sequence[Mapping[str, str]]) -> None:
    target, colour = console(), COLOURS[state.state]
    until = f" until {day(to_fields(state)['until'])}" if state.until else ""
    mailed = "must not be mailed" if state.state in OFF_THE_LIST else "may be mailed"
    target.print(
        Text.assemble((address, "bold"), f" in {list_}: ", (f"{state.state}{until}", f"bold {colour}"), f", {mailed}")
    )
    facts = _facts(state)
    if facts:
        print_facts(facts)
    for entry in history:
        target.print(Text.assemble((f"{day(entry.get('at', '')):<16}  ", "dim"), printable(sentence(entry))))
    if not facts and not history:
        target.print(Text("Nothing is known of it: no report, or too long ago."))


def _facts(state: AddressState) -> dict[str, str]:
    """Return what the history may no longer tell: why it is so, and what was good news."""
    fields = to_fields(state)
    reason = f"{state.category} ({state.class_})" if state.category else ""
    facts = {
        "because": reason,
        "said": fields.get("diagnostic", ""),
        "said by": fields.get("reporting_mta", ""),
        "since": day(fields.get("since", "")) if state.state is not State.ACTIVE else "",
    }
    facts |= {
        name.replace("_", " ").removesuffix(" at"): day(fields.get(name, ""))
        for name in ("last_released_at", "last_delivered_at", "last_engaged_at")
    }
    return {name: value for name, value in facts.items() if value}


def _confirm(address: str, transition: Transition, *, as_json: bool) -> None:
    before, after = transition.before.state, transition.after.state
    if as_json:
        print_json({"address": address, "before": before, "after": after, "reason": transition.reason})
    else:
        print_facts({address: f"{before} -> {after}" if before is not after else f"{after}, as before"})
