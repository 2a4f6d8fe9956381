"""``bounced check-config``: what is in force, or everything that is wrong."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from bounced import rules
from bounced.cli.configured import config_option
from bounced.cli.ending import ExitCode
from bounced.cli.output import json_option, print_json
from bounced.config import Config, Problem, Severity, examine, found, named
from bounced.config.checks import missing_to_run
from bounced.config.document import example_file
from bounced.config.errors import masked
from bounced.config.toml import toml_document
from bounced.core.meaning.rulefile import Fault, RulesInvalid


@dataclass(frozen=True, slots=True)
class Examined:
    """What there is to say about one configuration.  ``config`` is None where it could not be read at all."""

    file: Path | None
    config: Config | None
    problems: Sequence[Problem]
    faults: Sequence[Fault]

    @property
    def in_force(self) -> Config | None:
        """The configuration, where the daemon would take it; warnings do not count."""
        refused = self.faults or any(problem.severity is Severity.ERROR for problem in self.problems)
        return None if refused else self.config


@click.command("check-config")
@config_option
@json_option
@click.option("--example", is_flag=True, help="Print a complete, commented file to begin with instead.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but what is wrong or doubtful.")
@click.pass_context
def check_config(ctx: click.Context, config_file: Path | None, *, as_json: bool, example: bool, quiet: bool) -> None:
    """Print the effective configuration, or all that is wrong with it.

    A file is wrong too if the daemon could not run with it: it is empty, names no Redis or no list. Secrets are
    masked. Warnings go to standard error and do not count as wrong. Exit code 2 where something is wrong.

    \b
    bounced check-config --example > /etc/bounced/bounced.toml
    bounced check-config --config ./bounced.toml
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    if example:
        click.echo(example_file(), nl=False)
        return
    findings = _find(config_file)
    if as_json:
        print_json(_as_record(findings))
    else:
        _print_text(findings, quiet=quiet)
    ctx.exit(ExitCode.DONE if findings.in_force else ExitCode.USAGE)


def _find(config_file: Path | None) -> Examined:
    file = config_file or found()
    config, problems = examine(file)
    return Examined(file, config, [*problems, *_missing(file, config, problems)], _faults(config))


def _missing(file: Path | None, config: Config | None, problems: Sequence[Problem]) -> Sequence[Problem]:
    """Return what the daemon would miss; where there is no file, that is no mistake of anybody."""
    if config is None:
        return ()
    if file and not config.model_fields_set and not problems:
        return (Problem("", "hold a configuration and is empty; `bounced check-config --example` prints one"),)
    missing = missing_to_run(config, problems)
    return tuple(missing if file else (replace(problem, severity=Severity.WARNING) for problem in missing))


def _faults(config: Config | None) -> Sequence[Fault]:
    """Return what is wrong inside rule files.  A file that cannot be read is among the problems already."""
    readable = [file for file in config.rules.files if file.is_file()] if config else []
    try:
        rules.load(readable)
    except RulesInvalid as invalid:
        return invalid.faults
    return ()


def _print_text(findings: Examined, *, quiet: bool) -> None:
    place = named(findings.file)
    for problem in findings.problems:
        note = "warning: " if problem.severity is Severity.WARNING else ""
        click.echo(f"{place}: {note}{problem}", err=True)
    for fault in findings.faults:
        click.echo(str(fault), err=True)
    if findings.in_force and not quiet:
        click.echo(f"# {place}: valid; this is in force.")
        for line in toml_document(_effective(findings.in_force)):
            click.echo(line)


def _as_record(findings: Examined) -> dict[str, Any]:
    return {
        "file": str(findings.file or "built-in defaults"),
        "valid": findings.in_force is not None,
        "problems": [asdict(problem) | {"got": masked(problem.got)} for problem in findings.problems],
        "faults": [asdict(fault) for fault in findings.faults],
        "config": _effective(findings.in_force) if findings.in_force else None,
    }


def _effective(config: Config) -> dict[str, Any]:
    """Return all values in force as plain data: "auto" as the value it stands for, the password of a URL masked."""
    data = config.model_dump(mode="json", by_alias=True)
    data["workers"] = config.worker_count
    data["redis"]["durability"] = config.redis.effective_durability
    data["redis"]["url"] = config.redis.url and masked(config.redis.url)
    return data
