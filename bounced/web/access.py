"""Who may come in is known soon: the files of tokens and of users are read again when they have changed.

How it works.  Their facts, such as size and time, are looked at twice a second.  A file that changed is read when two
looks have found the same: whoever writes it in place may be in the middle.  A broken file changes nothing, and is
logged once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from bounced.edges.watch.log import Event
from bounced.web.desk import Desk, Settings
from bounced.web.people.user_file import load_users
from bounced.web.people.users import UsersInvalid
from bounced.web.token_file import load_tokens
from bounced.web.tokens import TokensInvalid

LOG = structlog.get_logger()

T = TypeVar("T")

LOOK_EVERY_S = 0.5

_Facts = tuple[Path, int, int, int, int] | None


class Access:
    """Keeps the tokens and the users of a listener as their files have them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tokens = _Watched(load_tokens)
        self._users = _Watched(load_users)

    async def keep(self) -> None:
        """Look at the files for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Use what changed, if anything did."""
        private = self._desk.present.config.web.private
        tokens = await self._tokens.look(private.tokens_file)
        if tokens is not None and [*tokens] != [*self._desk.present.tokens]:
            self._use(replace(self._desk.present, tokens=tokens))
        users = await self._users.look(private.users_file)
        if users is not None and [*users] != [*self._desk.present.users]:
            self._use(replace(self._desk.present, users=users))

    def _use(self, present: Settings) -> None:
        self._desk.use(present)
        LOG.info(Event.ACCESS_CHANGED, tokens=len([*present.tokens]), users=len(present.users))


class _Watched(Generic[T]):
    """One file, and what was found at the last look and when it was read."""

    def __init__(self, load: Callable[[Path], T]) -> None:
        self._load = load
        self._seen: _Facts = None
        self._read: _Facts = None

    async def look(self, file: Path) -> T | None:
        """Return what a file holds; None where it is as it was, is being written or cannot be used."""
        before, self._seen = self._seen, _facts(file)
        if self._seen != before or self._seen == self._read:
            return None
        self._read = self._seen
        try:
            found = await asyncio.to_thread(self._load, file)
        except (TokensInvalid, UsersInvalid, OSError) as error:
            LOG.error(Event.RELOAD_FAILED, errors=str(error).splitlines())  # noqa: TRY400 - for an operator
            return None
        return found if _facts(file) == self._read else None  # a reload may know a later one by now


def _facts(file: Path) -> _Facts:
    """Return what tells whether a file is the one that was read; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return file, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
