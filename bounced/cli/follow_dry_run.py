"""What would follow from log files, printed; nothing is written, and nothing noted."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from bounced.cli.output import print_facts, print_json
from bounced.config import Config
from bounced.config.follow import FollowSettings
from bounced.config.follow_checks import settings_of
from bounced.core.contract.refusal import verdict_of
from bounced.core.escape import visible
from bounced.core.exchange.logs import PARSERS
from bounced.core.exchange.logs.parser import LogParser
from bounced.core.meaning.classify import classify_reply
from bounced.edges.follow.journal import JOURNAL, Journal
from bounced.edges.follow.pipe import Pipe
from bounced.edges.follow.source import Batch, Log
from bounced.edges.follow.trail import Trail
from bounced.follow.hearing import Hearing, Placed
from bounced.follow.serving import STANDARD_INPUT
from bounced.opening import open_store
from bounced.pipeline import Pipeline
from bounced.service import pipeline

MAX_REPLY_SHOWN = 100


async def show(config: Config, mta: str, paths: Sequence[Path], *, as_json: bool) -> None:
    """Print the entries that would be written, and how many lines said what.  Raises StoreUnavailable, OSError."""
    settings = settings_of(config, mta)
    async with open_store(config, to_write=False) as store:
        path_of_all = pipeline(config, store)
        hearing = Hearing(path_of_all, store, counts_sent=settings.count_sent)
        for path in paths:
            parser = PARSERS[mta](settings.source, hearing.may_be_ours)
            for batch in _batches(path, settings, mta):
                hearing.counts.lines += len(batch.lines)
                heard = await hearing.entries(_heard(parser, batch), lambda _list, _place: False)
                for list_, entries in heard.items():
                    for entry in entries:
                        _print(list_, entry, path_of_all, as_json=as_json)
    if not as_json:
        print_facts(Counter(asdict(hearing.counts)))


def _batches(path: Path, settings: FollowSettings, mta: str) -> Iterator[Batch]:
    log: Log
    if path == JOURNAL:
        log = Journal(settings.journal_matches(mta), once=True)
    else:
        log = Pipe() if path == STANDARD_INPUT else Trail(path, now=time.time)
    while True:
        batch = log.next()
        if batch is not None:
            yield batch
        elif log.at_end:
            return
        else:
            time.sleep(0.05)


def _heard(parser: LogParser, batch: Batch) -> Iterator[Placed]:
    now = datetime.now(UTC)
    if batch.begin == 0:
        parser.new_file()
    return ((batch.begin, said) for line in batch.lines for said in parser.feed(line, now))


def _print(list_: str, entry: Mapping[str, str], path: Pipeline, *, as_json: bool) -> None:
    category = ""
    if entry["type"] == "rejected":
        try:
            verdict = verdict_of(entry, entry["address"], lambda reply, known: classify_reply(reply, path.rules, known))
            category = f"{verdict.category} ({verdict.class_})"
        except ValueError as error:
            category = f"not understood: {error}"
    if as_json:
        print_json({"list": list_, **entry, **({"meaning": category} if category else {})})
    else:
        whom = entry.get("address") or f"{entry['count']} to {entry.get('domain', '')}"
        words = [list_, entry["type"], whom, category, entry.get("reply", "")[:MAX_REPLY_SHOWN]]
        click.echo("  ".join(visible(word) for word in words if word))
