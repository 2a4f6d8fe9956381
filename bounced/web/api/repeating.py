"""Requests that write may be sent again under the same Idempotency-Key: they act once, and are answered the same.

How it works.  The key, the token and the path make a digest.  The answer is kept in Redis under it for a day, with a
fingerprint of the body; the same key with another body is an error of the program.  What comes of two requests at once,
or of a crash between the act and its answer, is up to the act: the commit of a decision remembers the digest as that of
a report, and entries are written by the same script that keeps their answer.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from starlette.requests import Request

from bounced.edges.redis.wire import text
from bounced.web.api.asking import Asker
from bounced.web.json import dumped
from bounced.web.problems import Problem, bad_request

KEPT_S = 86_400
REPLAYED: Mapping[str, str] = {"idempotency-replayed": "true"}

# idempotency-key = sf-string or a bare word, of what can be printed.  (draft-ietf-httpapi-idempotency-key-header)
_KEY = re.compile(r'"?([!#-~]{1,200})"?')


@dataclass(frozen=True, slots=True)
class Repeated:
    """What a request that may be repeated is known by.  Both are hex digits."""

    digest: str
    fingerprint: str

    @property
    def path(self) -> str:
        """The PATH under which a commit is remembered."""
        return f"api-{self.digest}"


def repeated(request: Request, asker: Asker, body: Mapping[str, Any]) -> Repeated | None:
    """Return what a request is known by; None where it has no Idempotency-Key.  Raises Problem."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    found = _KEY.fullmatch(keys[0].strip()) if len(keys) == 1 else None
    if found is None:
        raise bad_request("bad-key", "An Idempotency-Key has 1 to 200 printable ASCII characters, no blank among them.")
    named = "\0".join((asker.token.name, request.scope["path"], found[1]))
    pepper = asker.list_.keys.pepper or b""  # addresses stand in the body, which nobody shall guess from its digest
    return Repeated(sha256(named.encode()).hexdigest()[:32], hmac.digest(pepper, dumped(body), "sha256").hex()[:32])


async def kept_answer(asker: Asker, key: Repeated) -> str | None:
    """Return what was answered to the same request before.  Raises Problem, StoreUnavailable."""
    list_ = asker.list_
    kept = await asker.desk.store.read(list_.name, "GET", list_.keys.answered(key.digest))
    return same_request(key, text(kept)) if kept else None


async def keep_answer(asker: Asker, key: Repeated, told: str) -> None:
    """Keep an answer for a day.  Raises StoreUnavailable."""
    name = asker.list_.keys.answered(key.digest)
    await asker.desk.store.write(asker.list_.name, "SET", name, f"{key.fingerprint} {told}", "EX", KEPT_S)


def same_request(key: Repeated, kept: str) -> str:
    """Return the kept answer, which begins with the fingerprint of its request.  Raises Problem for another one."""
    fingerprint, _, told = kept.partition(" ")
    if fingerprint != key.fingerprint:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "key-used",
            "This Idempotency-Key was used with another body within a day.",
        )
    return told
