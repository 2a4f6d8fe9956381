"""Why a return path that looks like ours does not verify: what a sender has most likely done wrong.

This is for the operator's log, never for the peer.  A path that was made with one of our secrets, which somebody read
or used wrongly, is proof: nobody else can make it, so it is reported at once.  Any other path may be forged.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from bounced.core.return_path import signed
from bounced.core.return_path.directory import Directory
from bounced.core.return_path.errors import Reason
from bounced.core.return_path.keyring import KeyStatus, SigningKey
from bounced.core.return_path.paths import UNSUBSCRIBE_PREFIX, ReturnPaths
from bounced.core.return_path.spelling import fold, readings

MAX_TRIES = 500
"""How many signatures are tried for one path: about 3 ms of work, whatever the configuration."""

_MADE_WRONGLY = frozenset(
    {Reason.FOREIGN, Reason.UNSIGNED, Reason.MALFORMED, Reason.UNKNOWN_KEY, Reason.REVOKED_KEY, Reason.TAMPERED}
)
# Any prefix, then a signed local part (see `signed`) whose recipient may hold any character.
_LIKE_OURS = re.compile(r"(?P<prefix>.*?)(?P<text>[a-z2-7]{18}=[a-z0-9-]{0,8}=[^@]+=[^=]+)", re.ASCII)
_MISREADINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("and the newline behind it", lambda secret: secret + b"\n"),
    ("and the CRLF behind it", lambda secret: secret + b"\r\n"),
    ("and a blank behind it", lambda secret: secret + b" "),
    ("and a blank before it", lambda secret: b" " + secret),
    ("and a byte order mark before it", lambda secret: b"\xef\xbb\xbf" + secret),
    ("and a byte order mark and line end around it", lambda secret: b"\xef\xbb\xbf" + secret + b"\r\n"),
    ("and a NUL behind it", lambda secret: secret + b"\0"),
)


@dataclass(frozen=True, slots=True)
class Cause:
    """What is likely wrong with the paths that a list gets.  ``proven``: only who has our secret can have caused it."""

    list: str
    text: str
    proven: bool


class _Secret(NamedTuple):
    """A secret as somebody may hold it: of which list and key, its octets, and what is wrong with them, if anything."""

    list: str
    key: SigningKey
    octets: bytes
    misread: str = ""


def likely_cause(directory: Directory, forward_path: str, reason: Reason) -> Cause | None:
    """Return why a forward-path was refused for ``reason``, as far as it looks like one of ours."""
    local_part, _, domain = forward_path.rpartition("@")
    found = next(filter(None, (_LIKE_OURS.fullmatch(fold(reading)) for reading in readings(local_part))), None)
    if found is None or reason not in _MADE_WRONGLY:
        return None
    own = next((paths for paths in directory.lists if fold(domain) in paths.domains), None)
    attempts = ((secret, list_) for secret in _secrets(directory) for list_ in _names(directory))
    unsubscribes = found["prefix"] == UNSUBSCRIBE_PREFIX
    for secret, list_ in islice(attempts, MAX_TRIES):
        if signed.made_with(secret.octets, list_, found["text"], unsubscribes=unsubscribes):
            mistakes = _mistakes(secret, list_, found["prefix"], found["text"][0], own)
            told = "; ".join(mistakes)
            return Cause(own.list if own else list_, told, proven=True) if told else None
    return _suspicion(own, found["text"][0], reason) if own else None


def _secrets(directory: Directory) -> Iterator[_Secret]:
    """Yield the secrets as they are, then as they may have been misread."""
    held = [_Secret(paths.list, key, key.secret) for paths in directory.lists for key in paths.keyring.keys]
    yield from held
    for list_, key, octets, _ in held:
        for words, misread in _MISREADINGS:
            yield _Secret(list_, key, misread(octets), words)
        with suppress(ValueError):
            yield _Secret(list_, key, b64decode(octets, validate=True), "decoded from base64")


def _names(directory: Directory) -> Iterator[str]:
    yield from (paths.list for paths in directory.lists)
    yield ""


def _mistakes(secret: _Secret, list_: str, prefix: str, key_id: str, own: ReturnPaths | None) -> Iterator[str]:
    """Yield everything that a sender did otherwise than the list whose domain it used."""
    key = secret.key
    if secret.misread:
        yield f"signed with key {key.id} {secret.misread}: is its file read as SigningKey.from_file reads it?"
    if key_id != key.id:
        yield f"signed with the secret of key {key.id} under the id {key_id}"
    elif key.status is KeyStatus.REVOKED:
        yield f"signed with key {key.id}, which is revoked"
    if own is None:
        yield "sent to a domain that is no bounce domain in the configuration"
        return
    if secret.list != own.list and all(other.secret != key.secret for other in own.keyring.keys):
        yield f"signed with a key of list {secret.list}"
    if list_ != own.list:
        yield f"signed for list {list_!r}"
    if prefix not in (own.prefix, UNSUBSCRIBE_PREFIX):
        yield f"begins with {prefix!r} instead of {own.prefix!r}"


def _suspicion(own: ReturnPaths, key_id: str, reason: Reason) -> Cause | None:
    ids = " ".join(key.id for key in own.keyring.keys)
    match reason:
        case Reason.UNKNOWN_KEY:
            text = f"they name key {key_id!r}, which list {own.list} has not (it has {ids}): is a key missing here?"
        case Reason.TAMPERED:
            text = (
                f"they name key {key_id!r} of list {own.list} and are signed with another secret, or for another list: "
                "does the sender's key file hold the same as ours? If so, somebody guesses"
            )
        case _:
            return None
    return Cause(own.list, text, proven=False)
