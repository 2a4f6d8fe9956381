"""One address: ``lookup`` tells its story; ``suppress`` and ``release`` are an operator's decisions."""

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from bounced.cli.configured import configured
from bounced.cli.exits import ExitCode
from bounced.cli.options import config_option, json_option
from bounced.cli.output import print_facts, print_json, print_table
from bounced.config import Config, build
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.policy import decide
from bounced.core.record import to_fields
from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId, Transition
from bounced.core.terms import Origin, State
from bounced.service import now, open_store

list_option = click.option(
    "--list", "list_", metavar="NAME", help="Suppression list.  [default: the only one, or main]"
)
reason_option = click.option("--reason", default="", metavar="TEXT", help="Why, for whoever reads the history.")

OFF_THE_LIST = (State.HELD, State.SUPPRESSED)


@click.command()
@click.argument("address")
@list_option
@config_option
@json_option
def lookup(address: str, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Tell what is known of ADDRESS and why, with its last events.

    Exit code 0 if anything is known, 1 if nothing is.
    """
    config = configured(config_file)
    list_, address = named(config, list_, address)
    state, history = asyncio.run(_look(config, list_, address))
    fields = to_fields(state)
    if as_json:
        print_json({"list": list_, "address": address, **(fields or {"state": state.state}), "history": history})
    else:
        _tell(address, list_, state, fields or {"state": state.state}, history)
    sys.exit(ExitCode.DONE if fields or history else ExitCode.NO)


@click.command()
@click.argument("address")
@reason_option
@list_option
@config_option
@json_option
def suppress(address: str, reason: str, list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Suppress ADDRESS until an operator releases it."""
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

    Bounces of mail sent before are recorded and not counted.  Exit code 1 if it was not on the list.
    """
    transition = _decide(config_file, list_, address, EvidenceType.RELEASE, reason)
    _confirm(address, transition, as_json=as_json)
    sys.exit(ExitCode.DONE if transition.before.state in OFF_THE_LIST else ExitCode.NO)


def named(config: Config, list_: str | None, address: str) -> tuple[str, str]:
    """Return the list that is meant and the address as it stands there.  Raises click.UsageError."""
    if list_ is None:
        list_ = next(iter(config.lists)) if len(config.lists) == 1 else "main"
    if list_ not in config.lists:
        raise click.UsageError(f"no list {list_!r} in the configuration; there is {', '.join(config.lists) or 'none'}")
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


def _tell(address: str, list_: str, state: AddressState, fields: dict[str, str], history: list[dict[str, Any]]) -> None:
    mailed = "must not be mailed" if state.state in OFF_THE_LIST else "may be mailed"
    print_facts(
        {name: value for name, value in fields.items() if name not in ("streaks", "version")},
        title=f"{address} in {list_}: {state.state}, {mailed}",
    )
    if history:
        print_table(
            ("when", "what", "category", "said", "before", "after", "because"),
            [[str(entry.get(name, "")) for name in _COLUMNS] for entry in history],
        )


_COLUMNS = ("at", "type", "category", "diagnostic", "before", "after", "reason")


def _confirm(address: str, transition: Transition, *, as_json: bool) -> None:
    before, after = transition.before.state, transition.after.state
    if as_json:
        print_json({"address": address, "before": before, "after": after, "reason": transition.reason})
    else:
        print_facts({address: f"{before} -> {after}" if before is not after else f"{after}, as before"})
