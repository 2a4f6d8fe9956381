"""The configuration for a command: it is loaded, or the command ends with the reasons and exit code 2."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from bounced.cli.ending import ExitCode
from bounced.config import (
    Config,
    ConfigError,
    Source,
    found,
    load,
    load_for_deliver,
    load_for_follow,
    load_for_web,
    load_to_run,
    named,
    read_configuration,
)

IN_USE, FILE = "bounced.config", "bounced.config_file"
NO_RIGHTS = "Permission denied"

AS_THE_DAEMON = "Run the command as root, or as the daemon's user: sudo -u bounced bounced ..."

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="BOUNCED_CONFIG",
    metavar="FILE",
    help="Configuration file.  [default: /etc/bounced/bounced.toml, else built-in defaults]",
)
"""Hands ``config_file: Path | None`` to a command; ``configured`` makes a Config of it."""


class ConfigRefused(click.ClickException):
    """A configuration with errors."""

    exit_code = ExitCode.USAGE

    def show(self, file: IO[Any] | None = None) -> None:
        """Print a line for each problem to standard error."""
        click.echo(self.message, file=file, err=True)


def configured(config_file: Path | None, *, check_files: bool = True) -> Config:
    """Return the configuration that ``--config`` names.

    ``check_files`` is false for commands that need none of the secrets.  Raises ConfigRefused.
    """
    with _refused():
        config = load(config_file, check_files=check_files)
    if ctx := click.get_current_context(silent=True):
        ctx.meta.update({IN_USE: config, FILE: config_file or found()})
    return config


def in_use(ctx: click.Context) -> Config | None:
    """Return the configuration that the command of this context has read, if it came so far."""
    config: Config | None = ctx.meta.get(IN_USE)
    return config


def place_in_use(ctx: click.Context) -> str:
    """Return the file of that configuration; where there is none, which one was looked for."""
    return named(ctx.meta.get(FILE))


def configured_to_run(config_file: Path | None, text: str | None = None) -> tuple[Config, Source]:
    """Return the configuration, checked also for what only a server needs, and its source.  Raises ConfigRefused.

    ``text`` is the text of the file when the daemon read it: a worker that is started later uses the same.
    """
    with _refused():
        source = read_configuration(config_file) if text is None else Source(config_file, text)
        return load_to_run(source, check_modes=text is None), source


def configured_for_web(config_file: Path | None, listeners: Collection[str]) -> Config:
    """Return the configuration, checked for these listeners of the web application.  Raises ConfigRefused."""
    with _refused():
        return load_for_web(read_configuration(config_file), listeners)


def configured_for_deliver(config_file: Path | None) -> Config:
    """Return the configuration, checked for the deliverer.  Raises ConfigRefused."""
    with _refused():
        return load_for_deliver(read_configuration(config_file))


def configured_for_follow(config_file: Path | None, mta: str) -> Config:
    """Return the configuration, checked for the follower of an MTA's log.  Raises ConfigRefused."""
    with _refused():
        return load_for_follow(read_configuration(config_file), mta)


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        hint = f"\n{AS_THE_DAEMON}" if NO_RIGHTS in str(error) else ""
        raise ConfigRefused(f"{error}{hint}") from error
