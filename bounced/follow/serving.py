"""All logs of an MTA followed by one process: each for itself, begun and stopped together."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic

import structlog

from bounced.config.follow import FollowSettings
from bounced.core.exchange.logs import PARSERS
from bounced.edges.follow.checkpoint import InUse, Malformed, checkpoint_file, locked
from bounced.edges.follow.contents import NoLibrary
from bounced.edges.follow.journal import JOURNAL, Journal
from bounced.edges.follow.pipe import Pipe
from bounced.edges.follow.source import Log, Missed
from bounced.edges.follow.trail import Trail
from bounced.edges.redis.store import RedisStore
from bounced.edges.watch.log import Event
from bounced.follow.follower import Advance, Conflict, Follower
from bounced.follow.hearing import Hearing
from bounced.pipeline import Pipeline

LOG = structlog.get_logger()

STANDARD_INPUT = Path("-")
POLL_S = 0.25
FAILED_S = 5.0
TOLD_EVERY_S = 60.0
EXPECTED = (InUse, Malformed, NoLibrary, Conflict, OSError)
DRAIN_S = 5.0
"""How long a stopping process waits for the lines in hand; the next one reads them again."""


class Following:
    """Follows logs until it is told to stop, with ``once`` until their end, and a pipe until nobody writes to it."""

    def __init__(
        self,
        mta: str,
        settings: FollowSettings,
        pipeline: Pipeline,
        store: RedisStore,
        *,
        advance: Advance = lambda _lines, _octets: None,
        once: bool = False,
    ) -> None:
        self._mta = mta
        self._settings = settings
        self._store = store
        self._lists = tuple(pipeline.lists)
        self._clock = pipeline.clock
        self._hearing = Hearing(pipeline, store, counts_sent=settings.count_sent)
        self._advance = advance
        self._once = once
        self._told_at = monotonic()
        self._told_lines = 0

    async def run(self, paths: Sequence[Path], stopping: asyncio.Event) -> None:
        """Follow logs.  Raises InUse, Malformed, NoLibrary, Conflict, OSError."""
        LOG.info(Event.LOG_FOLLOWED, mta=self._mta, logs=[str(path) for path in paths], lists=list(self._lists))
        try:
            async with asyncio.TaskGroup() as tasks:
                for path in paths:
                    tasks.create_task(self._follow(path, stopping))
        except* EXPECTED as several:
            raise _first(several) from None
        finally:
            self._tell()

    async def _follow(self, path: Path, stopping: asyncio.Event) -> None:
        parser = PARSERS[self._mta](self._settings.source, self._hearing.may_be_ours)
        if path == STANDARD_INPUT:
            pipe = Pipe()
            follower = Follower(
                path, pipe, parser, self._hearing, self._store, clock=self._clock, advance=self._advance
            )
            await self._work(follower, pipe, stopping)
            return
        self._settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = checkpoint_file(self._settings.state_dir, self._mta, path)
        log = self._log(path)
        with locked(file), contextlib.closing(log):
            follower = Follower(
                path,
                log,
                parser,
                self._hearing,
                self._store,
                clock=self._clock,
                checkpoint_file=file,
                advance=self._advance,
            )
            try:
                await self._work(follower, log, stopping)
            finally:
                follower.note()

    def _log(self, path: Path) -> Trail | Journal:
        if path == JOURNAL:
            return Journal(self._settings.journal_matches(self._mta), once=self._once, missed=_missed)
        return Trail(path, now=lambda: self._clock().timestamp(), missed=_missed)

    async def _work(self, follower: Follower, log: Log, stopping: asyncio.Event) -> None:
        """Take step after step; stop between two of them, or in the midst of one that waits for too long."""
        working = asyncio.create_task(self._steps(follower, log, stopping))
        told = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait((working, told), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((working,), timeout=DRAIN_S)
        finally:
            told.cancel()
            working.cancel()
            await asyncio.wait((working,))
        if not working.cancelled():
            working.result()

    async def _steps(self, follower: Follower, log: Log, stopping: asyncio.Event) -> None:
        await follower.resume(self._lists)
        while not stopping.is_set():
            try:
                read = await follower.step()
            except OSError as error:
                LOG.error(Event.LOG_FAILED, log=follower.name, error=str(error))  # noqa: TRY400 - for an operator
                if self._once:
                    raise
                await _or(stopping, FAILED_S)
                continue
            if monotonic() - self._told_at >= TOLD_EVERY_S:
                self._tell()
            if read:
                await asyncio.sleep(0)
            elif log.at_end and (self._once or isinstance(log, Pipe)):
                return
            else:
                await _or(stopping, POLL_S)

    def _tell(self) -> None:
        """Log what was read, where anything was."""
        counts = asdict(self._hearing.counts)
        if counts["lines"] != self._told_lines:
            LOG.info(Event.LOG_READ, mta=self._mta, **counts)
        self._told_at, self._told_lines = monotonic(), counts["lines"]


def _missed(path: Path, why: Missed, details: str) -> None:
    LOG.error(Event.LOG_MISSED, log=str(path), reason=str(why), details=details)


async def _or(stopping: asyncio.Event, timeout_s: float) -> None:
    """Wait for a while, or until somebody wants us to stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), timeout_s)


def _first(several: BaseExceptionGroup[Exception]) -> BaseException:
    error: BaseException = several
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
