"""The configuration, for a command: there, or the reasons why not and exit code 2."""

from pathlib import Path
from typing import IO, Any

import click

from bounced.cli.exits import ExitCode
from bounced.config import Config, ConfigError, load, load_to_run


class ConfigRefused(click.ClickException):
    """A configuration that nothing can be done with."""

    exit_code = ExitCode.USAGE

    def show(self, file: IO[Any] | None = None) -> None:
        """Print a line for each problem to standard error."""
        click.echo(self.message, file=file, err=True)


def configured(config_file: Path | None, *, check_files: bool = True, to_run: bool = False) -> Config:
    """Return the configuration that ``--config`` names.

    ``check_files`` is false for commands that need none of the secrets; ``to_run`` asks for what only the daemon
    needs as well.  Raises ConfigRefused.
    """
    try:
        return load_to_run(config_file) if to_run else load(config_file, check_files=check_files)
    except ConfigError as error:
        raise ConfigRefused(str(error)) from error
