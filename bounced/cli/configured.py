"""The configuration, for a command: there, or the reasons why not and exit code 2."""

from pathlib import Path
from typing import IO, Any

import click

from bounced.cli.exits import ExitCode
from bounced.config import Config, ConfigError, load


class ConfigRefused(click.ClickException):
    """A configuration that nothing can be done with."""

    exit_code = ExitCode.USAGE

    def show(self, file: IO[Any] | None = None) -> None:
        """Print a line for each problem to standard error."""
        click.echo(self.message, file=file, err=True)


def configured(config_file: Path | None, *, check_files: bool = True) -> Config:
    """Return the configuration that ``--config`` names.

    ``check_files`` is false for commands that need none of the secrets.  Raises ConfigRefused.
    """
    try:
        return load(config_file, check_files=check_files)
    except ConfigError as error:
        raise ConfigRefused(str(error)) from error
