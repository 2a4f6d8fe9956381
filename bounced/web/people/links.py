"""Links that sign an operator in, once: `bounced web login` writes them down, the running application uses them up.

A folder holds a file for each link.  The file's name is the SHA-256 of the link's secret, so whoever reads the folder
can make no link of it.  Whoever removes the file has used the link: the kernel lets only one do that.
"""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from bounced.web.private_files import replace_text

VALID = timedelta(minutes=10)
RANDOM_BYTES = 32
MOST_CHARS = 64
"""Of a secret in a link; ours have 43."""
_FILES = "login-"


def new_link(folder: Path, name: str, now: datetime) -> str:
    """Write a link for somebody down and return its secret.  Raises OSError."""
    for file in folder.glob(f"{_FILES}*"):
        if any(_is_over(text, now) for text in _read(file)):
            file.unlink(missing_ok=True)
    secret = secrets.token_urlsafe(RANDOM_BYTES)
    replace_text(_file(folder, secret), f"{int((now + VALID).timestamp())} {name}\n")
    return secret


def use_up(folder: Path, secret: str, now: datetime) -> str | None:
    """Return whom a link signs in, None where it is none, was used or is too old.  Raises OSError."""
    if not 0 < len(secret) <= MOST_CHARS:
        return None
    file = _file(folder, secret)
    try:
        text = file.read_text("utf-8")
        file.unlink()
    except FileNotFoundError:
        return None
    return None if _is_over(text, now) else text.split()[1]


def _file(folder: Path, secret: str) -> Path:
    return folder / (_FILES + sha256(secret.encode("utf-8", "surrogateescape")).hexdigest())


def _read(file: Path) -> Iterator[str]:
    """Yield what a file holds, nothing where somebody else removed it."""
    with suppress(FileNotFoundError):
        yield file.read_text("utf-8")


def _is_over(text: str, now: datetime) -> bool:
    until, _, name = text.partition(" ")
    return not until.isdigit() or not name.strip() or now.timestamp() >= int(until)
