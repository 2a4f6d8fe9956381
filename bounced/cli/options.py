"""The options that every command takes."""

from pathlib import Path

import click

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="BOUNCED_CONFIG",
    metavar="FILE",
    help="Configuration file.  [default: /etc/bounced/bounced.toml, else built-in defaults]",
)
"""Hands ``config_file: Path | None`` to a command; ``configured`` makes a Config of it."""

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on each line.")
"""Hands ``as_json: bool`` to a command; ``output`` prints accordingly."""
