"""``bounced simulate``: what another policy would have done, before it is put in force."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TypedDict

import click

from bounced.cli.configured import ConfigRefused, config_option, configured
from bounced.cli.output import json_option, print_json, print_table
from bounced.cli.selecting import chosen_list, event_streams, list_option
from bounced.config import Config, ConfigError
from bounced.config.build import policy
from bounced.config.health import DisputeSettings, dispute_rule, provider_rule
from bounced.config.proposal import proposal
from bounced.core.contract.times import stamp
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.policy.dispute import DisputeRule
from bounced.core.policy.outage import ProviderRule
from bounced.core.state import Evidence
from bounced.edges.redis.event_streams import BEGINNING, END
from bounced.pipeline import ListSettings
from bounced.simulation.compare import TOTALS, Changes, Life, invent, lives, replay, story, totals
from bounced.simulation.population import SHARED_DOMAIN
from bounced.simulation.recorded import NotAnEvent, in_order
from bounced.simulation.simulator import StateChange

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
SHOWN = 50


class _Rules(TypedDict):
    """The fields of ListSettings that say who is disputed."""

    disputes: DisputeRule
    providers: ProviderRule


@dataclass(frozen=True, slots=True)
class Invented:
    """Which list to invent.  ``members`` is 0 where recorded events are asked for."""

    members: int
    days: int
    seed: int
    deliveries: bool


@click.command()
@click.argument("policy_file", metavar="POLICY", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--events", "events_file", type=click.File(encoding="utf-8"), help="Events as `bounced events --json` writes them."
)
@click.option("--generate", "members", type=click.IntRange(1, 100_000), help="Invent a list of so many recipients.")
@click.option("--days", default=730, show_default=True, type=click.IntRange(7, 3650), help="How long it is mailed.")
@click.option("--seed", default=1, show_default=True, help="Another number invents another list.")
@click.option("--deliveries", is_flag=True, help="Deliveries are reported, as in a list whose sender does so.")
@list_option
@config_option
@json_option
def simulate(
    *,
    policy_file: Path,
    events_file: IO[str] | None,
    members: int | None,
    days: int,
    seed: int,
    deliveries: bool,
    list_: str | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Say what POLICY would do to whom, next to the policy in force.

    POLICY is a TOML file with the keys of [lists.NAME.policy], and cadence_days and [disputes] if they change: only
    what is different. It is run over the list's recorded events, over those in a file, or over an invented list.

    \b
    bounced simulate patient.toml
    bounced simulate patient.toml --generate 1000 --days 365
    bounced events --limit 100000 --json > events.jsonl; bounced simulate patient.toml --events events.jsonl
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file, check_files=not (members or events_file))
    list_ = chosen_list(config, list_) if config.lists else None
    in_force, proposed = _settings(config, list_, policy_file)
    if members:
        asked = Invented(members, days, seed, deliveries)
        both = asyncio.run(_invent(asked, in_force, proposed))
    else:
        if events_file is None and list_ is None:
            raise click.UsageError("no list in the configuration: --events or --generate says what to simulate")
        recorded = _read(events_file) if events_file else asyncio.run(_stream(config, str(list_)))
        both = asyncio.run(_replay(recorded, in_force, proposed))
    _tell(*both, as_json=as_json)


def _settings(config: Config, list_: str | None, file: Path) -> tuple[ListSettings, ListSettings]:
    present = config.lists[list_] if list_ else None
    in_force = ListSettings(policy(present) if present else DEFAULT_POLICY)
    if present:
        in_force = replace(in_force, **_rules(present.disputes))
    try:
        changed = proposal(file, present)
    except ConfigError as error:
        raise ConfigRefused(str(error)) from error
    return in_force, replace(in_force, policy=changed.to_policy(), **_rules(changed.disputes))


def _rules(settings: DisputeSettings) -> _Rules:
    return {"disputes": dispute_rule(settings), "providers": provider_rule(settings)}


async def _invent(asked: Invented, *policies: ListSettings) -> tuple[Changes, Changes]:
    in_force, proposed = [
        await invent(asked.members, asked.days, asked.seed, BEGIN, _with_provider(each), deliveries=asked.deliveries)
        for each in policies
    ]
    return in_force, proposed


def _with_provider(settings: ListSettings) -> ListSettings:
    """Return the settings with the invented provider among those that are never disputed."""
    shared = settings.disputes.shared | {SHARED_DOMAIN}
    return replace(settings, disputes=replace(settings.disputes, shared=shared))


async def _replay(recorded: list[tuple[str, Evidence]], *policies: ListSettings) -> tuple[Changes, Changes]:
    in_force, proposed = [await replay(recorded, settings) for settings in policies]
    return in_force, proposed


def _read(file: IO[str]) -> list[tuple[str, Evidence]]:
    def events() -> Iterator[Mapping[str, str]]:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise click.UsageError(f"{file.name}:{number}: not JSON: {error}") from error

    return _in_order(events())


async def _stream(config: Config, list_: str) -> list[tuple[str, Evidence]]:
    found: list[Mapping[str, str]] = []
    async with event_streams(config, list_) as events:
        async for page in events.between(BEGINNING, END):
            found += [entry.record for entry in page]
    return _in_order(iter(found))


def _in_order(events: Iterator[Mapping[str, str]]) -> list[tuple[str, Evidence]]:
    try:
        return in_order(events)
    except NotAnEvent as error:
        raise click.UsageError(str(error)) from error


def _tell(in_force: Changes, proposed: Changes, *, as_json: bool) -> None:
    found, (before, after) = lives(in_force, proposed), (totals(in_force), totals(proposed))
    if as_json:
        for life in found:
            sides = {"in_force": life.in_force, "proposed": life.proposed}
            told = {side: [_record(change) for change in changes] for side, changes in sides.items()}
            print_json({"address": life.address, "differs": life.differs, **told})
        sums = {"in_force": before, "proposed": after}
        print_json({side: {name: counted[name] for name in TOTALS} for side, counted in sums.items()})
        return
    print_table(("addresses", "in force", "proposed"), [(name, before[name], after[name]) for name in TOTALS])
    different = [life for life in found if life.differs]
    if different:
        click.echo()
        print_table(("address", "in force", "proposed"), [_row(life) for life in different[:SHOWN]])
    click.echo(f"\n{len(different)} of {len(found)} addresses that bounced fare differently{_more(len(different))}.")


def _more(different: int) -> str:
    return f"; the first {SHOWN} are shown, --json tells all" if different > SHOWN else ""


def _row(life: Life) -> tuple[str, str, str]:
    return life.address, story(life.in_force), story(life.proposed)


def _record(change: StateChange) -> dict[str, str]:
    told = {"at": stamp(change.at), "before": change.before, "after": change.after, "reason": change.reason}
    return told | ({"until": stamp(change.until)} if change.until else {})
