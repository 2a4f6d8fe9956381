"""One log followed: lines are read, heard, written and noted, in this order, so that a crash loses and doubles nothing.

How it works.  What lines say is written to each list together with the place behind them.  The checkpoint, with the
messages that are open in the MTA's queue, is written every few seconds behind that.  After a crash the lines since the
checkpoint are read again: the parser learns from them what it knew, and each list passes over those that it has.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

import structlog

from bounced.core.exchange.logs import LogParser
from bounced.edges.follow import checkpoint
from bounced.edges.follow.source import Batch, Log
from bounced.edges.redis.followed import Outcome, Read, places, write_lines
from bounced.edges.redis.store import RedisStore
from bounced.edges.watch.log import Event
from bounced.follow.hearing import Fields, Hearing, Placed
from bounced.ports import Clock, StoreUnavailable

LOG = structlog.get_logger()

LINES_AT_ONCE = 10_000
AGAIN_S = 1.0
NOTED_EVERY_S = 5.0
MAX_SHARE = 20
"""Of so many seconds one may be spent on writing the checkpoint, which may be large."""

T = TypeVar("T")
Advance = Callable[[int, int], None]
"""Hears how many lines were read, and how many octets of them."""


class Conflict(Exception):  # noqa: N818 - says what is so
    """Somebody else has written lines of the same log."""


@dataclass(slots=True)
class _Group:
    """Lines of one file that were read together, and what they say."""

    number: int
    end: int
    said: list[Placed]


class Follower:
    """Follows one log.  ``resume`` comes first, then ``step`` again and again, and ``note`` in the end.

    ``checkpoint_file`` is None for what cannot be read again.  ``advance`` hears what was read.
    """

    def __init__(
        self,
        path: Path,
        log: Log,
        parser: LogParser,
        hearing: Hearing,
        store: RedisStore,
        *,
        clock: Clock,
        checkpoint_file: Path | None = None,
        advance: Advance = lambda _lines, _octets: None,
    ) -> None:
        self._path = path
        self._trail = log
        self._parser = parser
        self._hearing = hearing
        self._store = store
        self._clock = clock
        self._checkpoint_file = checkpoint_file
        self._advance = advance
        self._log = secrets.token_hex(8)
        self._places: dict[str, dict[int, int]] = {}
        self._numbers = 0
        self._noted_at = monotonic()
        self._note_took_s = 0.0
        self._to_note = False
        self._in_step = False
        self._ended: list[int] = []

    @property
    def name(self) -> str:
        """What is followed, for people."""
        return str(self._path)

    async def resume(self, lists: Iterable[str]) -> None:
        """Go on where somebody stopped; wait while Redis is away.  Raises Malformed, OSError."""
        if self._checkpoint_file:
            known = checkpoint.load(self._checkpoint_file)
            self._log = known.log
            self._parser.restore(known.parser)
            try:
                self._trail.resume(known.read)
            except (ValueError, KeyError, TypeError) as error:
                raise checkpoint.malformed(self._checkpoint_file, error) from error
            self._numbers = known.read.get("numbers", 0)
        for list_ in lists:
            keys = self._store.keyspace(list_)
            self._places[list_] = await self._ask(partial(places, self._store, keys, self._log))

    async def step(self) -> bool:
        """Read some lines and write what they say; return whether there were any.  Waits while Redis is away.

        Whoever cancels it may not go on with this follower.  Raises OSError, NoLibrary, Conflict.
        """
        batch = self._trail.next()
        if batch is not None:
            if batch.number > self._numbers:  # its number must not be another file's after a crash
                self._note(batch)
            self._in_step = True
            group = self._read(batch)
            entries = await self._ask(partial(self._hearing.entries, group.said, partial(self._is_written, group)))
            for list_, of_list in entries.items():
                if of_list:
                    await self._write(list_, group, of_list)
            self._in_step, self._to_note = False, True
        if self._to_note and monotonic() - self._noted_at >= max(NOTED_EVERY_S, MAX_SHARE * self._note_took_s):
            self._note()
        return batch is not None

    def note(self) -> None:
        """Note how far everything was read and written.  Raises OSError."""
        if self._to_note and not self._in_step:
            self._note()

    def _read(self, batch: Batch | None) -> _Group:
        """Hear what these lines and some more of the same file say."""
        assert batch is not None
        group, now, count = _Group(batch.number, batch.end, []), self._clock(), 0
        feed, said = self._parser.feed, group.said
        if batch.begin == 0:
            self._parser.new_file()
        while batch is not None:
            for place, line in batch.placed():
                if heard := feed(line, now):
                    said.extend((place, each) for each in heard)
            group.end = batch.end
            count += len(batch.lines)
            self._advance(len(batch.lines), batch.octets)
            batch = self._more(batch) if count < LINES_AT_ONCE else None
        self._hearing.counts.lines += count
        return group

    def _more(self, batch: Batch) -> Batch | None:
        try:
            return self._trail.more(batch)
        except OSError:  # it comes again with the next step, when what was read is written
            return None

    def _is_written(self, group: _Group, list_: str, place: int) -> bool:
        return place < self._places[list_].get(group.number, 0)

    async def _write(self, list_: str, group: _Group, entries: Sequence[Fields]) -> None:
        """Write what lines say to one list, once, however often Redis is away.  Raises Conflict."""
        keys, known = self._store.keyspace(list_), self._places[list_]
        begin, is_doubtful = known.get(group.number, 0), False
        while True:
            read = Read(self._log, group.number, begin, group.end, self._ended)
            try:
                outcome, place = await write_lines(self._store, keys, read, entries)
            except StoreUnavailable as error:
                is_doubtful = True
                await self._wait(str(error))
                continue
            if outcome is Outcome.WRITTEN or (is_doubtful and place == group.end):
                known[group.number] = group.end
                return
            if outcome is Outcome.FULL:
                await self._wait("the intake is full: the workers of bounced do not keep up, or do not run")
            elif place < begin:
                LOG.error(Event.LOG_REWOUND, log=self.name, list=list_, known=place, expected=begin)
                begin = place
            else:
                raise Conflict(f"another process follows {self._path}")

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what Redis answers; wait while it is away."""
        while True:
            try:
                return await ask()
            except StoreUnavailable as error:
                await self._wait(str(error))

    async def _wait(self, why: str) -> None:
        LOG.warning(Event.LOG_WAITS, log=self.name, reason=why)
        await asyncio.sleep(AGAIN_S)

    def _note(self, unread: Batch | None = None) -> None:
        """Write the checkpoint; ``unread`` are lines that the trail has read and nobody has heard."""
        began, read = monotonic(), self._trail.saved(unread)
        ended = self._trail.ended()
        if self._checkpoint_file:
            checkpoint.save(self._checkpoint_file, self._log, self._path, read, self._parser.state())
        self._numbers, self._to_note = read.numbers, False
        self._ended = ended
        self._noted_at = monotonic()
        self._note_took_s = self._noted_at - began
