"""Providers whose "user unknown" is not believed: found, told once, and what they said is taken back page by page."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bounced.core.contract.hourly_counters import hours_before, usual_hours_of_providers
from bounced.core.contract.state_hash import UnreadableState
from bounced.core.mailbox import AddressId
from bounced.core.policy.outage import SCOPE, TAKES_BACK, Highest, disputed_provider, highest, usual, weight
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Origin
from bounced.edges.watch.log import Event
from bounced.jobs.rounds import one_by_one, together
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import ProviderWaves, StoreUnavailable, WrongTypeOfAddress

LOG = structlog.get_logger()

PAUSE_S = 0.5
REST = timedelta(seconds=5)
"""How long a provider is not looked at again after a look, which reads the counters of two hours, seldom of more."""

LOOK_AGAIN_AFTER = timedelta(minutes=10)
REMEMBERED = timedelta(hours=1)
"""How long after the beginning of a dispute every worker sees to it that all was taken back."""

AT_ONCE = 50
"""How many addresses are taken back at the same time, so that mail goes on meanwhile."""

Suspect = tuple[str, str]
"""A list, and a provider that may be wrong about its users."""


@dataclass(slots=True)
class TakeBack:
    """How far the stream of events was read, backwards, for what a provider said since a time."""

    since: datetime
    newest: str = "+"


class ProviderDisputer:
    """Looks at the providers that the pipeline suspects, and takes back what those said that are disputed.

    Several workers may do so at once: Redis notes a dispute once, and a failure that was taken back is not found again.
    A round takes back one page of events, so that a hundred thousand addresses keep nobody waiting.  A worker may die
    before all are taken back.  Therefore each worker does it once for each dispute, within its first hour.
    """

    name = "provider_disputer"

    def __init__(self, present: Callable[[], Pipeline], waves: ProviderWaves) -> None:
        self._present = present
        self._waves = waves
        self.work = asyncio.Event()
        self._suspects: set[Suspect] = set()
        self._looked_at: dict[Suspect, datetime] = {}
        self._past: dict[Suspect, tuple[str, Highest]] = {}
        self._taking_back: dict[Suspect, TakeBack] = {}
        self._taken_back_until: dict[Suspect, datetime] = {}
        self._look_again_at: datetime | None = None

    def suspect(self, list_: str, provider: str) -> None:
        """Look at a provider in the next round, or when ``REST`` has passed since the last look."""
        self._suspects.add((list_, provider))
        self.work.set()

    async def round(self) -> float:
        """Look at the suspects, then take back a page of each provider that is disputed."""
        pipeline = self._present()
        await one_by_one(each(pipeline) for each in (self._remember_disputed, self._look_at_suspects, self._go_on))
        told = self.work.set if self._taking_back or self._suspects else self.work.clear
        told()
        return 0.0 if self._taking_back else PAUSE_S

    async def _remember_disputed(self, pipeline: Pipeline) -> None:
        now = pipeline.clock()
        if self._look_again_at is not None and self._look_again_at - LOOK_AGAIN_AFTER <= now < self._look_again_at:
            return
        await together(self._remember(pipeline, list_, now) for list_ in pipeline.lists)
        self._look_again_at = now + LOOK_AGAIN_AFTER

    async def _remember(self, pipeline: Pipeline, list_: str, now: datetime) -> None:
        lasts = pipeline.lists[list_].providers.lasts
        for disputed in await self._waves.disputed(list_, now + lasts - REMEMBERED):
            if provider := disputed_provider(disputed):
                self._begin(list_, provider, now, now + lasts)

    async def _look_at_suspects(self, pipeline: Pipeline) -> None:
        now = pipeline.clock()
        self._looked_at = {suspect: at for suspect, at in self._looked_at.items() if at <= now < at + REST}
        suspects = [suspect for suspect in self._suspects - self._looked_at.keys() if suspect[0] in pipeline.lists]
        await one_by_one(self._try(pipeline, suspect, now.replace(microsecond=0)) for suspect in suspects)

    async def _try(self, pipeline: Pipeline, suspect: Suspect, now: datetime) -> None:
        """Look at one suspect.  It stays one where the store is away or slow; after a fault of ours it is none."""
        self._suspects.discard(suspect)
        self._looked_at[suspect] = now
        try:
            await self._look(pipeline, suspect, now)
        except (StoreUnavailable, asyncio.CancelledError):
            self._suspects.add(suspect)
            del self._looked_at[suspect]
            raise

    async def _look(self, pipeline: Pipeline, suspect: Suspect, now: datetime) -> None:
        (list_, provider), settings = suspect, pipeline.lists[suspect[0]]
        rule = settings.providers
        present = await self._waves.provider_hours(list_, provider, hours_before(now, 2))
        called = weight(present)
        if not rule.is_wave(called):
            return
        day = await self._waves.provider_hours(list_, provider, hours_before(now, 24))
        usually = usual(await self._highest(suspect, now), sum(hour.sent for hour in day))
        if rule.disputed(called, usually):
            await self._dispute(suspect, settings, now, sum(hour.known + hour.other + hour.new for hour in present))

    async def _highest(self, suspect: Suspect, now: datetime) -> Highest:
        """Return the highest hours of the past weeks; they are read once in an hour."""
        hours = usual_hours_of_providers(now)
        if (found := self._past.get(suspect)) and found[0] == hours[-1]:
            return found[1]
        past = highest(await self._waves.provider_hours(*suspect, hours))
        self._past[suspect] = hours[-1], past
        return past

    async def _dispute(self, suspect: Suspect, settings: ListSettings, now: datetime, addresses: int) -> None:
        list_, provider = suspect
        until = now + settings.providers.lasts
        for each in (list_, *settings.shares_hard_with):  # where its hard verdicts came to as well
            if await self._waves.dispute(each, f"{SCOPE}{provider}", now, until, addresses):
                LOG.warning(Event.PROVIDER_DISPUTED, list=each, provider=provider, addresses=addresses)
                self._taken_back_until.pop((each, provider), None)
                self._begin(each, provider, now, until)

    def _begin(self, list_: str, provider: str, now: datetime, until: datetime) -> None:
        suspect = list_, provider
        self._taken_back_until = {each: at for each, at in self._taken_back_until.items() if at > now}
        if suspect not in self._taken_back_until:
            self._taken_back_until[suspect] = until
            self._taking_back[suspect] = TakeBack(now - TAKES_BACK)

    async def _go_on(self, pipeline: Pipeline) -> None:
        await one_by_one(self._take_back_a_page(pipeline, *each) for each in list(self._taking_back.items()))

    async def _take_back_a_page(self, pipeline: Pipeline, suspect: Suspect, going_on: TakeBack) -> None:
        list_, provider = suspect
        if list_ not in pipeline.lists:
            del self._taking_back[suspect]
            return
        page = await self._waves.called_unknown(list_, provider, going_on.since, going_on.newest)
        for first in range(0, len(page.addresses), AT_ONCE):
            some = page.addresses[first : first + AT_ONCE]
            await together(self._take_back(pipeline, list_, address, going_on.since) for address in some)
        if page.next:
            going_on.newest = page.next
        else:
            del self._taking_back[suspect]

    async def _take_back(self, pipeline: Pipeline, list_: str, address: AddressId, since: datetime) -> None:
        now = pipeline.clock().replace(microsecond=0)
        evidence = Evidence(EvidenceType.DISPUTE, now, Origin.DAEMON, wave_began=since, bulk=True)
        try:
            await pipeline.commit(ReportId(list_, "", f"dispute {address} {now}"), address, evidence)
        except (WrongTypeOfAddress, UnreadableState):  # one address must not keep the others from being taken back
            LOG.exception(Event.JOB_FAILED, job=self.name, list=list_, address=address)
