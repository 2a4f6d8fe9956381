"""``bounced doctor``: everything that could keep the daemon from its work, and what to do about it."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.configured import config_option
from bounced.cli.ending import ExitCode
from bounced.cli.output import console, json_option, print_json, printable
from bounced.config import Config, Severity, examine
from bounced.config.checks import missing_to_run
from bounced.config.errors import masked
from bounced.config.loading import found
from bounced.core.contract.keys import Keyspace
from bounced.doctor.daemon import examine_daemon, examine_files
from bounced.doctor.dns import examine_dns, resolver
from bounced.doctor.installation import examine_installation, examine_running
from bounced.doctor.ports import examine_host_name, examine_ports
from bounced.edges.judge.certificate import examine_certificate
from bounced.edges.judge.finding import Finding, Outcome, error, ok, warning
from bounced.edges.judge.look import REDIS, RedisJudge
from bounced.edges.redis.connect import reason
from bounced.edges.redis.embedded import NoServer, redis_url
from bounced.edges.version import running
from bounced.edges.watch.daemon import ask
from bounced.opening import identities

COLOURS = {Outcome.OK: "green", Outcome.WARNING: "yellow", Outcome.ERROR: "bold red", Outcome.SKIPPED: "dim"}


@click.command()
@config_option
@json_option
@click.option("--no-dns", is_flag=True, help="Ask no name server.")
@click.pass_context
def doctor(ctx: click.Context, config_file: Path | None, *, as_json: bool, no_dns: bool) -> None:
    """Examine everything that the daemon needs, and say what to do.

    Installation, configuration, secrets, certificate, Redis (version, role, persistence, memory, clock), ports, and the
    DNS of the bounce domains. Changes nothing. Run it as the daemon's user to see what the daemon sees.

    Exit codes: 0 no errors, 1 errors, 2 the configuration is wrong, 3 Redis cannot be reached.

    \b
    bounced doctor
    sudo -u bounced bounced doctor --json | jq 'select(.outcome == "error")'
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    findings: list[Finding] = []

    def say(finding: Finding) -> None:
        findings.append(finding)
        (_print_record if as_json else _print_line)(finding)

    ctx.exit(asyncio.run(_examine(config_file, say, with_dns=not no_dns)) or _code(findings))


async def _examine(config_file: Path | None, say: Callable[[Finding], None], *, with_dns: bool) -> int:
    """Say each finding as it comes; return an exit code that is decided, or 0."""
    for finding in examine_installation(running()):
        say(finding)
    config = _configuration(config_file, say)
    if config is None:
        return ExitCode.USAGE
    now = datetime.now(UTC)
    for finding in examine_certificate(config.smtp, now):
        say(finding)
    told = (await ask(config)).record
    for finding in (
        *examine_files(config, str(told["user"]) if told else None),
        *((*examine_running(told, running()), *examine_daemon(told)) if told else ()),
    ):
        say(finding)
    code = await _examine_redis(config, say, now)
    async for finding in examine_ports(config):
        say(finding)
    if with_dns:
        async for finding in examine_dns(config, resolver()):
            say(finding)
    return code


async def _examine_redis(config: Config, say: Callable[[Finding], None], now: datetime) -> int:
    """Say how each server is that holds a list; return an exit code that is decided, or 0."""
    keys = [Keyspace(config.redis.prefix, name) for name in config.lists]
    try:
        async with redis_url(config) as url:
            look = await RedisJudge.configured(config, url, identities(config)).look(keys, now)
    except (OSError, NoServer) as failure:
        advice = "Is the server running, is redis.url right, may this user connect?"
        say(error(REDIS, f"{masked(str(config.redis.url))} does not answer: {reason(failure)}", advice))
        return ExitCode.UNREACHABLE
    for finding in look.findings:
        say(finding)
    return ExitCode.DONE if look.answers else ExitCode.UNREACHABLE


def _configuration(config_file: Path | None, say: Callable[[Finding], None]) -> Config | None:
    """Say what is wrong with the configuration, with the files that it names and their modes; return it if usable."""
    file = config_file or found()
    config, problems = examine(file)
    missing = tuple(missing_to_run(config, problems)) if config else ()
    for problem in (*problems, *missing):
        outcome = error if problem.severity is Severity.ERROR else warning
        say(
            outcome(
                "configuration",
                f"{file or 'built-in defaults'}: {problem}",
                "Correct it, then try again; `bounced check-config` shows this alone.",
            )
        )
    if config is None or missing or any(problem.severity is Severity.ERROR for problem in problems):
        return None
    keys = sum(len(list_.keys) for list_ in config.lists.values())
    say(ok("configuration", f"{file}: lists: {len(config.lists)}, keys: {keys}"))
    for finding in examine_host_name(config):
        say(finding)
    return config


def _code(findings: list[Finding]) -> int:
    return ExitCode.NO if any(finding.outcome is Outcome.ERROR for finding in findings) else ExitCode.DONE


def _print_record(finding: Finding) -> None:
    print_json(asdict(finding))


def _print_line(finding: Finding) -> None:
    target = console()
    mark = (f"{finding.outcome:<8}", COLOURS[finding.outcome])
    target.print(Text.assemble(mark, (finding.subject, "bold"), ": ", printable(finding.text)))
    if finding.advice:
        target.print(
            Text(f"{'':8}{printable(finding.advice)}", style="" if finding.outcome is Outcome.OK else "italic")
        )
