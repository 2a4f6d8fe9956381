"""Jobs in rounds: each does what is to be done now, and says when to come again.

Any number of workers on any number of hosts run the same jobs, without a leader.  What a job writes is decided upon the
state that stands in Redis, so a second worker finds the work done and writes nothing.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

import structlog

from bounced.edges.watch.log import Event
from bounced.ports import StoreUnavailable

LOG = structlog.get_logger()

FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 30.0
LAST_PAUSE_AFTER_A_FAULT_S = 300.0
ROUND_TIMEOUT_S = 300.0
JITTER = 0.25
"""The share by which a pause is longer or shorter, so that workers that started together do not stay so."""

IDLE_S = 30.0
"""How long a job that is told of its work sleeps at most while it hears of none."""

Failed = Callable[[str], None]
"""Hears the name of a job whose round ended with a fault of ours."""


class Job(Protocol):
    """Something that has to be done again and again."""

    name: str

    async def round(self) -> float:
        """Do what is to be done now; return the seconds until the next round.  Raises StoreUnavailable."""


@runtime_checkable
class Told(Job, Protocol):
    """A job that hears when there is something to do: ``work`` is set for as long as there is."""

    work: asyncio.Event


class Background:
    """The jobs of one worker, from ``start`` to ``stop``.

    Each runs for itself.  One that fails is tried again with growing pauses, and the others go on: a store that is
    away is waited for; any other error is logged, and ``failed`` hears of it.  No error ends a job.
    """

    def __init__(self, jobs: Iterable[Job], failed: Failed = lambda _job: None) -> None:
        self._jobs = tuple(jobs)
        self._failed = failed
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(_rounds(job, self._failed), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """End, and give up what is under way: another worker will do it."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def together(coroutines: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run all to their end, then raise an error if there was one."""
    results = await asyncio.gather(*coroutines, return_exceptions=True)
    _raise_first([result for result in results if isinstance(result, BaseException)])


async def one_by_one(coroutines: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run one after the other, each to its end, then raise an error if there was one."""
    errors: list[BaseException] = []
    for coroutine in coroutines:
        try:
            await coroutine
        except Exception as error:  # noqa: BLE001 - raised below, when all had their turn
            errors.append(error)
    _raise_first(errors)


def _raise_first(errors: Sequence[BaseException]) -> None:
    """Raise the first fault of ours, else the first error.  Behind a store that is away a fault would be overlooked."""
    faults = [error for error in errors if not isinstance(error, StoreUnavailable)]
    for error in (*faults, *errors):
        raise error


async def _rounds(job: Job, failed: Failed) -> None:
    backoff = 0.0
    while True:
        try:
            async with asyncio.timeout(ROUND_TIMEOUT_S):
                pause = await job.round()
        except (StoreUnavailable, TimeoutError) as error:
            if not backoff:
                LOG.warning(Event.JOB_DEFERRED, job=job.name, error=str(error))
            pause = backoff = min(max(backoff * 2, FIRST_BACKOFF_S), LAST_BACKOFF_S)
        except (Exception, asyncio.CancelledError):  # a fault of ours must not end the job, nor the others
            if _is_told_to_stop():
                raise
            LOG.exception(Event.JOB_FAILED, job=job.name)
            failed(job.name)
            pause = backoff = min(max(backoff * 2, FIRST_BACKOFF_S), LAST_PAUSE_AFTER_A_FAULT_S)
        else:
            if backoff:
                LOG.info(Event.JOB_RESUMED, job=job.name)
            backoff = 0.0
            await _until_work(job)
        await asyncio.sleep(pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - spreads load, hides nothing


async def _until_work(job: Job) -> None:
    """Wait until a job that is told of its work has some: an idle worker should not wake up for nothing."""
    if isinstance(job, Told):
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                await job.work.wait()


def _is_told_to_stop() -> bool:
    """Whether this task is being cancelled; a future that somebody else cancelled raises the same error."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
