"""``bounced return-path new-key``: a new secret for return paths, in a file of its own."""

import os
from base64 import b64encode
from pathlib import Path
from secrets import token_bytes
from tempfile import NamedTemporaryFile

import click

OCTETS = 32
FOLDER_MODE = 0o700


@click.command("new-key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--if-missing", is_flag=True, help="If FILE is there, leave it as it is and end with exit code 0.")
def new_key(file: Path, *, if_missing: bool) -> None:
    """Write a new secret into FILE, for a key of the configuration.

    The secret is 32 random octets in base64. The owner alone can read FILE. A missing folder is made. FILE is never
    overwritten: without its key, return paths of mail that was sent are refused.

    \b
    bounced return-path new-key /etc/bounced/keys/b
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    try:
        file.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _write(file, b64encode(token_bytes(OCTETS)) + b"\n")
    except FileExistsError as error:
        if not if_missing or not file.is_file():
            raise click.UsageError(f"{error.filename2 or error.filename}: there is a file already") from error
    except OSError as error:
        raise click.UsageError(f"{error.filename or file}: {error.strerror}") from error


def _write(file: Path, secret: bytes) -> None:
    """Make a file that holds all of the secret or is not there at all.  Raises FileExistsError."""
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.") as passing:  # mode 0600
        passing.write(secret)
        passing.flush()
        os.fsync(passing.fileno())
        os.link(passing.name, file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
