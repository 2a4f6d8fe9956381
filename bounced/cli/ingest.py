"""``bounced ingest``: stored mail and pipes, by the same path as SMTP."""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import click

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.mailboxes import Stored, all_messages, reverse_path_of, reverse_path_options
from bounced.cli.output import json_option, print_facts, print_json
from bounced.cli.progress import counting
from bounced.config import Config
from bounced.ingest import NOWHERE, Ingested, ingest
from bounced.opening import now, open_store
from bounced.pipeline import Pipeline
from bounced.service import pipeline

EX_OK, EX_NOUSER, EX_TEMPFAIL = 0, 67, 75
REFUSED, DEFERRED = "refused", "deferred"
Take = Callable[[Pipeline, bytes], Awaitable[Ingested]]


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--recipient", default="", metavar="ADDRESS", help="The forward-path, if the header does not have it.")
@reverse_path_options
@click.option("--pipe", is_flag=True, help="Exit as an MTA's pipe expects: 0 taken, 67 no such path, 75 come again.")
@config_option
@json_option
def ingest_command(
    paths: tuple[str, ...],
    recipient: str,
    reverse_path: str | None,
    config_file: Path | None,
    *,
    trust_return_path: bool,
    pipe: bool,
    as_json: bool,
) -> None:
    """Take in stored bounces: files, folders, Maildir, mbox, - for standard input.  Safe to repeat.

    \b
    The recipient is read from X-Original-To, Delivered-To, Envelope-To or To.
    "deferred": not taken now, try again.  A clock is wrong, or the header does not have the recipient.

    \b
    In Postfix's master.cf, where PROGRAM is what `command -v bounced` says:
      bounced unix - n n - - pipe user=bounced argv=PROGRAM ingest --pipe
        --recipient ${recipient} --reverse-path ${sender} -

    Exit code 0 if every message was taken (or there was none), 1 if some were not.

    \b
    bounced ingest /var/mail/bounces
    bounced ingest --json ~/Maildir/.Bounces
    """  # noqa: D301 - \b is click's mark for lines to be left as they are

    def take(path: Pipeline, content: bytes) -> Awaitable[Ingested]:
        known = reverse_path_of(content, reverse_path, trust_return_path=trust_return_path)
        return ingest(path, content, now(), recipient, known)

    try:
        counts = _run(paths, take, config_file, quiet=pipe or as_json, as_json=as_json)
    except Exception as error:
        if not pipe:
            raise
        # A border like the SMTP session's: any other exit code makes the MTA give the bounce up.
        click.echo(f"bounced: {error}", err=True)
        sys.exit(EX_TEMPFAIL)
    if not (as_json or pipe):
        print_facts(counts)
        if counts[f"{DEFERRED}: {NOWHERE}"]:
            click.echo(
                "Some do not tell in their header whom they were delivered to: say it with --recipient.", err=True
            )
    sys.exit(_for_a_pipe(counts) if pipe else ExitCode.NO if _any(counts, REFUSED, DEFERRED) else EX_OK)


def _run(paths: tuple[str, ...], take: Take, config_file: Path | None, *, quiet: bool, as_json: bool) -> Counter[str]:
    config = configured(config_file)
    return asyncio.run(_ingest_all(config, _all(paths, quiet=quiet), take, as_json=as_json))


async def _ingest_all(config: Config, stored: Iterator[Stored], take: Take, *, as_json: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    async with open_store(config) as store:
        path = pipeline(config, store)
        for message in stored:
            ingested = await take(path, message.content)
            counts[_outcome(ingested)] += 1
            if as_json:
                print_json(_record(message.file, ingested))
    return counts


def _all(paths: tuple[str, ...], *, quiet: bool) -> Iterator[Stored]:
    """Yield every message at every path, and show how many there were to whoever waits at a terminal."""
    with counting("messages", watched=not quiet) as advance:
        for message in all_messages(paths):
            yield message
            advance(1)


def _for_a_pipe(counts: Counter[str]) -> int:
    """Return the exit status for an MTA: 75 tells it to try again later."""
    if _any(counts, DEFERRED):
        return EX_TEMPFAIL
    return EX_NOUSER if _any(counts, REFUSED) else EX_OK


def _any(counts: Counter[str], *words: str) -> bool:
    return any(name.startswith(words) for name in counts)


def _outcome(ingested: Ingested) -> str:
    if ingested.committed is None:
        return f"{DEFERRED if ingested.for_now else REFUSED}: {ingested.refused}"
    return "duplicate" if ingested.committed.duplicate else "committed"


def _record(file: str, ingested: Ingested) -> dict[str, str | None]:
    transition = ingested.committed.transition if ingested.committed else None
    verdict = transition.evidence.verdict if transition else None
    return {
        "file": file,
        "outcome": _outcome(ingested),
        "forward_path": ingested.forward_path or None,
        "event_id": ingested.committed.event_id if ingested.committed else None,
        "category": verdict.category if verdict else None,
        "before": transition.before.state if transition else None,
        "after": transition.after.state if transition else None,
    }
