"""The command ``explain``: what messages and bare replies mean, and by which evidence."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

import click

from bounced import explain as explaining
from bounced import rules
from bounced.cli.configured import config_option, configured
from bounced.cli.explained import Totals, show, show_reply
from bounced.cli.mailboxes import Stored, all_messages, reverse_path_of, reverse_path_options
from bounced.cli.output import console, json_option, print_json
from bounced.cli.replies import all_replies, known_of, reply_options
from bounced.config import Config, build
from bounced.core.meaning.bare import Known
from bounced.core.meaning.in_words import unsubscribes
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.core.meaning.rules import RuleSet
from bounced.core.return_path import Directory
from bounced.core.terms import ReturnPath


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option(
    "--rules",
    "rule_files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Your own rules, asked before all others.  Repeatable.",
)
@reverse_path_options
@reply_options
@config_option
@json_option
def explain(
    *,
    paths: tuple[str, ...],
    rule_files: tuple[Path, ...],
    reverse_path: str | None,
    trust_return_path: bool,
    replies: tuple[str, ...],
    replies_file: IO[bytes] | None,
    about: str | None,
    senders: tuple[str, ...],
    server: str | None,
    stage: str | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Say what bounce messages, or bare SMTP replies, mean.  Changes nothing.

    PATH is a message, a folder of messages (also inside folders), a Maildir, an mbox, or - for standard input.

    It shows each statement: who says what about whom, which row fits it, which statement counts, and why the others do
    not.  It shows what proves a hard verdict.  A verdict that looks hard without proof counts as soft; it shows what is
    missing.

    A message that looks like a bounce is "unproven" if nothing proves that a mail system wrote it.  The reverse path
    helps to prove it.  Stored mail does not have it, so give it if you know it.

    A bare reply is what a server answered your own MTA.  Say what else you know: some replies mean something only
    from one provider, and a reply after DATA is seldom about the recipient.

    \b
    bounced explain bounce.eml
    bounced explain --json ~/Maildir | jq .kind
    bounced explain -r "550 5.1.1 User unknown" -r "452 4.2.2 Mailbox full"
    bounced explain --replies refusals.txt --server mx.example.net --stage data
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    known = known_of(about, senders, server, stage)
    bare = bool(replies) or replies_file is not None
    _check_usage(paths, bare=bare, of_messages=reverse_path is not None or trust_return_path, of_replies=any(known))
    config = configured(config_file, check_files=False)
    try:
        rule_set = rules.load(_each_once(*rule_files, *config.rules.files))
    except RulesInvalid as error:
        raise click.UsageError(str(error)) from error
    totals = Totals()
    if bare:
        _explain_replies(all_replies(replies, replies_file), known, rule_set, totals, as_json=as_json)
    else:
        path_of = partial(reverse_path_of, reverse_path=reverse_path, trust_return_path=trust_return_path)
        _explain_messages(all_messages(paths), path_of, _directory(config), rule_set, totals, as_json=as_json)
    totals.show(console())


def _check_usage(paths: tuple[str, ...], *, bare: bool, of_messages: bool, of_replies: bool) -> None:
    """Refuse what cannot be meant.  Raises click.UsageError."""
    if bare and paths:
        raise click.UsageError("PATH is a message: explain it, or replies (--reply, --replies), not both")
    if bare and of_messages:
        raise click.UsageError("--reverse-path and --trust-return-path are about messages, not about bare replies")
    if of_replies and not bare:
        raise click.UsageError("--about, --sender, --server and --stage are about replies: say --reply or --replies")
    if not bare and not paths:
        raise click.UsageError("say what to explain: PATH, --reply TEXT or --replies FILE")


def _explain_messages(
    messages: Iterator[Stored],
    path_of: Callable[[bytes], str | None],
    directory: Directory | None,
    rule_set: RuleSet,
    totals: Totals,
    *,
    as_json: bool,
) -> None:
    for stored in messages:
        path = path_of(stored.content)
        explanation = explaining.explain(stored.content, rule_set, reverse_path=path)
        return_path = _return_path(stored.content, explanation, directory)
        if as_json:
            recipient = return_path.recipient if return_path else None
            asked = unsubscribes(return_path, explanation.report, path)
            more = {} if asked is None else {"unsubscribes": asked}
            print_json({**explaining.as_json(stored.file, explanation, recipient, rule_set), **more})
        else:
            show(console(), stored, explanation, return_path, rule_set, reverse_path=path)
            totals.add(explanation)


def _explain_replies(replies: Iterator[str], known: Known, rule_set: RuleSet, totals: Totals, *, as_json: bool) -> None:
    target = console()
    for reply in replies:
        explanation = explaining.explain_reply(reply, rule_set, known)
        if as_json:
            print_json(explaining.reply_as_json(reply, explanation, rule_set))
        else:
            show_reply(target, reply, explanation, rule_set)
            totals.add(explanation)


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
    """Return the return path of ours in a message; None on a machine without the keys."""
    today = datetime.now(UTC).date()
    return explaining.return_path_in(content, explanation.report, directory, today) if directory else None
