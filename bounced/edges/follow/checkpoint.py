"""The file in which somebody who follows a log notes how far he has come, and which messages are open.

It is replaced as a whole, and locked: of two who follow the same log one would lose what the other one reads.  The log
is named by an id that is made with the file, so a file that was removed begins anew.
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from bounced.edges.follow.source import Position

VERSION = 1


class InUse(Exception):  # noqa: N818 - says what is so
    """Another process follows the same log."""


class Malformed(Exception):  # noqa: N818 - likewise
    """A checkpoint that nobody can read."""


class Checkpoint(NamedTuple):
    """How far a log was read, and what its parser has to know.  ``log`` is the id of the log.

    ``read`` is the document of a Position, empty where nothing was read.
    """

    log: str
    read: Mapping[str, Any]
    parser: Mapping[str, Any]


def checkpoint_file(folder: Path, mta: str, path: Path) -> Path:
    """Return where the checkpoint of a log stands."""
    return folder / f"{mta}-{sha256(str(path).encode()).hexdigest()[:16]}.json"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep others from following the same log.  Raises InUse, OSError."""
    with file.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"another process follows this log: {file}") from None
        yield


def load(file: Path) -> Checkpoint:
    """Return what was saved last; a new beginning where nothing was.  Raises Malformed, OSError."""
    try:
        document = json.loads(file.read_bytes())
        if document["version"] != VERSION:
            raise Malformed(f"{file} is of version {document['version']}, this program reads {VERSION}")
        return Checkpoint(str(document["log"]), dict(document["trail"]), dict(document["parser"]))
    except FileNotFoundError:
        return Checkpoint(secrets.token_hex(8), {}, {})
    except (ValueError, KeyError, TypeError) as error:
        raise malformed(file, error) from error


def malformed(file: Path, error: Exception) -> Malformed:
    """Return what is wrong with a checkpoint."""
    return Malformed(f"{file} is no checkpoint ({error!r}); without it the log is read from its beginning")


def save(file: Path, log: str, path: Path, read: Position, parser: Mapping[str, Any]) -> None:
    """Replace what was saved, so that a crash leaves the one or the other.  Raises OSError."""
    document = {"version": VERSION, "log": log, "path": str(path), "trail": read.document(), "parser": parser}
    new = file.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(json.dumps(document, separators=(",", ":")).encode())
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
