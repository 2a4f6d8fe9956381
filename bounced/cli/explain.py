"""The command ``explain``: what messages mean, and by which evidence."""

from datetime import UTC, datetime
from pathlib import Path

import click

from bounced import explain as explaining
from bounced import rules
from bounced.cli.configured import config_option, configured
from bounced.cli.explained import MessageTotals, show
from bounced.cli.mailboxes import all_messages
from bounced.cli.output import console, json_option, print_json
from bounced.config import Config, build
from bounced.core.limits import MAX_HEADER_BYTES
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.core.return_path import Directory
from bounced.core.terms import ReturnPath


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--rules",
    "rule_files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Own rules, asked before all others.  May be given several times.",
)
@config_option
@json_option
def explain(*, paths: tuple[str, ...], rule_files: tuple[Path, ...], config_file: Path | None, as_json: bool) -> None:
    """Say what bounce messages mean; touches no state.

    PATH is a message, a folder of messages (also inside folders), a Maildir, an mbox, or - for standard input.

    \b
    bounced explain bounce.eml
    bounced explain --json ~/Maildir | jq .kind
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file, check_files=False)
    try:
        rule_set = rules.load(_each_once(*rule_files, *config.rules.files))
    except RulesInvalid as error:
        raise click.UsageError(str(error)) from error
    directory = _directory(config)
    totals = MessageTotals()
    for stored in all_messages(paths):
        explanation = explaining.explain(stored.content, rule_set)
        return_path = _return_path(stored.content, explanation, directory)
        if as_json:
            print_json(explaining.as_json(stored.file, explanation, return_path.recipient if return_path else None))
        else:
            show(console(), stored, explanation, return_path, rule_set)
            totals.add(explanation)
    totals.show(console())


def _each_once(*files: Path) -> tuple[Path, ...]:
    """Return the files, each once: a file that is tried may be in the configuration too."""
    return tuple({file.resolve(): file for file in files}.values())


def _directory(config: Config) -> Directory | None:
    """Return what verifies our return paths; None on a machine without the keys."""
    try:
        return Directory(tuple(build.return_paths(name, settings) for name, settings in config.lists.items()))
    except OSError:
        return None


def _return_path(content: bytes, explanation: explaining.Explanation, directory: Directory | None) -> ReturnPath | None:
    """Return the return path of ours that a message was sent to, or that stands in the message it returns."""
    if directory is None:
        return None
    header = content[:MAX_HEADER_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    report = explanation.report
    found = directory.find(f"{header}\n{report.traces or report.returned_header}", datetime.now(UTC).date())
    return found if isinstance(found, ReturnPath) else None
