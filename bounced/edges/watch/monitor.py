"""What those who watch the daemon are told: /metrics, /healthz, /readyz."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType

from bounced.core.contract.hook_standing import HookStanding
from bounced.core.contract.keys import Keyspace
from bounced.core.terms import Origin
from bounced.edges.judge.commit import SUBJECT as COMMITS
from bounced.edges.judge.finding import Finding, error
from bounced.edges.judge.look import REDIS, Look, RedisJudge
from bounced.edges.redis import RedisStore
from bounced.edges.redis.hook_overview import hook_standing
from bounced.edges.redis.overview import ListSizes, Overview
from bounced.edges.watch.http import Answer, Page
from bounced.edges.watch.metrics.exposition import CONTENT_TYPE, exposition
from bounced.edges.watch.metrics.known import DOORS, Known
from bounced.edges.watch.metrics.totals import Totals
from bounced.ports import Clock, CommandTotals, ServerWatch, StoreUnavailable

ANSWER_S = 3.0
"""How long Redis may take for an answer over HTTP: probes time out after some seconds themselves."""


@dataclass(frozen=True, slots=True)
class WorkerCounts:
    """How many workers there should be, are ready, say nothing; how many died since the start."""

    wanted: int
    ready: int
    silent: int
    deaths: int


class Monitor:
    """Answers for the whole daemon.

    ``watch`` knows whether Redis can be believed, ``commands`` what commands committed.
    """

    def __init__(
        self,
        store: RedisStore,
        keys: Mapping[str, Keyspace],
        workers: Callable[[], WorkerCounts],
        totals: Totals,
        *,
        clock: Clock,
        judge: RedisJudge,
        doors: Sequence[Origin] = DOORS,
        watch: ServerWatch | None = None,
        commands: CommandTotals | None = None,
    ) -> None:
        self._clock = clock
        self._store = store
        self._workers = workers
        self._totals = totals
        self._watch = watch
        self._judge = judge
        self._commands = commands
        self._doors = tuple(doors)
        self.use(keys)

    def use(
        self,
        keys: Mapping[str, Keyspace],
        certificate_until: datetime | None = None,
        hooks: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """Know these lists from now on, their webhooks, and when the certificate that is loaded expires."""
        self._hooks = [(list_, hook) for list_, names in hooks.items() for hook in names]
        self._known = Known(tuple(keys), self._doors)
        self._certificate_until = certificate_until
        if self._commands is not None:
            self._commands.use(tuple(keys))
        self._store.use(keys)
        self._keys = keys
        if self._watch is not None:
            self._watch.use(keys)
        self._overviews = {name: Overview(self._store, name, of_list) for name, of_list in keys.items()}

    @property
    def pages(self) -> Mapping[str, Page]:
        """What there is to ask for."""
        return {"/metrics": self.metrics, "/healthz": self.health, "/readyz": self.readiness}

    async def metrics(self) -> Answer:
        """Return all metrics; those of Redis are absent while it takes no commits."""
        workers, sizes = self._workers(), await self._sizes()
        hooks = await self._standings() if sizes is not None else {}
        found = self._watch.found if self._watch else {}
        text = exposition(
            self._totals,
            workers=workers.ready,
            deaths=workers.deaths,
            sizes=sizes,
            found=found,
            known=self._known,
            commands=self._commands.total if self._commands else {},
            certificate_until=self._certificate_until,
            hooks=hooks,
            now=self._clock(),
        )
        return Answer(HTTPStatus.OK, text, CONTENT_TYPE)

    async def health(self) -> Answer:
        """Return 200 while every worker's loop runs and no commit is stuck."""
        workers = self._workers()
        return _answer([f"{workers.silent} of {workers.wanted} workers hang"] if workers.silent else [])

    async def readiness(self) -> Answer:
        """Return 200 when every worker takes in mail, its rules and keys loaded, and Redis takes commits.

        What `bounced doctor` and `bounced status` say of Redis comes from the same judge.

        A Redis that was replaced, or that contradicts our clock, is told as well; mail is taken in all the same.
        """
        return _answer(self.faults(await self.look()))

    async def look(self) -> Look:
        """Return how Redis is, within a time that a probe waits; what knows the server of before looks again, too."""
        try:
            async with asyncio.timeout(ANSWER_S):
                look = await self._judge.look(self._keys.values(), self._clock())
                if self._watch is not None:
                    with suppress(StoreUnavailable):  # the judge said it
                        await self._watch.look()
        except TimeoutError:
            advice = "Does it hang?  Look at its log, its disk, SLOWLOG GET."
            late = error(REDIS, f"no answer within {ANSWER_S} s", advice, defers=True)
            return Look((late,), answers=False)
        return look

    def faults(self, look: Look) -> list[str]:
        """Return why not all mail is taken in and committed, as far as a look at Redis shows, for people."""
        workers = self._workers()
        faults = [f"workers ready: {workers.ready} of {workers.wanted}"] if workers.ready < workers.wanted else []
        faults += [f"Redis takes no commits: {_told(fault)}" for fault in look.faults]
        return faults + list(self._watch.faults if self._watch else ())

    async def _sizes(self) -> dict[str, ListSizes] | None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._need_writable()
                now = self._clock()
                sizes = await asyncio.gather(*(each.sizes(now) for each in self._overviews.values()))
        except (StoreUnavailable, TimeoutError):
            return None
        return dict(zip(self._overviews, sizes, strict=True))

    async def _standings(self) -> Mapping[tuple[str, ...], HookStanding]:
        """Return how the webhooks stand; nothing where that cannot be read."""
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await asyncio.gather(
                    *(hook_standing(self._store, list_, self._keys[list_], hook) for list_, hook in self._hooks)
                )
        except (StoreUnavailable, TimeoutError):
            return {}
        return dict(zip(self._hooks, found, strict=True))

    async def _need_writable(self) -> None:
        await asyncio.gather(*(overview.need_writable() for overview in self._overviews.values()))


def _answer(faults: Sequence[str]) -> Answer:
    if faults:
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "".join(f"{fault}\n" for fault in faults).encode())
    return Answer(HTTPStatus.OK, b"ok\n")


def _told(fault: Finding) -> str:
    return fault.text if fault.subject == COMMITS else f"{fault.subject}: {fault.text}"
