"""Stored messages, in files, folders, Maildir, mbox, or from standard input, and whose they are."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from bounced.core.reading.stored import return_path

Command = TypeVar("Command", bound=Callable[..., None])

MAX_READ_BYTES = 2 * 1024 * 1024

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Stored:
    """A message and where it was found: the path as given, joined with the name inside a folder."""

    file: str
    content: bytes


def all_messages(paths: Iterable[str]) -> Iterator[Stored]:
    """Yield every message at every path, and tell the operator where there is none at all.  Raises click.UsageError."""
    found = False
    for path in paths:
        try:
            for stored in messages(path):
                found = True
                yield stored
        except OSError as error:
            raise click.UsageError(f"{path}: {error.strerror or error}") from error
    if not found:
        click.echo(f"bounced: no message in {', '.join(paths)}", err=True)


def messages(path: str) -> Iterator[Stored]:
    """Yield every message at a path, folders recursively, in the order of their names.

    A file that begins with ``From `` and is no ``.eml`` is an mbox: each of its messages is ``FILE:NUMBER``.  What is
    hidden (a leading dot) or still being written (``tmp`` of a Maildir) is left out.  Raises OSError.
    """
    if path == STANDARD_INPUT:
        yield Stored(path, sys.stdin.buffer.read(MAX_READ_BYTES))
    elif Path(path).is_dir():
        for file in sorted(Path(path).rglob("*")):
            if file.is_file() and not _is_hidden(file.relative_to(path)):
                yield from _in_file(file)
    else:
        yield from _in_file(Path(path))


def _in_file(path: Path) -> Iterator[Stored]:
    with path.open("rb") as file:
        if path.suffix == ".eml" or file.read(5) != b"From ":
            file.seek(0)
            yield Stored(str(path), file.read(MAX_READ_BYTES))
            return
        file.readline()
        kept: list[bytes] = []
        number, size = 1, 0
        previous = b""
        for line in file:
            if line.startswith(b"From ") and not previous.strip():
                yield Stored(f"{path}:{number}", b"".join(kept))
                kept, size, number = [], 0, number + 1
            elif size < MAX_READ_BYTES:
                kept.append(line[1:] if line.startswith(b">From ") else line)
                size += len(line)
            previous = line
        yield Stored(f"{path}:{number}", b"".join(kept))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts) or "tmp" in path.parts[:-1]


def reverse_path_options(command: Command) -> Command:
    """Hand ``reverse_path`` (text or None) and ``trust_return_path`` to a command, for ``reverse_path_of``."""
    given = click.option(
        "--reverse-path",
        metavar="ADDRESS",
        help="The envelope's sender of all messages, <> for the null one.  [default: unknown]",
    )
    trusted = click.option(
        "--trust-return-path",
        is_flag=True,
        help="Believe each message's Return-Path field, because your own MTA sets it.  Anybody may write one.",
    )
    return given(trusted(command))


def reverse_path_of(content: bytes, reverse_path: str | None, *, trust_return_path: bool) -> str | None:
    """Return the reverse path of a stored message as far as the operator vouches for it; None where nobody knows it."""
    return return_path(content) if reverse_path is None and trust_return_path else reverse_path
