"""Jobs in rounds: each does what is to be done now, and says when to come again.

Any number of workers on any number of hosts have the same jobs.  Nobody is in charge: what a job writes is decided
upon the state that stands, and a second worker finds it done.
"""

import asyncio
import random
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

import structlog

from bounced.edges.log import Event
from bounced.ports import StoreUnavailable

LOG = structlog.get_logger()

FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 30.0
ROUND_TIMEOUT_S = 300.0
JITTER = 0.25
"""The share by which a pause is longer or shorter, so that workers that started together do not stay so."""


class Job(Protocol):
    """Something that has to be done again and again."""

    name: str

    async def round(self) -> float:
        """Do what is to be done now; return the seconds until the next round.  Raises StoreUnavailable."""


class Background:
    """The jobs of one worker, from ``start`` to ``stop``.

    A store that is away is waited for.  A job that breaks in any other way stops them all, is logged, and shows in
    ``broken``: a worker without its jobs is to be replaced.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = tuple(jobs)
        self._task: asyncio.Task[None] | None = None

    @property
    def broken(self) -> bool:
        """Whether the jobs ended without being told to."""
        return self._task is not None and self._task.done() and not self._task.cancelled()

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="background")
        self._task.add_done_callback(_report)

    async def stop(self) -> None:
        """End; what is under way is given up, and whoever comes next does it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for job in self._jobs:
                tasks.create_task(_rounds(job), name=job.name)


async def together(coroutines: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run all to their end, then raise the first error that there was."""
    results = await asyncio.gather(*coroutines, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _rounds(job: Job) -> None:
    backoff = 0.0
    while True:
        try:
            async with asyncio.timeout(ROUND_TIMEOUT_S):
                pause = await job.round()
        except (StoreUnavailable, TimeoutError) as error:
            if not backoff:
                LOG.warning(Event.JOB_DEFERRED, job=job.name, error=str(error))
            backoff = min(max(backoff * 2, FIRST_BACKOFF_S), LAST_BACKOFF_S)
            pause = backoff
        else:
            if backoff:
                LOG.info(Event.JOB_RESUMED, job=job.name)
            backoff = 0.0
        await asyncio.sleep(pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - spreads load, hides nothing


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        LOG.error(Event.JOB_FAILED, exc_info=error)
