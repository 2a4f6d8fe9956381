"""``bounced unknown --add``: shows what a row would change, asks, and adds it to the operator's rule file."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from bounced import rules
from bounced.cli.ending import ExitCode
from bounced.cli.output import print_facts, print_json
from bounced.cli.process import in_loop
from bounced.cli.reclassify import counted, released, show
from bounced.config import Config
from bounced.core.meaning.classify import classify_reply
from bounced.core.meaning.rulefile import FEWEST_COUNTER_EXAMPLES, RulesInvalid
from bounced.core.meaning.rules import RuleSet
from bounced.core.reading import patterns
from bounced.core.reading import reply as smtp
from bounced.core.terms import Category
from bounced.learning.groups import Group, Why
from bounced.learning.rows import ProposedRow, propose
from bounced.learning.trial import Difference, caught, taken_examples
from bounced.opening import open_store
from bounced.service import pipeline

FEWEST_SERVERS = 2
MAX_SHOWN = 10
COUNTS = {
    "groups": "groups it catches",
    "replies": "replies in them",
    "taken": "texts of other rows",
    "released": "addresses released",
    "counted": "kept messages counted",
}
NO_FILE = (
    'no rule file is configured: name one in the configuration, [rules] files = ["/etc/bounced/rules.toml"], '
    "or here with --rules-file"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator says about a row.  ``file`` is None for the first one of the configuration."""

    category: Category
    counter_examples: tuple[str, ...]
    file: Path | None
    proves: bool
    yes: bool


def add_row(
    config: Config, before: RuleSet, groups: Sequence[Group], group: Group, wanted: Wanted, *, as_json: bool
) -> None:
    """Add the row of a group.  Raises click.UsageError where it may not be, and ends with code 1 where it shall not."""
    file = wanted.file or next(iter(config.rules.files), None)
    if file is None:
        raise click.UsageError(NO_FILE)
    row = _row(group, before, wanted)
    try:
        content = file.read_bytes() if file.exists() else b""
        with _beside(file, content, row) as new:
            after = _loaded(config, file, new)
            counts = _shown(config, before, after, row, groups, as_json=as_json)
            written = wanted.yes or click.confirm(f"Add this row to {file}?", err=True)
            if written:
                _replace(file, content, new)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error
    _tell(config, file, row, counts, written=written, as_json=as_json)
    if not written:
        sys.exit(ExitCode.NO)


def _row(group: Group, before: RuleSet, wanted: Wanted) -> ProposedRow:
    """Return the row as the operator wants it.  Raises click.UsageError where too little speaks for it."""
    proposed = propose(group, {rule.id for rule in before.rules})
    if proposed is None and group.why is Why.UNPROVEN:
        raise click.UsageError("nothing proves that a mail system wrote these, so their words make no row")
    if proposed is None:
        raise click.UsageError("the words are too few for a pattern that catches nothing else")
    row = replace(proposed, category=wanted.category, counter_examples=wanted.counter_examples, proves=wanted.proves)
    matched = [text for text in row.counter_examples if _matches(row, text)]
    if matched:
        raise click.UsageError(f"the pattern {row.pattern!r} matches the counter-example {matched[0]!r}")
    if not row.condemns:
        return row
    if len(set(row.counter_examples)) < FEWEST_COUNTER_EXAMPLES:
        raise click.UsageError(f"{row.category} condemns addresses, so it needs two counter-examples: --not, twice")
    if group.sources < FEWEST_SERVERS:
        said = ", ".join(group.hosts or group.servers) or "nobody known"
        raise click.UsageError(f"{row.category} condemns addresses, so two servers have to say so; here {said} does")
    return row


def _matches(row: ProposedRow, text: str) -> bool:
    return patterns.span(row.pattern, smtp.neutral(smtp.split(text).text).text) is not None


@contextmanager
def _beside(file: Path, content: bytes, row: ProposedRow) -> Iterator[Path]:
    """Give a new file beside the rule file that has its text, and the row at the end; it is deleted unless renamed."""
    target = file.resolve()
    gap = b"" if not content else b"\n" if content.endswith(b"\n") else b"\n\n"
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", suffix=".new", delete=False) as opened:
        new = Path(opened.name)
        try:
            opened.write(content + gap + row.toml().encode())
            opened.flush()
            os.fsync(opened.fileno())
            _give(target, new)
            yield new
        finally:
            new.unlink(missing_ok=True)


