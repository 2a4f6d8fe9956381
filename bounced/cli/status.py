"""``bounced status``: is mail taken in, would Redis commit now, and if not, why; all on one screen."""

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import console, json_option, print_entry, print_facts, print_json
from bounced.cli.times import local_option, shown, zone_name
from bounced.config import Config, build
from bounced.config.errors import masked
from bounced.core.contract.hook_standing import HookStanding
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import past_moment
from bounced.edges.judge.finding import Finding, Outcome, error
from bounced.edges.judge.look import REDIS, Look, RedisJudge
from bounced.edges.judge.server import ServerFacts
from bounced.edges.redis.connect import reason
from bounced.edges.redis.embedded import NoServer, redis_url
from bounced.edges.redis.status import HostSeen, ListStatus, list_statuses
from bounced.edges.version import Build
from bounced.edges.watch.daemon import ask
from bounced.edges.watch.taken_in import Status
from bounced.opening import identities, keyspaces, now, open_store
from bounced.ports import StoreUnavailable


@click.command()
@config_option
@json_option
@local_option
@click.pass_context
def status(ctx: click.Context, config_file: Path | None, *, as_json: bool) -> None:
    """Say whether mail is taken in, whether Redis would commit now, and if not, why and what to do.

    It asks the daemon by a socket in redis.data_dir, or by http.listen. If no daemon runs on this host, it shows what
    Redis tells. Run it as root or as the daemon's user. It changes nothing.

    Exit codes: 0 all well, 1 not all mail is taken in and committed, 2 the configuration is wrong, 3 Redis cannot be
    reached.

    \b
    bounced status
    bounced status --json | jq .faults
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file, check_files=False)
    found = asyncio.run(_status(config))
    if as_json:
        print_json(_record(found, config))
    else:
        _show(found, config)
    ctx.exit(_code(found))


async def _status(config: Config) -> Status:
    at = now()
    told = await ask(config)
    look = await _look(config, at)
    lists: Sequence[ListStatus] = ()
    hosts: Sequence[HostSeen] = ()
    unread = ""
    if look.answers:
        try:
            async with open_store(config) as store:
                lists, hosts = await list_statuses(store, keyspaces(config), build.webhooks_of(config), at)
        except (StoreUnavailable, OSError) as failure:
            unread = str(failure)
    if told.is_gone:  # its workers were heard moments ago, and read nothing any more
        hosts = [host for host in hosts if host.name != socket.gethostname()]
    return Status(told, look, lists, hosts, at, unread)


async def _look(config: Config, at: datetime) -> Look:
    try:
        async with redis_url(config) as url:
            keys = [Keyspace(config.redis.prefix, name) for name in config.lists]
            return await RedisJudge.configured(config, url, identities(config)).look(keys, at)
    except (NoServer, OSError, ValueError) as failure:
        text = f"{masked(str(config.redis.url))} does not answer: {reason(failure)}"
        return Look((error(REDIS, text, "bounced doctor looks at everything", defers=True),), answers=False)


def _code(found: Status) -> ExitCode:
    if not found.look.answers:
        return ExitCode.UNREACHABLE
    return ExitCode.NO if found.faults else ExitCode.DONE


def _show(found: Status, config: Config) -> None:
    target = console()
    word, colour = ("YES", "bold green") if not found.faults else ("NO", "bold red")
    target.print(Text.assemble(f"Mail is taken in and committed, {shown(found.at)} {zone_name()}: ", (word, colour)))
    for fault in found.faults:
        print_entry(Text("  "), fault)
    for advice in found.advice:
        print_entry(Text("  -> "), advice)
    print_facts({**dict(_of_daemon(found, config)), **dict(_of_redis(found, config))})
    for list_ in found.lists:
        click.echo()
        print_facts(dict(_of_list(list_)))
    _show_doubts(found.look)


def _show_doubts(look: Look) -> None:
    """Print what is no reason for a 451 and has to be mended all the same."""
    for finding in look.findings:
        if not finding.defers and finding.outcome in (Outcome.WARNING, Outcome.ERROR):
            click.echo()
            print_entry(Text(f"{finding.outcome}: "), f"{finding.subject}: {finding.text}")
            print_entry(Text("  -> "), finding.advice)


def _of_daemon(found: Status, config: Config) -> Iterator[tuple[str, str]]:
    daemon = found.daemon
    if not daemon:
        yield "daemon", f"none answers on this host; tried {'; '.join(found.told.tried)}"
        yield "hosts", _hosts(found)
        return
    workers, loaded, reload = daemon["workers"], daemon["loaded"], daemon["reload"]
    since = shown(daemon["started"])
    yield "daemon", f"{Build(daemon['version'])}, process {daemon['pid']} of {daemon['user']}, since {since}"
    others = f"{workers['silent']} hang, {workers['deaths']} died"
    yield "workers", f"{workers['ready']} of {workers['wanted']} ready, {others}"
    yield "hosts", _hosts(found)
    yield "loaded", f"{loaded['file'] or 'built-in defaults'}, {shown(loaded['at'])}"
    yield "lists", ", ".join(loaded["lists"])
    yield "keys", ", ".join(f"{key} ({status})" for key, status in loaded["keys"].items())
    yield "own rules", ", ".join(loaded["rules"])
    yield "last reload", "; ".join(reload["changes"])
    if loaded["changed_on_disk"]:
        yield "not loaded", f"changed on the disk: {', '.join(loaded['changed_on_disk'])}; systemctl reload bounced"
    if reload["waits_for_restart"]:
        yield "waits", f"for a restart: {', '.join(reload['waits_for_restart'])}"
    if reload["failed_at"]:
        yield "reload failed", f"{shown(reload['failed_at'])}: {'; '.join(reload['errors'])}"
    yield "certificate", _certificate(loaded["certificate_until"], config, found.at)
    yield "refused paths", _numbers(daemon["paths_refused"]) or "none since the start"
    yield "deferred", _numbers(daemon["reports_deferred"])


def _of_redis(found: Status, config: Config) -> Iterator[tuple[str, str]]:
    asked = config.redis.effective_durability
    yield "Redis", masked(str(config.redis.url))
    yield "durability", f"{asked}, {'not met' if found.look.faults else 'met'}"
    for server in found.look.servers:
        yield "memory", _memory(server)


def _of_list(list_: ListStatus) -> Iterator[tuple[str, str]]:
    sizes = list_.sizes
    yield "list", list_.name
    waiting = sizes.streams["intake"]
    yield (
        "intake",
        f"{waiting:,} waiting, the oldest for {sizes.intake_oldest_s:,.0f} s" if waiting else "nothing waits",
    )
    yield "intake-failed", f"{sizes.streams['intake-failed']:,}"
    for number, (at, failure) in enumerate(list_.failures):
        yield f"  failure {number + 1}", f"{shown(at)}: {failure}"
    yield "alarms", ", ".join(list_.alarms) or "none"
    yield "disputed", ", ".join(list_.disputed) or "none"
    for name, standing in list_.hooks.items():
        yield f"webhook {name}", _of_hook(standing, list_.at)


def _of_hook(standing: HookStanding, at: datetime) -> str:
    """Return what is wrong with a webhook, or that nothing is."""
    if not standing.state.begun:
        return "no deliverer has begun: systemctl enable --now bounced-deliver"
    wrong = [str(each) for each in standing.troubles(at)] + ([] if standing.holder else ["no deliverer works for it"])
    return f"{', '.join(wrong)}: bounced hooks list" if wrong else "delivers"


def _memory(server: ServerFacts) -> str:
    policy = (server.settings or {}).get("maxmemory-policy", "unknown policy")
    limit = f"{server.limit_bytes / 2**20:,.0f} MiB" if server.limit_bytes else "no limit"
    share = f" ({server.used_bytes / server.limit_bytes:.0%})" if server.limit_bytes else ""
    version = ".".join(map(str, server.version))
    return f"{server.used_bytes / 2**20:,.1f} MiB of {limit}{share}, {policy}; {server.name} {version}"


def _certificate(until: str | None, config: Config, at: datetime) -> str:
    end = past_moment(until) if until else None
    if end is not None and end <= at:
        return f"expired at {shown(end)}: renew it, then systemctl reload bounced"
    if end is not None:
        return f"good until {shown(end)}, {(end - at).days} days left"
    return "not good now: bounced doctor says why" if config.smtp.tls_certificate else "none: no STARTTLS"


def _hosts(found: Status) -> str:
    return ", ".join(f"{host.name} ({host.workers})" for host in found.hosts)


def _numbers(counted: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {count:,.0f}" for name, count in sorted(counted.items(), key=lambda each: -each[1]))


def _record(found: Status, config: Config) -> dict[str, Any]:
    """Return everything for a program."""
    return {
        "well": not found.faults,
        "faults": found.faults,
        "advice": found.advice,
        "daemon": found.told.record,
        "tried": list(found.told.tried),
        "hosts": {host.name: host.workers for host in found.hosts},
        "durability": config.redis.effective_durability,
        "redis": [_server(server) for server in found.look.servers],
        "findings": [asdict(finding) for finding in _worth(found.look.findings)],
        "lists": [list_.record for list_ in found.lists],
    }


def _worth(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.outcome in (Outcome.WARNING, Outcome.ERROR)]


def _server(server: ServerFacts) -> dict[str, Any]:
    policy = (server.settings or {}).get("maxmemory-policy")
    return {
        "server": server.name,
        "version": ".".join(map(str, server.version)),
        "role": server.role,
        "used_bytes": server.used_bytes,
        "maxmemory_bytes": server.limit_bytes,
        "policy": policy,
        "replicas": len(server.replicas),
    }
