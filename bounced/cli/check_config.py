"""``bounced check-config``: what is in force, or everything that is wrong."""

from pathlib import Path

import click

from bounced.cli.configured import configured
from bounced.cli.options import config_option, json_option


@click.command()
@config_option
@json_option
def check_config(config_file: Path | None, *, as_json: bool) -> None:  # noqa: ARG001 - printing as JSON comes next
    """Print the effective configuration, or all that is wrong with it."""
    click.echo(configured(config_file).model_dump_json(indent=2))
