"""The command ``explain``: what messages mean, and by which evidence."""

from collections.abc import Iterator
from pathlib import Path

import click

from bounced import explain as explaining
from bounced import rules
from bounced.cli.explained import Totals, show
from bounced.cli.mailboxes import Stored, messages
from bounced.cli.options import json_option
from bounced.cli.output import console, print_json
from bounced.core.rulefile import RulesInvalid


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--rules",
    "rule_files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Own rules, asked before the packaged ones.  May be given several times.",
)
@json_option
def explain(paths: tuple[str, ...], rule_files: tuple[Path, ...], as_json: bool) -> None:  # noqa: FBT001 - click's flag
    """Say what bounce messages mean; touches no state.

    PATH is a message, a folder of messages (also inside folders), a Maildir, an mbox, or - for standard input.
    """
    try:
        rule_set = rules.load(rule_files)
    except RulesInvalid as error:
        raise click.ClickException(str(error)) from error
    totals = Totals()
    for stored in _all_messages(paths):
        explanation = explaining.explain(stored.content, rule_set)
        if as_json:
            print_json(explaining.as_json(stored.file, explanation))
        else:
            show(console(), stored.file, stored.content, explanation, rule_set)
            totals.add(explanation)
    totals.show(console())


def _all_messages(paths: tuple[str, ...]) -> Iterator[Stored]:
    for path in paths:
        try:
            yield from messages(path)
        except OSError as error:
            raise click.UsageError(f"{path}: {error.strerror or error}") from error
