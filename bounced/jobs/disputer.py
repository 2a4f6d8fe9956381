"""Domains whose "user unknown" is not believed: found, told once, and their wave taken back."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bounced.core.contract.state_hash import UnreadableState
from bounced.core.mailbox import AddressId
from bounced.core.policy.dispute import WAVE
from bounced.core.policy.outage import disputed_provider
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Origin
from bounced.edges.watch.log import Event
from bounced.jobs.rounds import one_by_one, together
from bounced.pipeline import Pipeline
from bounced.ports import StoreUnavailable, Waves, WrongTypeOfAddress

LOG = structlog.get_logger()

PAUSE_S = 0.5
REST = timedelta(minutes=1)
"""How long a domain is not looked at again after a look, which reads many counters and events."""

LOOK_AGAIN_AFTER = timedelta(minutes=10)


class Disputer:
    """Looks at the domains that the pipeline suspects, and takes back what their waves did.

    Several workers may do so at once: Redis notes a dispute once, and a failure that was taken back is not found again.
    A worker may die after it noted the dispute and before it took back the failures.  Therefore every worker looks at a
    disputed domain again, every ten minutes in the first hour of the dispute.
    """

    name = "disputer"

    def __init__(self, present: Callable[[], Pipeline], waves: Waves) -> None:
        self._present = present
        self._waves = waves
        self.work = asyncio.Event()
        self._suspects: set[tuple[str, str]] = set()
        self._looked_at: dict[tuple[str, str], datetime] = {}
        self._look_again_at: datetime | None = None

    def suspect(self, list_: str, domain: str) -> None:
        """Look at a domain in the next round, or when ``REST`` has passed since the last look."""
        self._suspects.add((list_, domain))
        self.work.set()

    async def round(self) -> float:
        """Look at the suspects; those that the store kept from being looked at stay suspects."""
        pipeline = self._present()
        await one_by_one(each(pipeline) for each in (self._remember_disputed, self._look_at_suspects))
        told = self.work.set if self._suspects else self.work.clear
        told()
        return PAUSE_S

    async def _look_at_suspects(self, pipeline: Pipeline) -> None:
        now = pipeline.clock()
        self._looked_at = {suspect: at for suspect, at in self._looked_at.items() if at <= now < at + REST}
        suspects = self._suspects - self._looked_at.keys()
        await one_by_one(self._try(pipeline, suspect, now) for suspect in suspects)

    async def _try(self, pipeline: Pipeline, suspect: tuple[str, str], now: datetime) -> None:
        """Look at one suspect.  It stays one where the store is away or slow; after a fault of ours it is none."""
        self._suspects.discard(suspect)
        self._looked_at[suspect] = now
        try:
            await self._look(pipeline, *suspect)
        except (StoreUnavailable, asyncio.CancelledError):
            self._suspects.add(suspect)
            del self._looked_at[suspect]
            raise

    async def _remember_disputed(self, pipeline: Pipeline) -> None:
        now = pipeline.clock()
        if self._look_again_at is not None and self._look_again_at - LOOK_AGAIN_AFTER <= now < self._look_again_at:
            return
        self._look_again_at = now + LOOK_AGAIN_AFTER
        try:
            await together(self._remember(pipeline, list_, now) for list_ in pipeline.lists)
        except StoreUnavailable:
            self._look_again_at = None
            raise

    async def _remember(self, pipeline: Pipeline, list_: str, now: datetime) -> None:
        new = await self._waves.disputed(list_, now + pipeline.lists[list_].disputes.lasts - WAVE)
        self._suspects |= {(list_, domain) for domain in new if not disputed_provider(domain)}

    async def _look(self, pipeline: Pipeline, list_: str, domain: str) -> None:
        if list_ not in pipeline.lists:
            return
        now, rule = pipeline.clock().replace(microsecond=0), pipeline.lists[list_].disputes
        addresses, usual = await asyncio.gather(
            self._waves.unknowns(list_, domain, now - WAVE), self._waves.usual_unknowns(list_, domain, now)
        )
        if not rule.disputed(domain, len(addresses), usual):
            return
        for each in (list_, *pipeline.lists[list_].shares_hard_with):  # where its hard verdicts came to as well
            if await self._waves.dispute(each, domain, now, now + rule.lasts, len(addresses)):
                LOG.warning(Event.DOMAIN_DISPUTED, list=each, domain=domain, addresses=len(addresses), usual=usual)
            suppressed = await self._waves.suppressed_by(each, domain, now - WAVE)
            await together(self._take_back(pipeline, each, address, now) for address in {*addresses, *suppressed})

    async def _take_back(self, pipeline: Pipeline, list_: str, address: AddressId, now: datetime) -> None:
        evidence = Evidence(EvidenceType.DISPUTE, now, Origin.DAEMON, bulk=True)
        try:
            await pipeline.commit(ReportId(list_, "", f"dispute {address} {now}"), address, evidence)
        except (WrongTypeOfAddress, UnreadableState):  # one address must not keep the others from being taken back
            LOG.exception(Event.JOB_FAILED, job=self.name, list=list_, address=address)
