"""The tokens of the API: who may ask what about which lists, and how often.

The file keeps the SHA-256 of each token and never the token.  A token has 256 random bits, so its hash needs no salt
and no slow function: nobody can try that many.
"""

import hmac
import re
import secrets
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from bounced.config.toml import toml_document
from bounced.core.contract.times import stamp

PREFIX = "bounced_"
"""What a token begins with, so that a scanner for secrets finds it."""
RANDOM_BYTES = 32
DEFAULT_RATE = 100
MAX_RATE = 1_000_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_LIST = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HEAD = """\
# The tokens of the API, written by `bounced web token`.  Here are hashes only; nobody can make a token of them.
"""


class TokensInvalid(ValueError):  # noqa: N818 - says what is so
    """A file of tokens that cannot be used: everything that is wrong with it, a line each."""


class Right(StrEnum):
    """What a token may be allowed.  None of them includes another."""

    CHECK = "check"
    READ = "read"
    REPORT = "report"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of one token.  ``rate`` is how many requests a second it may make."""

    name: str
    digest: str
    lists: tuple[str, ...]
    rights: frozenset[Right]
    rate: int = DEFAULT_RATE
    created: str = ""

    def as_table(self) -> Mapping[str, Any]:
        """Return it for the file."""
        rights = [str(right) for right in Right if right in self.rights]
        lists = list(self.lists)
        return {"sha256": self.digest, "lists": lists, "rights": rights, "rate": self.rate, "created": self.created}


class Tokens:
    """The tokens there are."""

    def __init__(self, tokens: Iterable[Token] = ()) -> None:
        self._tokens = {token.name: token for token in tokens}

    def __iter__(self) -> Iterator[Token]:
        return iter(self._tokens.values())

    def get(self, name: str) -> Token | None:
        """Return the token of a name."""
        return self._tokens.get(name)

    def find(self, presented: str) -> Token | None:
        """Return whose token somebody presents.  It takes as long for a wrong one as for a right one."""
        digest, found = digest_of(presented), None
        for token in self._tokens.values():
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def with_(self, token: Token) -> "Tokens":
        """Return the tokens with a further one."""
        return Tokens([*self, token])

    def without(self, name: str) -> "Tokens":
        """Return the tokens without one."""
        return Tokens(token for token in self if token.name != name)


def digest_of(presented: str) -> str:
    """Return the hash under which a token is kept."""
    return sha256(presented.encode("utf-8", "surrogateescape")).hexdigest()


def new_token(
    name: str, lists: Iterable[str], rights: Iterable[Right], *, now: datetime, rate: int = DEFAULT_RATE
) -> tuple[str, Token]:
    """Return a new token and what is kept of it.  Raises ValueError for a bad name."""
    if not _NAME.fullmatch(name):
        raise ValueError("a name has 1 to 64 of A-Z, a-z, 0-9, dot, - and _, and begins with a letter or a digit")
    secret = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    about = tuple(dict.fromkeys(lists)), frozenset(rights), rate, stamp(now)
    return secret, Token(name, digest_of(secret), *about)


def read_tokens(text: str) -> Tokens:
    """Return the tokens that a file holds.  Raises TokensInvalid with everything that is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TokensInvalid(f"must be TOML: {error}") from error
    named = tables.get("tokens", {})
    faults = [f"{key} must be a known key" for key in tables if key != "tokens"]
    if not isinstance(named, dict):
        raise TokensInvalid("tokens must be a table")
    faults += [f"tokens.{name} must {fault}" for name, table in named.items() for fault in _faults(name, table)]
    if faults:
        raise TokensInvalid("\n".join(faults))
    return Tokens(_token(name, table) for name, table in named.items())


def written(tokens: Tokens) -> str:
    """Return the text of the file."""
    tables = {token.name: token.as_table() for token in tokens}
    return _HEAD + "\n".join(toml_document({"tokens": tables})) + "\n"


def _token(name: str, table: Mapping[str, Any]) -> Token:
    rights = frozenset(map(Right, table["rights"]))
    rate, created = table.get("rate", DEFAULT_RATE), table.get("created", "")
    return Token(name, table["sha256"], tuple(table["lists"]), rights, rate, str(created))


def _faults(name: str, table: object) -> Iterator[str]:
    """Yield what is wrong with the table of one token."""
    if not isinstance(table, dict):
        yield "be a table"
        return
    if not _NAME.fullmatch(name):
        yield "have a name of 1 to 64 of A-Z, a-z, 0-9, dot, - and _"
    if not _DIGEST.fullmatch(str(table.get("sha256", ""))):
        yield "have sha256, 64 hexadecimal digits"
    if not _all(table.get("lists"), lambda each: bool(_LIST.fullmatch(each))):
        yield "have lists, names of suppression lists"
    if not _all(table.get("rights"), lambda each: each in set(Right)):
        yield f"have rights, of {', '.join(Right)}"
    rate = table.get("rate", DEFAULT_RATE)
    if not isinstance(rate, int) or isinstance(rate, bool) or not 1 <= rate <= MAX_RATE:
        yield f"have a rate from 1 to {MAX_RATE}"
    if unknown := set(table) - {"sha256", "lists", "rights", "rate", "created"}:
        yield f"have no {', '.join(sorted(unknown))}"


def _all(values: object, fits: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(each, str) and fits(each) for each in values)
