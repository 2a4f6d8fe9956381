"""The file of the users: read, and replaced as a whole."""

from pathlib import Path

from bounced.web.people.users import Users, UsersInvalid, read_users, written
from bounced.web.private_files import read_file, replace_text


def load_users(file: Path) -> Users:
    """Return the users of a file, none where there is no file.  Raises UsersInvalid."""
    return read_file(file, read_users, UsersInvalid)


def save_users(file: Path, users: Users, run: Path | None = None) -> None:
    """Replace a file; whoever reads it meanwhile sees the old one or the new one.  Raises OSError.

    A new file is for the group of ``run``, the folder of the running application: the group of the configuration has
    members who need no hashes of passwords, such as the public listener.
    """
    replace_text(file, written(users), readers=run if run and run.is_dir() else None)
