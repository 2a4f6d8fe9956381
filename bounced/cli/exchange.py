"""``bounced export`` and ``bounced import``: the list as a file, and what other services export."""

import asyncio
import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.progress import Progress

from bounced import rules
from bounced.cli.configured import configured
from bounced.cli.exits import ExitCode
from bounced.cli.lists import chosen_list, list_option
from bounced.cli.options import config_option, json_option
from bounced.cli.output import print_facts, print_json, printable
from bounced.cli.run import in_loop
from bounced.config import Config, build
from bounced.core.classify import classify_reply
from bounced.core.exchange import COLUMNS, Fault, Reader, Row, from_state, merge, read
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.terms import Category
from bounced.edges.redis_store.bulk import BATCH, Merge, merge_all, off_the_list
from bounced.service import now, open_store

AT_ONCE = 4
"""Batches under way: one is made ready while the server writes the others."""
CATEGORIES = [Category.MAILBOX_UNKNOWN, Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR]


@click.command("export")
@list_option
@config_option
@json_option
def export_command(list_: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Write every address that must not be mailed, and why, as CSV or JSON lines to standard output.

    \b
    bounced export > suppressed.csv
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    in_loop(lambda: _export(config, chosen_list(config, list_), as_json=as_json))


@click.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"))
@click.option("--category", type=click.Choice(CATEGORIES), help="Why, where the file does not say it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@list_option
@config_option
@json_option
def import_command(
    file: IO[str],
    category: str | None,
    list_: str | None,
    config_file: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Suppress the addresses of FILE (- for standard input).  Safe to repeat.

    FILE is our own export, CSV or JSON lines, or an export of Amazon SES, SendGrid, Mailgun, Postmark or Mailchimp, told
    by its columns; or one column of addresses, with --category.

    A stronger reason that stands is kept, and so is a release that came later.  Bounces that are no reason to suppress
    an address (a full mailbox, a block) are left out.  What is not taken is reported by line, and the exit code is 1.
    """
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    classify = partial(classify_reply, rules=rules.load(config.rules.files))
    said = Category(category) if category else None
    reader = Reader(classify, now().replace(microsecond=0), said)
    importing = _Import(config, list_, dry_run=dry_run, as_json=as_json)
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("import", total=None)
            rows = importing.rows(read(file, reader))
            in_loop(lambda: importing.run(rows, file.name, lambda count: progress.update(task, completed=count)))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    importing.report()
    sys.exit(ExitCode.NO if importing.counts["left out"] else ExitCode.DONE)


class _Import:
    """One import under way, and what came of it so far."""

    def __init__(self, config: Config, list_: str, *, dry_run: bool, as_json: bool) -> None:
        self._config = config
        self._list = list_
        self._dry_run = dry_run
        self._as_json = as_json
        self._fold = config.lists[list_].fold_local_part
        self.counts = Counter({"rows": 0, "suppressed": 0, "as before": 0, "left out": 0})

    def rows(self, found: Iterable[Row | Fault]) -> Iterator[tuple[str, Row]]:
        """Yield normalised addresses with their rows; say what is left out."""
        for item in found:
            self.counts["rows"] += 1
            if isinstance(item, Fault):
                self._leave_out(item)
                continue
            try:
                yield normalise(item.address, fold_local_part=self._fold), item
            except BadAddress as error:
                self._leave_out(Fault(item.line, f"{item.address}: {error}"))

    async def run(self, rows: Iterator[tuple[str, Row]], source: str, advance: Callable[[int], None]) -> None:
        """Write the rows.  Raises StoreUnavailable, Unrecognised."""
        if self._dry_run:
            self.counts["suppressed"] = sum(1 for _ in rows)
            return
        try:
            await self._write(rows, source, advance)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _write(self, rows: Iterator[tuple[str, Row]], source: str, advance: Callable[[int], None]) -> None:
        """Write several batches at once."""
        keys = build.keyspace(self._config, self._list)
        room = asyncio.Semaphore(AT_ONCE)
        async with open_store(self._config) as store, asyncio.TaskGroup() as tasks:

            async def write(batch: dict[str, Merge]) -> None:
                changed = await merge_all(store, keys, list(batch.items()))
                self.counts["suppressed"] += changed
                self.counts["as before"] += len(batch) - changed
                advance(self.counts["rows"])
                room.release()

            for batch in _batches(rows, source):
                await room.acquire()
                tasks.create_task(write(batch))

    def report(self) -> None:
        """Print what came of it."""
        if self._as_json:
            print_json({**self.counts, "dry_run": self._dry_run})
            return
        title = "Nothing was written; this is what would be done." if self._dry_run else None
        print_facts({name: str(count) for name, count in self.counts.items()}, title=title)

    def _leave_out(self, fault: Fault) -> None:
        self.counts["left out"] += 1
        if self._as_json:
            print_json({"line": fault.line, "error": fault.text})
        else:
            click.echo(f"line {fault.line}: {printable(fault.text)}", err=True)


async def _export(config: Config, list_: str, *, as_json: bool) -> None:
    keys = build.keyspace(config, list_)
    table = csv.writer(sys.stdout, lineterminator="\n")
    if not as_json:
        table.writerow(COLUMNS)
    async with open_store(config) as store:
        async for id_, state in off_the_list(store, keys):
            row = from_state(id_, state)
            if as_json:
                print_json(row)
            else:
                table.writerow(row.values())


def _batches(rows: Iterator[tuple[str, Row]], source: str) -> Iterator[dict[str, Merge]]:
    """Yield rows in batches in which no address occurs twice."""
    batch: dict[str, Merge] = {}
    for address, row in rows:
        if len(batch) == BATCH or address in batch:
            yield batch
            batch = {}
        batch[address] = partial(merge, row=row, source=source)
    if batch:
        yield batch
