"""The files in which the application keeps who may come in: read as a whole, replaced as a whole under a lock."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

MODE = 0o640
"""The owner writes it, the group of its folder reads it."""


def read_file(file: Path, read: Callable[[str], T], invalid: type[ValueError]) -> T:
    """Return what ``read`` makes of a file's text; a file that is not there has no text.

    Raises ``invalid``, as ``read`` does: a line for each mistake, with the file's name.
    """
    try:
        return read(file.read_text("utf-8"))
    except FileNotFoundError:
        return read("")
    except PermissionError as error:
        remedy = f"the user of `bounced web` has to be able to read it: chgrp bounced-web {file}; chmod 640 {file}"
        raise invalid(f"{file}: {error.strerror}; {remedy}") from error
    except OSError as error:
        raise invalid(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise invalid(f"{file}: must be TOML: {error}") from error
    except invalid as error:
        raise invalid("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from error


@contextmanager
def changing(file: Path) -> Iterator[Path]:
    """Let nobody else change a file meanwhile.  Raises OSError."""
    descriptor = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(descriptor)


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
