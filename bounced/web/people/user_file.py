"""The file of the users: read, and replaced as a whole."""

from pathlib import Path

from bounced.web.people.users import Users, UsersInvalid, read_users, written
from bounced.web.token_file import replace_text


def load_users(file: Path) -> Users:
    """Return the users of a file, none where there is no file.  Raises UsersInvalid."""
    try:
        return read_users(file.read_text("utf-8"))
    except FileNotFoundError:
        return Users()
    except OSError as error:
        raise UsersInvalid(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsersInvalid(f"{file}: must be TOML: {error}") from error
    except UsersInvalid as error:
        raise UsersInvalid("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from error


def save_users(file: Path, users: Users, run: Path | None = None) -> None:
    """Replace a file; whoever reads it meanwhile sees the old one or the new one.  Raises OSError.

    A new file is for the group of ``run``, the folder of the running application: the group of the configuration has
    members who need no hashes of passwords, such as the public listener.
    """
    replace_text(file, written(users), readers=run if run and run.is_dir() else None)
