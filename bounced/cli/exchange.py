"""``bounced export`` and ``bounced import``: the list as a file, and what other services export."""

import asyncio
import csv
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO

import click

from bounced import rules
from bounced.cli.acting import as_option
from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.filters import chosen, filter_options
from bounced.cli.output import json_line, json_option, print_facts, print_json, printable
from bounced.cli.process import in_loop, spare_the_collector
from bounced.cli.progress import counting, measuring
from bounced.cli.recover import dry_run_option
from bounced.cli.selecting import chosen_list, list_option
from bounced.config import Config, build
from bounced.core.contract.imported import Import
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.summary import Summary, summary_event
from bounced.core.exchange import COLUMNS, Reader, Row, SkippedRow, SkipReason, Unrecognised, exported, merge, read_rows
from bounced.core.exchange.own import to_cells
from bounced.core.exchange.reading import ClassifyReply
from bounced.core.mailbox import AddressId, BadAddress, normalise
from bounced.core.meaning.bare import Known
from bounced.core.meaning.classify import classify_reply
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.core.selection import Selection
from bounced.core.terms import Category, Class
from bounced.edges.redis import RedisStore
from bounced.edges.redis.bulk import BATCH, Merge, merge_all, suppressed_states, would_change
from bounced.edges.redis.selected import selected
from bounced.opening import now, open_store

AT_ONCE = 20
"""Batches under way: some are read, merged or packed while the server looks up or writes others."""
CATEGORIES = [
    each.value for each in (Category.MAILBOX_UNKNOWN, Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR)
]
# HMAC-SHA256 in hexadecimal: how keys carry an address under a pepper.  (core.mailbox.address_id)
KEYED_HASH = re.compile(r"[0-9a-f]{64}")

PEPPER_NEEDED = """{count} keyed hashes stand for people who complained and were erased.
They are suppressed here as well, but nobody can tell whose they are without the secret: give lists.{list_}.pepper_file,
and your senders, the pepper of the list that they come from."""

Advance = Callable[[int], None]
"""Shows how many rows are read."""
Batch = dict[str, Row]


