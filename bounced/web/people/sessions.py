"""Who is signed in.  A session is kept in memory only, under the hash of its cookie: a restart ends all of them."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from time import monotonic

from bounced.web.people.users import Users

MOST, MOST_OF_ONE = 1000, 20
"""Sessions at once, in all and of one name; one more ends the one that has been idle for the longest."""
_SECRET = secrets.token_bytes()
"""For the tokens of forms: they are good in this process only."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in.  ``secret`` is what the token of their forms is made of."""

    name: str
    door: str
    secret: str


@dataclass(frozen=True, slots=True)
class Session:
    """One session.  ``kept`` is what the file of users held of the password, empty without a password."""

    person: Person
    kept: str
    begun: float
    used: float


class Sessions:
    """The sessions of one process."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._sessions: dict[str, Session] = {}

    def begin(self, name: str, door: str, kept: str = "") -> str:
        """Begin a session and return what its cookie holds."""
        cookie, now = secrets.token_urlsafe(32), self._now()
        own = [key for key, session in self._sessions.items() if session.person.name == name]
        for key in own[: max(0, len(own) - MOST_OF_ONE + 1)]:
            del self._sessions[key]
        if len(self._sessions) >= MOST:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[_key(cookie)] = Session(Person(name, door, f"session {cookie}"), kept, now, now)
        return cookie

    def find(self, cookie: str, users: Users, idle_s: float, most_s: float, *, is_use: bool = True) -> Person | None:
        """Return whose session a cookie names.  Another password, or none, ends a session.

        It counts as the session's use, unless ``is_use`` is false.
        """
        key, now = _key(cookie), self._now()
        session = self._sessions.pop(key, None)  # and back to the end: the first is idle for the longest
        if session is None or now - session.used >= idle_s or now - session.begun >= most_s:
            return None
        user = users.get(session.person.name)
        if session.kept and (user is None or user.kept != session.kept):
            return None
        self._sessions[key] = replace(session, used=now if is_use else session.used)
        return session.person

    def end(self, cookie: str) -> None:
        """End a session."""
        self._sessions.pop(_key(cookie), None)

    def __len__(self) -> int:
        return len(self._sessions)


def form_token(secret: str) -> str:
    """Return what a form holds, so that no other page can send it in somebody's name."""
    return hmac.digest(_SECRET, secret.encode("utf-8", "surrogateescape"), "sha256").hex()


def is_form_token(presented: str, secret: str) -> bool:
    """Whether a form was ours, for this secret."""
    return hmac.compare_digest(presented.encode("utf-8", "surrogateescape"), form_token(secret).encode())


def _key(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()