def _give(target: Path, new: Path) -> None:
    """Give a file the owner and the mode of the one that it replaces."""
    if not target.exists():
        new.chmod(0o644)
        return
    owner = target.stat()
    with suppress(PermissionError):
        os.chown(new, owner.st_uid, owner.st_gid)
    shutil.copymode(target, new)


def _loaded(config: Config, file: Path, new: Path) -> RuleSet:
    """Return all rules, those of the new file in the place of the old.  Raises click.UsageError with the faults."""
    files = [new if each.resolve() == file.resolve() else each for each in config.rules.files]
    try:
        return rules.load(files if new in files else [*files, new])
    except RulesInvalid as error:
        raise click.UsageError(f"nothing was added:\n{error}".replace(str(new), str(file))) from error


def _shown(
    config: Config, before: RuleSet, after: RuleSet, row: ProposedRow, groups: Sequence[Group], *, as_json: bool
) -> Counter[str]:
    """Show the row and what it would change.  Raises click.UsageError where it would condemn what others say."""
    taken = list(taken_examples(before, after))
    condemned = [each for each in taken if each.condemns]
    if condemned:
        told = "; ".join(f"{each.text!r} of {each.rule}" for each in condemned[:MAX_SHOWN])
        raise click.UsageError(f"nothing was added: with this row these would be hard: {told}")
    found = list(caught(groups, row.id, after))
    counts = Counter({"groups": len(found), "replies": sum(each.count for each in found), "taken": len(taken)})
    verdict = classify_reply(row.example, after)
    if not as_json:
        click.echo(row.toml())
        doubt = f"doubtful ({verdict.doubt}), counts as soft; --proves says that the words name the recipient"
        print_facts({"the example is": doubt if verdict.doubt else f"{verdict.category}, {verdict.class_}"})
        for other in [each for each in found if each.example != row.example][:MAX_SHOWN]:
            print_facts({"catches too": f"{other.id}, {other.count}: {other.words}"})
        for each in taken[:MAX_SHOWN]:
            print_facts({"takes from": f"{each.rule}, {each.was.category}: {each.text}"})
    counts += in_loop(lambda: _changes(config, before, after, as_json=as_json))
    if not as_json:
        print_facts({meaning: counts[name] for name, meaning in COUNTS.items()})
    return counts


async def _changes(config: Config, before: RuleSet, after: RuleSet, *, as_json: bool) -> Counter[str]:
    """Show the addresses for which something would change, the first few to people, and return how many there are."""
    counts: Counter[str] = Counter()
    difference = Difference(after, before)
    async with open_store(config) as store:
        lists = pipeline(config, store).lists
        for name in config.lists:
            for kind, corrections in (
                ("released", released(store, lists, name, difference, counts)),
                ("counted", counted(store, lists, name, difference, counts)),
            ):
                async for change in corrections:
                    counts[kind] += 1
                    if as_json or counts[kind] <= MAX_SHOWN:
                        show(change, as_json=as_json)
    return counts


def _replace(file: Path, content: bytes, new: Path) -> None:
    """Put the new file in the place of the old.  Raises click.UsageError where somebody else has changed that."""
    if (file.read_bytes() if file.exists() else b"") != content:
        raise click.UsageError(f"nothing was added: {file} was changed meanwhile; try again")
    new.replace(file.resolve())


def _tell(config: Config, file: Path, row: ProposedRow, counts: Counter[str], *, written: bool, as_json: bool) -> None:
    if as_json:
        told = {name: counts[name] for name in COUNTS}
        print_json({"rule": row.id, "file": str(file), **told, "written": written})
        return
    if not written:
        click.echo("Nothing was changed.")
        return
    if file.resolve() not in {each.resolve() for each in config.rules.files}:
        click.echo(f'{file} is not configured yet: [rules] files = ["{file}"].')
    click.echo("Written.  Reload the daemon to use it; `bounced reclassify --apply` then applies it to what is kept.")
