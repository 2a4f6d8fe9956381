"""``bounced hooks``: how webhooks stand, a test of one, and going on after one was stopped."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from ssl import SSLError
from typing import TYPE_CHECKING, Any

import click

from bounced.cli.configured import config_option, configured, configured_for_deliver
from bounced.cli.ending import ExitCode
from bounced.cli.output import json_option, print_facts, print_json
from bounced.cli.process import fail
from bounced.cli.selecting import any_list_option, chosen_lists
from bounced.cli.times import shown
from bounced.config import Config
from bounced.config.hook_checks import lists_of
from bounced.config.hooks import Hook
from bounced.core.contract.hook_standing import HookStanding
from bounced.core.contract.times import stamp
from bounced.edges.redis.hook_overview import hook_standing
from bounced.edges.redis.hook_streams import HookStreams
from bounced.opening import now, open_store

if TYPE_CHECKING:
    from bounced.deliver.trial import Trial

BAD_FILES = (OSError, ValueError, SSLError)


@click.group()
def hooks() -> None:
    """Show the state of the webhooks of [[hooks]], test one, or let one go on.  `bounced deliver` sends the events.

    \b
    bounced hooks list
    """  # noqa: D301 - \b is click's mark for lines to be left as they are


@hooks.command("list")
@any_list_option
@config_option
@json_option
def list_command(*, list_: str | None, config_file: Path | None, as_json: bool) -> None:
    """Show for each webhook and list whether it works, how far it is behind, and what went wrong.

    "set aside" are events that the receiver did not take for a day (give_up_s) and that are kept; "trimmed" are events
    that the streams had dropped before they were read.

    Exit code 0 if all work, 1 if one does not.

    \b
    bounced hooks list
    bounced hooks list --json | jq 'select(.troubles != [])'
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config, at = configured(config_file, check_files=False), now()
    found = asyncio.run(_standings(config, _chosen(config, None, list_)))
    if as_json:
        for each in found:
            print_json(each.record(at))
    elif not found:
        click.echo("No webhook is configured: [[hooks]] in the configuration.", err=True)
    for place, each in enumerate(found if not as_json else ()):
        if place:
            click.echo()
        print_facts(dict(each.facts(at)))
    sys.exit(ExitCode.NO if any(each.standing.troubles(at) for each in found) else ExitCode.DONE)


@hooks.command()
@click.argument("name")
@any_list_option
@config_option
@json_option
def test(*, name: str, list_: str | None, config_file: Path | None, as_json: bool) -> None:
    """Send a test event to the webhook NAME now, and print what the receiver answered.

    The event has the type "test"; a receiver with the body listmonk gets a soft bounce of an address that nobody
    has. The event is signed, and the receiver's address is checked, as for any other event. Nothing is stored and
    nothing is sent again. Run it as a user that can read the webhook's secrets, on the host of the deliverer.

    Exit code 0 if the receiver took it, 1 if not.

    \b
    bounced hooks test crm
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured_for_deliver(config_file)
    (hook, of_list), *_ = _chosen(config, name, list_)
    trial = import_module("bounced.deliver.trial")  # it needs the HTTP client, which the other commands do without
    try:
        came: Trial = asyncio.run(trial.try_out(hook, of_list, now()))
    except BAD_FILES as error:
        fail(str(error))
    if as_json:
        print_json(_record(hook, of_list, came))
    else:
        print_facts(dict(_facts(hook, of_list, came)))
    sys.exit(ExitCode.DONE if came.answer.taken else ExitCode.NO)


@hooks.command()
@click.argument("name")
@any_list_option
@config_option
@json_option
def resume(*, name: str, list_: str | None, config_file: Path | None, as_json: bool) -> None:
    """Let the webhook NAME go on, after its receiver answered 410 or did not take events for a day.

    It goes on where it stopped. What was set aside is sent again with the same ids, beside new events. Mend the
    receiver first, and try it with `bounced hooks test NAME`.

    Exit code 0 if there was something to do, 1 if not.

    \b
    bounced hooks resume crm
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file, check_files=False)
    resumed = asyncio.run(_resume(config, _chosen(config, name, list_)))
    for each in resumed:
        if as_json:
            print_json({"hook": name, **asdict(each)})
        else:
            print_facts({"list": each.list, "was": each.was or "working", "sent again": _events(each.sent_again)})
    sys.exit(ExitCode.DONE if any(each.was or each.sent_again for each in resumed) else ExitCode.NO)


