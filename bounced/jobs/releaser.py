"""Held addresses come back when their time has come, once, by whichever worker is first."""

import random
from collections.abc import Callable
from datetime import timedelta

import structlog

from bounced.core.mailbox import AddressId
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Origin
from bounced.edges.watch.log import Event
from bounced.jobs.rounds import together
from bounced.pipeline import Pipeline
from bounced.ports import DueAddresses, StoreUnavailable, WrongTypeOfAddress

LOG = structlog.get_logger()

BATCH = 200
PAUSE_S = 5.0
LOOK_AGAIN_AFTER = timedelta(hours=1)


class Releaser:
    """Commits DUE for every address that is due.

    The commit decides upon the state that stands.  A second worker finds that the address is not held any more, and
    writes nothing.  Where the clock jumps back, addresses are released later.  ``present`` gives the pipeline in use.
    """

    name = "releaser"

    def __init__(self, present: Callable[[], Pipeline], dues: DueAddresses) -> None:
        self._present = present
        self._dues = dues

    async def round(self) -> float:
        """Release a batch of each list; come back at once where that was not all.

        One list that fails does not stop the others.
        """
        pipeline, full = self._present(), set[str]()
        await together(self._release(pipeline, list_, full) for list_ in pipeline.lists)
        return 0.0 if full else PAUSE_S

    async def _release(self, pipeline: Pipeline, list_: str, full: set[str]) -> None:
        due = await self._dues.due(list_, pipeline.clock(), BATCH)
        random.shuffle(due)  # workers that begin together do not all begin with the same address
        await together(self._ask(pipeline, list_, address) for address in due)
        if len(due) == BATCH:
            full.add(list_)

    async def _ask(self, pipeline: Pipeline, list_: str, address: AddressId) -> None:
        now = pipeline.clock().replace(microsecond=0)
        evidence = Evidence(EvidenceType.DUE, now, Origin.DAEMON)
        try:
            committed = await pipeline.commit(ReportId(list_, "", f"due {address} {now}"), address, evidence)
        except Exception as error:  # one state that nobody can read must not stop the jobs of a worker
            if isinstance(error, StoreUnavailable) and not isinstance(error, WrongTypeOfAddress):
                raise
            LOG.exception(Event.JOB_FAILED, job=self.name, list=list_, address=address)
            await self._dues.postpone(list_, address, now + LOOK_AGAIN_AFTER)
            return
        if committed.transition is not None and committed.transition.changed:
            LOG.info(Event.ADDRESS_RELEASED, list=list_, address=address, after=committed.transition.after.state)
        else:
            await self._dues.postpone(list_, address, now + LOOK_AGAIN_AFTER)
