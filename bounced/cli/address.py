"""``bounced suppress`` and ``bounced release``: an operator's decisions."""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from bounced.cli.acting import as_option, asked_reason, reason_option, yes_option
from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.filters import chosen, filter_options
from bounced.cli.output import json_option, print_facts, print_json
from bounced.cli.recover import Wanted, dry_run_option, release_selected
from bounced.cli.selecting import chosen_list, list_option, normalised
from bounced.cli.shared import release_shared, shared_option
from bounced.config import Config, build
from bounced.core.contract.event_words import WHY
from bounced.core.contract.summary import Summary, summary_event
from bounced.core.policy import decide
from bounced.core.state import Evidence, EvidenceType, ReportId, Transition
from bounced.core.terms import Origin
from bounced.edges.redis import RedisStore
from bounced.opening import now, open_store
from bounced.pipeline import kept_hash

AT_ONCE = 200


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@reason_option
@as_option
@list_option
@config_option
@json_option
def suppress(
    *, addresses: tuple[str, ...], reason: str, actor: str, list_: str | None, config_file: Path | None, as_json: bool
) -> None:
    """Suppress each ADDRESS until an operator releases it; - reads addresses from standard input, one a line.

    More than one at once need a --reason.

    \b
    bounced suppress alice@example.org --reason "asked by phone, ticket 4711"
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    wanted = Decision(EvidenceType.SUPPRESS, chosen_list(config, list_), reason, actor)
    _decide(config, wanted, addresses, as_json=as_json)


@click.command()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS...]")
@filter_options
@dry_run_option
@yes_option
@shared_option
@reason_option
@as_option
@list_option
@config_option
@json_option
def release(
    *,
    addresses: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    shared: bool,
    reason: str,
    actor: str,
    list_: str | None,
    config_file: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Remove each ADDRESS from the suppression list, whatever put it there; - reads addresses from standard input.

    Bounces of mail that was sent before are recorded and not counted. An address that is active already stays as it
    is. Exit code 1 if one was not on the list. More than one at once need a --reason.

    Instead of addresses, --since, --provider and so on choose them, as for `bounced recover`. Imported addresses are
    released, too. What a person said stays: a complaint, an unsubscription, an operator's decision.

    Lists may share hard verdicts (`shares_hard_with`). --shared also lifts this verdict in the list where it began, and
    in all lists that have it from there. What a person said there stays.

    \b
    bounced release alice@example.org --reason "mailbox repaired"
    bounced release - --reason "false alarm" < addresses.txt
    bounced release --campaign spring --category mailbox_full --dry-run
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    selection = chosen(config, list_, asked)
    if bool(addresses) == bool(selection) or ((dry_run or yes) and not selection) or (shared and selection):
        which = "ADDRESS... with --shared or without, or --since, --provider, ... with --dry-run or --yes"
        raise click.UsageError(f"say which: {which}")
    if selection:
        chosen_ones = Wanted(
            list_, selection, dry_run=dry_run, yes=yes, actor=actor, summary=Summary.RELEASED, imported_too=True
        )
        sys.exit(release_selected(config, chosen_ones, reason, as_json=as_json))
    wanted = Decision(EvidenceType.RELEASE, list_, reason, actor, shared=shared)
    sys.exit(ExitCode.DONE if _decide(config, wanted, addresses, as_json=as_json) else ExitCode.NO)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator decides in a list, and why; ``shared``: also in those that share the same hard verdict."""

    type: EvidenceType
    list_: str
    reason: str
    actor: str
    shared: bool = False

    def evidence(self, *, bulk: bool) -> Evidence:
        """Return the evidence; ``bulk`` where it is about many addresses."""
        at = now().replace(microsecond=0)
        return Evidence(self.type, at, Origin.OPERATOR, note=self.reason, actor=self.actor, bulk=bulk)


def _decide(config: Config, wanted: Decision, addresses: Sequence[str], *, as_json: bool) -> bool:
    """Commit what an operator says of addresses, and confirm each; return whether each was on a list."""
    named = list(_each(config, wanted.list_, addresses))
    if not named:
        click.echo("bounced: standard input names no address; nothing was done", err=True)
    reason = asked_reason(wanted.reason, needed=len(named) > 1 or "-" in addresses)
    evidence = replace(wanted, reason=reason).evidence(bulk=len(named) > 1)
    lifted = wanted.shared and release_shared(config, wanted.list_, named, evidence, as_json=as_json)
    transitions = asyncio.run(_commit_all(config, wanted.list_, named, evidence))
    for address, transition in zip(named, transitions, strict=True):
        _confirm(address, transition, as_json=as_json)
    return lifted or all(transition.before.state.on_suppression_list for transition in transitions)


def _each(config: Config, list_: str, addresses: Iterable[str]) -> Iterator[str]:
    """Yield the addresses given, and those of standard input for a dash, as they stand in the list.

    Raises click.UsageError, which names the line.
    """
    for address in addresses:
        if address != "-":
            yield normalised(config, list_, address)
            continue
        for number, line in enumerate(sys.stdin, 1):
            if text := line.removeprefix("\ufeff").strip():  # an editor's byte order mark is part of no address
                yield _of_line(config, list_, number, text)


def _of_line(config: Config, list_: str, number: int, text: str) -> str:
    try:
        return normalised(config, list_, text)
    except click.UsageError as error:
        raise click.UsageError(f"line {number} of standard input: {error.message}; nothing was done") from error


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
        try:
            for begun in range(0, len(addresses), AT_ONCE):
                transitions += await asyncio.gather(*map(commit_to_all_forms, addresses[begun : begun + AT_ONCE]))
        finally:
            await _tell_of_many(store, list_, evidence, transitions)
        return transitions


async def _tell_of_many(store: RedisStore, list_: str, evidence: Evidence, transitions: Sequence[Transition]) -> None:
    """Tell once of a change to many addresses, also where only a part could be done."""
    counts = {"addresses": sum(map(_says_something_new, transitions))}
    if evidence.bulk and counts["addresses"]:
        type_ = Summary.RELEASED if evidence.type is EvidenceType.RELEASE else Summary.SUPPRESSED
        keys = store.keyspace(list_)
        told = summary_event(keys, type_, evidence.at, evidence.actor, note=evidence.note, counts=counts)
        await store.tell(list_, told)


def _says_something_new(transition: Transition) -> bool:
    """Whether the state or its reason is another; who suppresses again what he suppressed changes only its time."""
    before, after = transition.before, transition.after
    return (before.state, before.category) != (after.state, after.category)


def _confirm(address: str, transition: Transition, *, as_json: bool) -> None:
    before, after = transition.before.state, transition.after.state
    if as_json:
        print_json({"address": address, "before": before, "after": after, "reason": transition.reason})
    else:
        same = WHY.get(transition.reason, "as before") if transition.idle else "as before"
        print_facts({address: f"{before} -> {after}" if before is not after else f"{after}, {same}"})