@click.command("export")
@filter_options
@list_option
@config_option
@json_option
def export_command(*, list_: str | None, config_file: Path | None, as_json: bool, **asked: Any) -> None:
    """Write every address that must not be mailed, and why, as CSV or JSON lines to standard output.

    --since, --provider and so on choose some of them.

    Control characters in what peers sent are escaped.  A spreadsheet would take a cell that begins with = + - @ for a
    formula, so the CSV puts an apostrophe before it, also before an address; import removes it.  For programs use
    --json.

    \b
    bounced export > suppressed.csv
    bounced export --list newsletter --json | jq -r .address
    bounced export --since 2026-05-01 --category complaint
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    keys, selection = build.keyspace(config, list_), chosen(config, list_, asked, persons_too=True)
    in_loop(lambda: _export(config, keys, selection, as_json=as_json))


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--category", type=click.Choice(CATEGORIES), help="Why, if the file does not say it.")
@dry_run_option
@as_option
@list_option
@config_option
@json_option
def import_command(
    *,
    file: str,
    category: str | None,
    dry_run: bool,
    actor: str,
    list_: str | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Suppress the addresses of FILE (- for standard input).  Safe to repeat.

    FILE is our own export, or one of Amazon SES, SendGrid, Mailgun, Postmark, SparkPost, Mailchimp, Brevo, Mailjet,
    HubSpot, Klaviyo or Resend: a table (commas, semicolons, tabulators) or JSON, recognised by its columns; or a column
    of addresses, with a column of categories beside it or with --category.  docs/import.md says how to get which file.

    A stronger reason that is there already is kept, and so is a later release.  From a service the import takes only
    what condemns an address.  It leaves out a full mailbox, a block, a temporary or unclear failure, an address that a
    column of the file calls not blocked, and an unsubscription from some mail only.  --category counts for rows in
    which the service itself does not say why.  What is left out is reported by line and counted by its reason; the
    exit code is then 1, and the rest is imported.  An address that is bad by itself is also suppressed in the lists
    that `shares_hard_with` names.

    \b
    bounced import suppressed.csv --dry-run
    bounced import addresses.txt --category unsubscribed
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    list_ = chosen_list(config, list_)
    reader = Reader(_classifier(config), now().replace(microsecond=0), Category(category) if category else None, actor)
    importing = _Import(config, list_, actor, dry_run=dry_run, as_json=as_json)
    with click.open_file(file, encoding="utf-8", errors="replace") as lines:
        try:
            found = read_rows(lines, reader)
        except Unrecognised as error:
            raise click.UsageError(f"{file}: {error}") from error
        octets = _octets(lines)
        with measuring("rows", Path(lines.name).stat().st_size if octets else None) as reached:
            spare_the_collector()
            in_loop(lambda: importing.run(found, lambda rows: reached(octets.tell() if octets else rows, rows)))
    importing.report()
    sys.exit(ExitCode.NO if importing.counts["left out"] else ExitCode.DONE)


class _Import:
    """One import, and its results so far."""

    def __init__(self, config: Config, list_: str, actor: str, *, dry_run: bool, as_json: bool) -> None:
        self._config = config
        self._actor = actor
        self._keys = build.keyspace(config, list_)
        self._fold = config.lists[list_].fold_local_part
        self._dry_run = dry_run
        self._as_json = as_json
        self.counts = Counter({"rows": 0, "suppressed": 0, "as before": 0, "left out": 0})
        self._others = {name: build.keyspace(config, name) for name in config.lists[list_].shares_hard_with}
        self.shared = Counter(dict.fromkeys(self._others, 0))
        self._why: Counter[SkipReason] = Counter()
        self._erased_complainers = 0

    async def run(self, found: Iterable[Row | SkippedRow], advance: Advance) -> None:
        """Write what was found, several batches at once.  Raises StoreUnavailable."""
        try:
            await self._write(_batches(self._rows(found)), advance)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _write(self, batches: Iterator[Batch], advance: Advance) -> None:
        room = asyncio.Semaphore(AT_ONCE)
        act = would_change if self._dry_run else partial(merge_all, by=Import(now(), self._actor))
        async with open_store(self._config) as store, self._told(store), asyncio.TaskGroup() as tasks:

            async def write(batch: Batch) -> None:
                for name, keys in self._others.items():
                    hard = shared_rows(batch, self._keys.list_, fold=self._config.lists[name].fold_local_part)
                    shared = await act(store, keys, list(hard.items()))
                    self.shared[name] += shared  # only now: other batches count meanwhile
                changed = await act(
                    store, self._keys, [(address, partial(merge, row=row)) for address, row in batch.items()]
                )
                self.counts["suppressed"] += changed
                self.counts["as before"] += len(batch) - changed
                advance(self.counts["rows"])
                room.release()

            for batch in batches:
                await room.acquire()
                tasks.create_task(write(batch))
                await asyncio.sleep(0)  # so that those under way go on while the next is read

    @asynccontextmanager
    async def _told(self, store: RedisStore) -> AsyncIterator[None]:
        """Tell once of what was written, also where only a part could be done."""
        try:
            yield
        finally:
            counts = {"addresses": self.counts["suppressed"]}
            if counts["addresses"] and not self._dry_run:
                told = summary_event(self._keys, Summary.IMPORTED, now(), self._actor, counts=counts)
                await store.tell(self._keys.list_, told)

    def report(self) -> None:
        """Print the results."""
        if self._erased_complainers and self._keys.erasure_pepper is None:
            click.echo(PEPPER_NEEDED.format(count=self._erased_complainers, list_=self._keys.list_), err=True)
        if self._as_json:
            why = {str(why): self._why[why] for why in SkipReason if self._why[why]}
            shared = {"shared": dict(self.shared)} if self.shared else {}
            print_json({**self.counts, **shared, "why": why, "dry_run": self._dry_run})
            return
        title = "Nothing was written; this is what would be done." if self._dry_run else None
        left_out = {f"left out: {why}": self._why[why] for why in SkipReason if self._why[why]}
        elsewhere = {f"suppressed in {name}": count for name, count in self.shared.items()}
        print_facts({**self.counts, **elsewhere, **left_out}, title=title)

    def _rows(self, found: Iterable[Row | SkippedRow]) -> Iterator[tuple[str, Row]]:
        """Yield addresses in their canonical form, with their rows; say what is left out."""
        for item in found:
            self.counts["rows"] += 1
            if isinstance(item, SkippedRow):
                self._leave_out(item)
                continue
            try:
                yield self._address(item), item
            except BadAddress as error:
                self._leave_out(SkippedRow(item.line, f"{item.address}: {error}", SkipReason.BAD_ADDRESS))

    def _address(self, row: Row) -> str:
        """Return an address in its canonical form, or the keyed hash that a list exports in its place.

        A list with hashed addresses exports hashes only.  Other lists export hashes of recipients who complained and
        were erased; these move along, also to a list that does not know the pepper yet.
        """
        if KEYED_HASH.fullmatch(row.address):
            if self._keys.pepper is not None:
                return AddressId(row.address)
            if row.said.category is Category.COMPLAINT:
                self._erased_complainers += 1
                return AddressId(row.address)
        return normalise(row.address, fold_local_part=self._fold)

    def _leave_out(self, fault: SkippedRow) -> None:
        self.counts["left out"] += 1
        self._why[fault.why] += 1
        if self._as_json:
            print_json({"line": fault.line, "error": fault.text, "why": fault.why})
        else:
            click.echo(f"line {fault.line}: {printable(fault.text)}", err=True)


def _batches(rows: Iterator[tuple[str, Row]]) -> Iterator[Batch]:
    """Yield rows in batches in which no address occurs twice."""
    batch: Batch = {}
    for address, row in rows:
        if len(batch) == BATCH or address in batch:
            yield batch
            batch = {}
        batch[address] = row
    if batch:
        yield batch


def shared_rows(batch: Batch, list_: str, *, fold: bool) -> dict[str, Merge]:
    """Return what a batch of the list says of addresses that are bad by themselves, for a list that it shares with.

    A keyed hash is one of this list's own pepper, and says nothing elsewhere.
    """
    found: dict[str, Merge] = {}
    for address, row in batch.items():
        if row.said.class_ is Class.HARD and not isinstance(address, AddressId):
            said = replace(row.said, shared_from=list_)
            found[normalise(address, fold_local_part=fold)] = partial(merge, row=replace(row, said=said))
    return found


def _classifier(config: Config) -> ClassifyReply:
    try:
        rule_set = rules.load(config.rules.files)
    except RulesInvalid as error:
        raise click.UsageError(str(error)) from error
    return lambda reply, address: classify_reply(reply, rule_set, Known(about=address))


def _octets(lines: IO[str]) -> BinaryIO | None:
    """Return the file as octets where it has a size, so that what is left of it can be told."""
    return lines.buffer if isinstance(lines, TextIOWrapper) and lines.seekable() else None


async def _export(config: Config, keys: Keyspace, selection: Selection, *, as_json: bool) -> None:
    lines = _json_lines if as_json else _table_lines
    spare_the_collector()
    async with open_store(config) as store:
        await store.ping()  # before anything is written: an empty list and no list are not the same
        if not as_json:
            sys.stdout.write(_table_lines([COLUMNS]))
        with counting("rows", watched=not sys.stdout.isatty()) as advance:
            async for page in _pages(store, keys, selection):
                rows = [exported(id_, state_hash) for id_, state_hash in page]
                sys.stdout.write(lines(rows))
                advance(len(rows))


def _table_lines(rows: Iterable[Sequence[str]]) -> str:
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerows(map(to_cells, rows))
    return written.getvalue()


def _json_lines(rows: Iterable[Sequence[str]]) -> str:
    return "".join([json_line(dict(zip(COLUMNS, row, strict=True))) for row in rows])


async def _pages(
    store: RedisStore, keys: Keyspace, selection: Selection
) -> AsyncIterator[Iterable[tuple[str, Mapping[str, str]]]]:
    """Yield what is on the list, or what of it is asked for, a page at a time."""
    if not selection:
        async for page in suppressed_states(store, keys):
            yield page
        return
    async for found in selected(store, keys.list_, selection):
        yield [(each.id, each.fields) for each in found]
