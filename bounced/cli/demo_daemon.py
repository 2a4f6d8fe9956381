"""The daemon of the demonstration: one worker in this process, which tells how it is as a daemon does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bounced.config import Config, read_configuration
from bounced.edges.sockets import bind
from bounced.edges.version import running as build_that_runs
from bounced.edges.watch.loaded import loaded
from bounced.edges.watch.metrics.meter import Meter
from bounced.edges.watch.metrics.totals import Totals
from bounced.edges.watch.monitor import WorkerCounts
from bounced.edges.watch.status import Running
from bounced.opening import now
from bounced.service import Worker
from bounced.supervisor import monitored

HEAR_EVERY_S = 0.5
_PLACE = 0
"""Of the worker among all workers."""


@asynccontextmanager
async def daemon(config: Config, file: Path) -> AsyncIterator[None]:
    """Take in mail; meanwhile answer `bounced status` and the pages.  ``file`` holds the configuration.

    Raises CannotListen, ConfigError, and what ``Worker.running`` raises.
    """
    sockets, meter, totals = bind(config), Meter(), Totals()
    running = Running(build_that_runs(), now(), loaded(config, read_configuration(file), now()))
    async with Worker.running(config, sockets, meter=meter) as worker:

        def counts() -> WorkerCounts:
            healthy = int(worker.healthy)
            return WorkerCounts(wanted=1, ready=healthy, silent=1 - healthy, deaths=0)

        async with monitored(config, sockets, running, counts, totals):
            hearing = asyncio.create_task(_hear(meter, totals))
            try:
                yield
            finally:
                hearing.cancel()


async def _hear(meter: Meter, totals: Totals) -> None:
    """Add up what the worker counts, until cancelled."""
    while True:
        for line in meter.take().splitlines():
            totals.hear(_PLACE, line)
        await asyncio.sleep(HEAR_EVERY_S)
