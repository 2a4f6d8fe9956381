"""Runs the real pipeline and jobs on a store, with a clock that the simulation sets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bounced.core.contract.keys import Keyspace
from bounced.core.meaning.rules import RuleSet
from bounced.core.return_path import Directory
from bounced.core.state import AddressState, Evidence, ReportId
from bounced.core.terms import ON_SUPPRESSION_LIST, State
from bounced.jobs import Disputer, ProviderDisputer, Releaser
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import Committed, Decide, DueAddresses, ProviderWaves, Store, Waves

LIST = "main"
TICK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StateChange:
    """One change of an address's state: when, from what to what, until when, and why."""

    at: datetime
    address: str
    before: State
    after: State
    until: datetime | None
    reason: str


OnCommit = Callable[[str, Committed], None]


class DuesAndWaves(DueAddresses, Waves, ProviderWaves, Protocol):
    """What the simulated jobs ask of the store."""


class Simulator:
    """One list under one policy.

    ``store`` and ``job_store`` are of the same list.  The jobs run every ``tick``.  ``changes`` holds every change of a
    state, in order.  Each piece of evidence counts as a report of its own, so none is taken for a duplicate.
    """

    def __init__(
        self, settings: ListSettings, store: Store, job_store: DuesAndWaves, begin: datetime, tick: timedelta = TICK
    ) -> None:
        self.now = begin
        self.changes: list[StateChange] = []
        self._tick = tick
        self._commits = 0
        self._not_mailable: set[str] = set()
        self._suspected = False
        self._provider_suspected = False
        self._pipeline = Pipeline(
            directory=Directory(()),
            rules=RuleSet(()),
            lists={LIST: settings},
            store=_ReportingStore(store, self._on_commit),
            clock=lambda: self.now,
            suspect=self._suspect,
            suspect_provider=self._suspect_provider,
        )
        self._releaser = Releaser(lambda: self._pipeline, job_store)
        self._disputer = Disputer(lambda: self._pipeline, job_store)
        self._provider_disputer = ProviderDisputer(lambda: self._pipeline, job_store)

    def mailable(self, address: str) -> bool:
        """Whether a sender that asks may mail an address now."""
        return address not in self._not_mailable

    async def take_in(self, address: str, evidence: Evidence) -> None:
        """Advance the clock to the time of the evidence, and commit it.  The clock never goes back."""
        await self.advance_to(evidence.at)
        self._commits += 1
        await self._pipeline.commit(ReportId(LIST, "", f"{self._commits}"), address, evidence)
        if self._suspected:
            self._suspected = False
            await self._disputer.round()
        if self._provider_suspected:
            self._provider_suspected = False
            while not await self._provider_disputer.round():
                pass

    async def advance_to(self, moment: datetime) -> None:
        """Advance the clock, and release the holds that end."""
        while self.now + self._tick <= moment:
            self.now += self._tick
            while not await self._releaser.round():
                pass
        self.now = max(self.now, moment)

    def _suspect(self, list_: str, domain: str) -> None:
        self._suspected = True
        self._disputer.suspect(list_, domain)

    def _suspect_provider(self, list_: str, provider: str) -> None:
        self._provider_suspected = True
        self._provider_disputer.suspect(list_, provider)

    def _on_commit(self, address: str, committed: Committed) -> None:
        transition = committed.transition
        if transition is None or transition.after.state is transition.before.state:
            return
        after = transition.after
        if after.state in ON_SUPPRESSION_LIST:
            self._not_mailable.add(address)
        else:
            self._not_mailable.discard(address)
        self.changes.append(
            StateChange(
                transition.evidence.at, address, transition.before.state, after.state, after.until, transition.reason
            )
        )


class _ReportingStore:
    """A store that calls back after each commit."""

    def __init__(self, store: Store, on_commit: OnCommit) -> None:
        self._store = store
        self._on_commit = on_commit

    def keyspace(self, list_: str) -> Keyspace:
        return self._store.keyspace(list_)

    async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
        committed = await self._store.commit(report_id, address, decide)
        if address is not None:
            self._on_commit(address, committed)
        return committed

    async def load(self, list_: str, address: str) -> AddressState:
        return await self._store.load(list_, address)

    async def doubt(self, list_: str, now: datetime) -> str:
        return await self._store.doubt(list_, now)

    async def token(self, list_: str, token: str) -> dict[str, str] | None:
        return await self._store.token(list_, token)
