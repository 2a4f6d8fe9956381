"""``bounced suppress`` and ``bounced release``: an operator's decisions."""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import click

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import json_option, print_facts, print_json
from bounced.cli.selecting import chosen_list, list_option, normalised
from bounced.cli.story import WHY
from bounced.config import Config, build
from bounced.core.policy import decide
from bounced.core.state import Evidence, EvidenceType, ReportId, Transition
from bounced.core.terms import Origin
from bounced.pipeline import kept_hash
from bounced.service import now, open_store

AT_ONCE = 200
addresses_argument = click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
reason_option = click.option("--reason", default="", metavar="TEXT", help="Why, for whoever reads the history.")


@click.command()
@addresses_argument
@reason_option
@list_option
@config_option
@json_option
def suppress(
    addresses: tuple[str, ...], reason: str, list_: str | None, config_file: Path | None, *, as_json: bool
) -> None:
    """Suppress each ADDRESS until an operator releases it; - reads addresses from standard input, one a line.

    \b
    bounced suppress alice@example.org --reason "asked by phone, ticket 4711"
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    _decide(EvidenceType.SUPPRESS, addresses, reason, list_, config_file, as_json=as_json)


@click.command()
@addresses_argument
@reason_option
@list_option
@config_option
@json_option
def release(
    addresses: tuple[str, ...], reason: str, list_: str | None, config_file: Path | None, *, as_json: bool
) -> None:
    """Take each ADDRESS off the suppression list, whatever put it there; - reads addresses from standard input.

    Bounces of mail sent before are recorded and not counted. An address that is active already is left alone: there
    is nothing to lift. Exit code 1 if one was not on the list.

    \b
    bounced release alice@example.org --reason "mailbox repaired"
    bounced export --json | jq -r 'select(.campaign == "spring").address' | bounced release - --reason "false alarm"
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    transitions = _decide(EvidenceType.RELEASE, addresses, reason, list_, config_file, as_json=as_json)
    were_listed = all(transition.before.state.on_suppression_list for transition in transitions)
    sys.exit(ExitCode.DONE if were_listed else ExitCode.NO)


def _decide(
    type_: EvidenceType,
    addresses: Iterable[str],
    reason: str,
    list_: str | None,
    config_file: Path | None,
    *,
    as_json: bool,
) -> list[Transition]:
    """Commit what an operator says of addresses, and confirm each."""
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    named = [normalised(config, list_, address) for address in _each(addresses)]
    evidence = Evidence(type_, now().replace(microsecond=0), Origin.OPERATOR, note=reason)
    transitions = asyncio.run(_commit_all(config, list_, named, evidence))
    for address, transition in zip(named, transitions, strict=True):
        _confirm(address, transition, as_json=as_json)
    return transitions


def _each(addresses: Iterable[str]) -> Iterator[str]:
    """Yield the addresses given, and those of standard input for a dash."""
    for address in addresses:
        yield from (line.strip() for line in sys.stdin if line.strip()) if address == "-" else (address,)


async def _commit_all(config: Config, list_: str, addresses: Sequence[str], evidence: Evidence) -> list[Transition]:
    policy = build.policy(config.lists[list_])
    decision = partial(decide, evidence=evidence, policy=policy)
    async with open_store(config) as store:

        async def commit(address: str) -> Transition:
            said = ReportId(list_, "", f"{evidence.type} {address} {evidence.at.isoformat()}")
            committed = await store.commit(said, address, decision)
            assert committed.transition is not None  # an operator's word is no report that could come twice
            return committed.transition

        async def commit_to_all_forms(address: str) -> Transition:
            """Release also the keyed hash that ``erase`` kept of a recipient who had complained."""
            transition = await commit(address)
            kept = await kept_hash(store, list_, address) if evidence.type is EvidenceType.RELEASE else None
            return await commit(kept) if kept else transition

        transitions: list[Transition] = []
        for begun in range(0, len(addresses), AT_ONCE):
            transitions += await asyncio.gather(*map(commit_to_all_forms, addresses[begun : begun + AT_ONCE]))
        return transitions


def _confirm(address: str, transition: Transition, *, as_json: bool) -> None:
    before, after = transition.before.state, transition.after.state
    if as_json:
        print_json({"address": address, "before": before, "after": after, "reason": transition.reason})
    else:
        same = WHY.get(transition.reason, "as before") if transition.idle else "as before"
        print_facts({address: f"{before} -> {after}" if before is not after else f"{after}, {same}"})
