"""The users who sign in with a password, and how a password is checked.

The file keeps a salt and a hash by scrypt (RFC 7914).  A name that nobody has is checked against a decoy of the same
cost, so that the time of an answer does not tell which names exist.
"""

import hashlib
import hmac
import re
import secrets
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unicodedata import normalize

from bounced.config.toml import toml_document
from bounced.core.contract.times import stamp

LOG2_N, BLOCK_SIZE, PARALLEL = 14, 8, 5
"""The cost of a check: 16 MiB, and about a tenth of a second."""
SALT_BYTES, HASH_BYTES = 16, 32
LEAST_CHARS, MOST_CHARS = 12, 256
"""Of a password."""

_COST = f"scrypt:{LOG2_N}:{BLOCK_SIZE}:{PARALLEL}"
_MAX_MEMORY = 64 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_HEAD = """\
# The people who may sign in, written by `bounced web user`.  Here are hashes of passwords: let nobody else read them.
"""


class UsersInvalid(ValueError):  # noqa: N818 - says what is so
    """A file of users that cannot be used: everything that is wrong with it, a line each."""


@dataclass(frozen=True, slots=True)
class User:
    """What is known of one user.  ``kept`` is the cost, the salt and the hash of the password."""

    name: str
    kept: str
    changed: str = ""


class Users:
    """The users there are."""

    def __init__(self, users: Iterable[User] = ()) -> None:
        self._users = {user.name: user for user in users}

    def __iter__(self) -> Iterator[User]:
        return iter(self._users.values())

    def __len__(self) -> int:
        return len(self._users)

    def get(self, name: str) -> User | None:
        """Return the user of a name."""
        return self._users.get(name)

    def find(self, name: str, password: str) -> User | None:
        """Return the user whose name and password these are.  It takes as long where there is none."""
        user = self._users.get(name)
        fits = _fits(password, (user or _DECOY).kept)
        return user if fits else None

    def with_(self, user: User) -> "Users":
        """Return the users with a further one, or with another password of one."""
        return Users([*self, user])

    def without(self, name: str) -> "Users":
        """Return the users without one."""
        return Users(user for user in self if user.name != name)


def is_name(name: str) -> bool:
    """Whether a user may have this name."""
    return bool(_NAME.fullmatch(name))


def new_user(name: str, password: str, now: datetime) -> User:
    """Return a user with a password.  Raises ValueError for a bad name or a bad password."""
    if not is_name(name):
        raise ValueError("a name has 1 to 64 of A-Z, a-z, 0-9, dot, - and _, and begins with a letter or a digit")
    if not LEAST_CHARS <= len(password) <= MOST_CHARS:
        raise ValueError(f"a password has {LEAST_CHARS} to {MOST_CHARS} characters")
    salt = secrets.token_bytes(SALT_BYTES)
    return User(name, _kept(salt, _hash(password, salt)), stamp(now))


def read_users(text: str) -> Users:
    """Return the users that a file holds.  Raises UsersInvalid with everything that is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsersInvalid(f"must be TOML: {error}") from error
    named = tables.get("users", {})
    faults = [f"{key} must be a known key" for key in tables if key != "users"]
    if not isinstance(named, dict):
        raise UsersInvalid("users must be a table")
    faults += [f"users.{name} must {fault}" for name, table in named.items() for fault in _faults(name, table)]
    if faults:
        raise UsersInvalid("\n".join(faults))
    return Users(User(name, table["password"], str(table.get("changed", ""))) for name, table in named.items())


def written(users: Users) -> str:
    """Return the text of the file."""
    tables = {user.name: {"password": user.kept, "changed": user.changed} for user in users}
    return _HEAD + "\n".join(toml_document({"users": tables})) + "\n"


def _faults(name: str, table: object) -> Iterator[str]:
    """Yield what is wrong with the table of one user."""
    if not isinstance(table, dict):
        yield "be a table"
        return
    if not is_name(name):
        yield "have a name of 1 to 64 of A-Z, a-z, 0-9, dot, - and _"
    if not _is_kept(table.get("password")):
        yield "have a password as `bounced web user password` writes it"
    if unknown := set(table) - {"password", "changed"}:
        yield f"have no {', '.join(sorted(unknown))}"


def _is_kept(value: Any) -> bool:
    cost, _, rest = value.rpartition("$")[0].partition("$") if isinstance(value, str) else ("", "", "")
    if cost != _COST:
        return False
    try:
        salt, digest = b64decode(rest, validate=True), b64decode(value.rpartition("$")[2], validate=True)
    except ValueError:
        return False
    return len(salt) == SALT_BYTES and len(digest) == HASH_BYTES


def _fits(password: str, kept: str) -> bool:
    _, salt, digest = kept.split("$")
    return hmac.compare_digest(_hash(password[: MOST_CHARS + 1], b64decode(salt)), b64decode(digest))


def _kept(salt: bytes, digest: bytes) -> str:
    return "$".join((_COST, b64encode(salt).decode(), b64encode(digest).decode()))


def _hash(password: str, salt: bytes) -> bytes:
    octets = normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(
        octets, salt=salt, n=1 << LOG2_N, r=BLOCK_SIZE, p=PARALLEL, maxmem=_MAX_MEMORY, dklen=HASH_BYTES
    )


_DECOY = User("", _kept(secrets.token_bytes(SALT_BYTES), secrets.token_bytes(HASH_BYTES)))
"""No password has this hash."""