@dataclass(frozen=True, slots=True)
class Resumed:
    """What was done in one list.  ``was`` is why it was stopped, empty where it was not."""

    list: str
    was: str
    sent_again: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A webhook in a list, and how it stands."""

    hook: Hook
    list_: str
    standing: HookStanding

    def state(self, at: datetime) -> str:
        """Return how it stands, in words."""
        held = self.standing.state
        if held.stopped:
            return f"stopped at {shown(held.stopped_at)}: {held.stopped}"
        if not held.begun:
            return "no deliverer has begun: systemctl enable --now bounced-deliver"
        if not self.standing.holder:
            return "no deliverer works for it: systemctl status bounced-deliver"
        if held.failing_since:
            return f"fails since {shown(held.failing_since)}"
        return "behind" if self.standing.troubles(at) and self.standing.behind else "works"

    def facts(self, at: datetime) -> Iterator[tuple[str, str]]:
        """Yield it for people; what is empty is left out when it is printed."""
        held, standing = self.standing.state, self.standing
        yield "webhook", self.hook.name
        yield "list", self.list_
        yield "state", self.state(at)
        behind = f"{_events(standing.behind)}, the oldest for {_span(standing.behind_for(at))}"
        yield "behind by", behind if standing.behind else "nothing"
        yield "delivered", f"{held.delivered:,}"
        yield "last success", shown(held.last_success_at)
        yield "last failure", f"{shown(held.last_failure_at)}: {held.last_failure}" if held.last_failure_at else ""
        yield "set aside", f"{_events(standing.kept)}: bounced hooks resume {self.hook.name}" if standing.kept else ""
        yield "trimmed", f"{_events(held.trimmed)}, last at {shown(held.trimmed_at)}" if held.trimmed else ""

    def record(self, at: datetime) -> Mapping[str, Any]:
        """Return it for a program."""
        held, standing = self.standing.state, self.standing
        return {
            "hook": self.hook.name,
            "list": self.list_,
            "troubles": list(standing.troubles(at)),
            "begun": held.begun,
            "deliverer": standing.holder or None,
            "stopped": held.stopped or None,
            "stopped_at": stamp(held.stopped_at) or None,
            "behind": standing.behind,
            "behind_s": int(standing.behind_for(at).total_seconds()),
            "delivered": held.delivered,
            "last_success_at": stamp(held.last_success_at) or None,
            "last_failure_at": stamp(held.last_failure_at) or None,
            "last_failure": held.last_failure or None,
            "failing_since": stamp(held.failing_since) or None,
            "set_aside": standing.kept,
            "trimmed": held.trimmed,
            "trimmed_at": stamp(held.trimmed_at) or None,
        }


def _chosen(config: Config, name: str | None, list_: str | None) -> Sequence[tuple[Hook, str]]:
    """Return the webhooks that are meant, each with each of its lists.  Raises click.UsageError."""
    names = [hook.name for hook in config.hooks]
    if name is not None and name not in names:
        raise click.UsageError(f"no webhook {name!r} in the configuration; there is {', '.join(names) or 'none'}")
    lists = chosen_lists(config, list_)
    chosen = [(hook, each) for hook in config.hooks if name in (None, hook.name) for each in lists_of(hook, lists)]
    if name is not None and not chosen:
        raise click.UsageError(f"the webhook {name} is not sent the events of {list_}")
    return chosen


async def _standings(config: Config, chosen: Sequence[tuple[Hook, str]]) -> list[Listed]:
    async with open_store(config, to_write=False) as store:
        return [
            Listed(hook, list_, await hook_standing(store, list_, store.keyspace(list_), hook.name))
            for hook, list_ in chosen
        ]


async def _resume(config: Config, chosen: Sequence[tuple[Hook, str]]) -> list[Resumed]:
    done = []
    async with open_store(config) as store:
        for hook, list_ in chosen:
            streams = HookStreams(store, list_, hook.name, undelivered_max=config.keep.undelivered_max)
            was = (await streams.state()).stopped
            done.append(Resumed(list_, was, await streams.resume()))
    return done


def _facts(hook: Hook, list_: str, came: "Trial") -> Iterator[tuple[str, str]]:
    yield "webhook", hook.name
    yield "list", list_
    yield "URL", hook.url
    for address, refusal in came.looked_at:
        yield f"address {address}", f"refused: {refusal}" if refusal else "may be reached"
    yield "event", came.message.id
    count = len(hook.secret_files or ())
    yield "signed with", f"{count} secret{'s' * (count != 1)}" if count else "nothing"
    yield "answer", f"{came.answer.words}, after {came.took_s:.3f} s"
    yield "taken", "yes" if came.answer.taken else "no"


def _record(hook: Hook, list_: str, came: "Trial") -> Mapping[str, Any]:
    return {
        "hook": hook.name,
        "list": list_,
        "url": hook.url,
        "addresses": [{"address": address, "refused": why or None} for address, why in came.looked_at],
        "event": came.message.id,
        "status": came.answer.status,
        "answer": came.answer.words,
        "took_s": round(came.took_s, 3),
        "taken": came.answer.taken,
    }


def _events(count: int) -> str:
    return f"{count:,} event{'s' * (count != 1)}"


def _span(behind: timedelta) -> str:
    seconds = int(behind.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
