"""Recoveries: a look at a list for what a selection means, and its release; each goes on while nobody looks.

They are in memory only.  A restart ends them: what was released stays released, and doing it again goes on.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from secrets import token_urlsafe
from time import monotonic

import structlog

from bounced.core.contract.summary import Summary
from bounced.core.policy import Policy
from bounced.core.selection import Selection
from bounced.core.state import Evidence
from bounced.edges.redis.selected import Found, Releaser, find, released
from bounced.edges.redis.store import RedisStore
from bounced.edges.watch.log import Event
from bounced.web.problems import Problem, not_available, problem_of

AT_ONCE = 4
"""How many may be under way in all; each keeps the addresses that it found."""
KEPT = 16
FRESH_S = 30.0
"""For how long what was found is shown again to whoever asks for the same."""
LOG = structlog.get_logger()


class Stage(StrEnum):
    """How far a recovery is."""

    LOOKING = "looking"
    FOUND = "found"
    RELEASING = "releasing"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Recovery:
    """One recovery.  ``asked`` is what somebody asked for in their own words, ``told`` what became of the addresses."""

    asked: tuple[str, ...]
    list_: str
    selection: Selection
    at: datetime
    id: str = field(default_factory=lambda: token_urlsafe(16))
    stage: Stage = Stage.LOOKING
    looked: int = 0
    found: Found = field(default_factory=Found)
    many: int = 0
    told: Counter[bool] = field(default_factory=Counter)
    evidence: Evidence | None = None
    fault: str = ""
    ended: float = 0.0
    task: asyncio.Task[None] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on by itself."""
        return self.stage in (Stage.LOOKING, Stage.RELEASING)


class Recoveries:
    """All recoveries of one application, the newest last."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._all: dict[str, Recovery] = {}

    def find(self, id_: str) -> Recovery:
        """Return one by its id.  Raises Problem."""
        if recovery := self._all.get(id_):
            return recovery
        detail = "This look at the list is not kept any more. Look again; if anything was released, Changes tells it."
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-recovery", detail)

    def look(
        self, store: RedisStore, list_: str, selection: Selection, asked: tuple[str, ...], at: datetime
    ) -> Recovery:
        """Return what is found or looked for by the same words, else begin to look.  Raises Problem."""
        for each in reversed(self._all.values()):
            is_fresh = each.stage is Stage.FOUND and self._now() - each.ended < FRESH_S
            if (each.list_, each.asked) == (list_, asked) and (each.stage is Stage.LOOKING or is_fresh):
                return each
        recovery = Recovery(asked, list_, selection, at)
        self._begin(recovery, partial(self._look, store, recovery))
        return recovery

    def release(self, store: RedisStore, recovery: Recovery, policy: Policy, evidence: Evidence) -> None:
        """Begin to release what was found; what is being released already goes on.  Raises Problem."""
        if recovery.stage is Stage.FOUND:
            releaser = Releaser(store, policy, recovery.list_, recovery.selection, evidence, imported_too=False)
            self._begin(recovery, partial(self._release, recovery, releaser))
            recovery.stage, recovery.evidence = Stage.RELEASING, evidence

    async def close(self) -> None:
        """End those that are under way."""
        tasks = [each.task for each in self._all.values() if each.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, recovery: Recovery, work: Callable[[], Awaitable[None]]) -> None:
        if sum(each.is_under_way for each in self._all.values()) >= AT_ONCE:
            raise not_available(f"{AT_ONCE} recoveries are under way; this one begins when one of them is over.")
        for old in [each for each in self._all.values() if not each.is_under_way][: max(0, len(self._all) - KEPT + 1)]:
            if old is not recovery:
                del self._all[old.id]
        self._all[recovery.id] = recovery
        recovery.task = asyncio.create_task(self._guarded(recovery, work))

    async def _guarded(self, recovery: Recovery, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            problem = problem_of(error)
            if problem.kind == "internal":
                LOG.exception(Event.REQUEST_FAILED, request=recovery.id)
            recovery.stage, recovery.fault = Stage.FAILED, problem.detail
        recovery.ended = self._now()

    async def _look(self, store: RedisStore, recovery: Recovery) -> None:
        def advance(count: int) -> None:
            recovery.looked += count

        found = await find(store, recovery.list_, recovery.selection, advance, imported_too=False)
        recovery.found, recovery.many, recovery.stage = found, len(found.addresses), Stage.FOUND

    async def _release(self, recovery: Recovery, releaser: Releaser) -> None:
        def done(was_released: bool) -> None:  # noqa: FBT001 - what became of one
            recovery.told[was_released] += 1

        try:
            await released(releaser, recovery.found, Summary.RECOVERED, done)
        finally:
            recovery.found.addresses.clear()  # what is kept on tells how it went
        recovery.stage = Stage.DONE
