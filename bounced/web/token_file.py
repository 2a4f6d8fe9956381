"""The file of the API's tokens: read, and replaced as a whole under a lock."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bounced.web.tokens import Tokens, TokensInvalid, read_tokens, written

MODE = 0o640
"""The owner writes it, the group of its folder reads it."""


def load_tokens(file: Path) -> Tokens:
    """Return the tokens of a file, none where there is no file.  Raises TokensInvalid, OSError."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return Tokens()
    except UnicodeDecodeError as error:
        raise TokensInvalid(f"{file}: must be TOML: {error}") from error
    try:
        return read_tokens(text)
    except TokensInvalid as error:
        raise TokensInvalid("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from error


@contextmanager
def changing(file: Path) -> Iterator[Path]:
    """Let nobody else change a file meanwhile.  Raises OSError."""
    descriptor = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(descriptor)


def save_tokens(file: Path, tokens: Tokens) -> None:
    """Replace a file of tokens.  Raises OSError."""
    replace_text(file, written(tokens))


def replace_text(file: Path, text: str, *, readers: Path | None = None) -> None:
    """Replace a file; whoever reads it meanwhile sees the old one or the new one.

    A file keeps its group; a new one gets that of ``readers``, else of its folder.  Raises OSError.
    """
    passing = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            os.fchmod(descriptor, MODE)
            _give_to_group(descriptor, file if file.exists() else readers or file.parent)
            opened.write(text)
            opened.flush()
            os.fsync(descriptor)
        passing.replace(file)
    except BaseException:
        passing.unlink(missing_ok=True)
        raise


def _give_to_group(descriptor: int, known: Path) -> None:
    """Give the new file the group of what is known, as far as we may."""
    try:
        os.fchown(descriptor, -1, known.stat().st_gid)
    except PermissionError:
        return
