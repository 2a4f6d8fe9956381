"""``bounced reclassify``: judges kept evidence by today's rules, and shows or does what changes."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click

from bounced.cli.acting import as_option
from bounced.cli.configured import config_option, configured
from bounced.cli.output import json_option, print_facts, print_json, printable
from bounced.cli.process import in_loop
from bounced.cli.selecting import chosen_list, list_option
from bounced.config import Config
from bounced.core.contract.state_hash import UnreadableState, from_fields
from bounced.core.contract.summary import Summary, summary_event
from bounced.core.mailbox import AddressId
from bounced.core.meaning.reclassify import Reclassifier
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.core.policy import decide
from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId, Transition
from bounced.core.terms import Origin, Verdict
from bounced.edges.redis import RedisStore
from bounced.edges.redis.bulk import suppressed_states
from bounced.edges.redis.kept import kept_messages
from bounced.opening import now, open_store
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import WrongTypeOfAddress
from bounced.service import pipeline


@dataclass(frozen=True, slots=True)
class Correction:
    """What changes for one address.  ``entry`` is the id in `unrecognised` of the message that causes it, if any."""

    address: str
    transition: Transition
    was: str
    verdict: Verdict
    entry: str = ""


@click.command("reclassify")
@click.option("--apply", "apply_", is_flag=True, help="Do it.  Without this, the command only shows it.")
@as_option
@list_option
@config_option
@json_option
def reclassify_command(*, list_: str | None, actor: str, config_file: Path | None, apply_: bool, as_json: bool) -> None:
    """Show what today's rules make of kept evidence, and with --apply act on it.

    It releases addresses that are held or suppressed for a reply that is no longer a reason, for example because it
    means a block.  It leaves alone what people said.  Messages that were not understood when they came
    (`unrecognised`) and are understood now count as of that time, and are then no longer kept.

    With --json, one object for each change, and at the end one that says how many there were.

    \b
    bounced reclassify
    bounced reclassify --apply
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    try:
        name = chosen_list(config, list_)
        counts = in_loop(lambda: _reclassify(config, name, actor, apply_=apply_, as_json=as_json))
    except RulesInvalid as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        print_json({**counts, "applied": apply_})
    else:
        title = "Done." if apply_ else "Nothing was changed; --apply does it."
        print_facts(counts, title=title)


async def _reclassify(config: Config, list_: str, actor: str, *, apply_: bool, as_json: bool) -> Counter[str]:
    counts = Counter({"released": 0, "counted": 0})
    async with open_store(config) as store:
        path = pipeline(config, store)
        reclassifier = Reclassifier(path.rules)
        async for change in released(store, path.lists, list_, reclassifier, counts):
            counts["released"] += 1
            show(change, as_json=as_json)
            if apply_:
                await _release(store, path, list_, change, actor)
        if apply_ and counts["released"]:
            addresses = {"addresses": counts["released"]}
            told = summary_event(store.keyspace(list_), Summary.RECLASSIFIED, now(), actor, counts=addresses)
            await store.tell(list_, told)
        async for change in counted(store, path.lists, list_, reclassifier, counts):
            counts["counted"] += 1
            show(change, as_json=as_json)
            if apply_:
                await _count(store, path, list_, change)
    return counts


async def released(
    store: RedisStore, lists: Mapping[str, ListSettings], list_: str, reclassifier: Reclassifier, counts: Counter[str]
) -> AsyncIterator[Correction]:
    """Yield the addresses on the suppression list whose reason would not be one under today's rules."""
    async for page in suppressed_states(store, store.keyspace(list_)):
        for id_, held in page:
            try:
                state = from_fields(held)
            except UnreadableState as error:
                _pass_over(id_, error, counts)
                continue
            verdict = reclassifier.acquitted(state, id_ if "@" in id_ else "")
            if verdict is not None:
                note = f"reclassified: {state.category} is {verdict.category} today ({verdict.rule})"
                evidence = Evidence(EvidenceType.RELEASE, now().replace(microsecond=0), Origin.OPERATOR, note=note)
                transition = decide(state, evidence, lists[list_].policy)
                yield Correction(AddressId(id_), transition, str(state.category), verdict)


async def counted(
    store: RedisStore, lists: Mapping[str, ListSettings], list_: str, reclassifier: Reclassifier, counts: Counter[str]
) -> AsyncIterator[Correction]:
    """Yield the messages that are understood today, and what would follow for their addresses."""
    async for message in kept_messages(store, list_):
        kept = message.fields
        evidence = reclassifier.understood(kept, message.content)
        if evidence is None or evidence.verdict is None:
            continue
        try:
            state = await store.load(list_, kept["address"])
        except (UnreadableState, WrongTypeOfAddress) as error:
            _pass_over(kept["address"], error, counts)
            continue
        transition = decide(state, evidence, lists[list_].policy)
        was = kept.get("category") or kept.get("kind", "")
        yield Correction(kept["address"], transition, was, evidence.verdict, message.id)


async def _release(store: RedisStore, path: Pipeline, list_: str, change: Correction, actor: str) -> None:
    """Release an address if it is still on the suppression list for the same reason."""
    policy, seen = path.lists[list_].policy, change.transition.before
    evidence = replace(change.transition.evidence, actor=actor, bulk=True)

    def unless_changed(state: AddressState) -> Transition:
        if state.version in (0, seen.version):
            return decide(state, evidence, policy)
        return Transition(evidence, state, state, "changed_meanwhile")

    said = ReportId(list_, "", f"reclassify {change.address} {evidence.at.isoformat()}")
    await store.commit(said, change.address, unless_changed)


async def _count(store: RedisStore, path: Pipeline, list_: str, change: Correction) -> None:
    """Count a message as the report that it is, and delete it from `unrecognised`."""
    said = ReportId(list_, f"reclassified-{change.entry}", change.entry)
    await path.commit(said, change.address, change.transition.evidence)
    await store.write(list_, "XDEL", store.keyspace(list_).unrecognised, change.entry)


def _pass_over(address: str, error: Exception, counts: Counter[str]) -> None:
    """Tell of an address whose state nobody can read, and leave it alone."""
    counts["unreadable"] += 1
    click.echo(f"bounced: {printable(address)} is passed over: {error}", err=True)


def show(change: Correction, *, as_json: bool) -> None:
    """Print what changes for one address."""
    before, after, verdict = change.transition.before.state, change.transition.after.state, change.verdict
    if as_json:
        told = {"was": change.was, "is": verdict.category, "rule": verdict.rule, "before": before, "after": after}
        print_json({"address": change.address, **told, "note": change.transition.evidence.note})
    else:
        print_facts({change.address: f"{before} -> {after}: {change.was} is {verdict.category}, rule {verdict.rule}"})
