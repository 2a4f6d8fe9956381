"""The stage: the real pipeline and jobs on some store, under a clock that the play moves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bounced.core.contract.keys import Keyspace
from bounced.core.meaning.rules import RuleSet
from bounced.core.return_path import Directory
from bounced.core.state import AddressState, Evidence, ReportId
from bounced.core.terms import ON_SUPPRESSION_LIST, State
from bounced.jobs import Disputer, Releaser
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import Committed, Decide, DueAddresses, Store, Waves

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


Notice = Callable[[str, Committed], None]


class DuesAndWaves(DueAddresses, Waves, Protocol):
    """What the jobs on the stage ask of the store."""


class Simulator:
    """One list under one policy.

    ``store`` and ``chores`` are the same list's; ``tick`` is how often the jobs look.  ``changes`` tells what
    happened, in order.  Nothing is heard twice: the evidence of a play has no return path.
    """

    def __init__(
        self, settings: ListSettings, store: Store, chores: DuesAndWaves, begin: datetime, tick: timedelta = TICK
    ) -> None:
        self.now = begin
        self.changes: list[StateChange] = []
        self._tick = tick
        self._heard = 0
        self._off_the_list: set[str] = set()
        self._suspected = False
        self._pipeline = Pipeline(
            directory=Directory(()),
            rules=RuleSet(()),
            lists={LIST: settings},
            store=_Watched(store, self._notice),
            clock=lambda: self.now,
            suspect=self._suspect,
        )
        self._releaser = Releaser(lambda: self._pipeline, chores)
        self._disputer = Disputer(lambda: self._pipeline, chores)

    def mailable(self, address: str) -> bool:
        """Whether a sender that asks may mail an address now."""
        return address not in self._off_the_list

    async def hear(self, address: str, evidence: Evidence) -> None:
        """Let evidence come in at its time; time does not go back."""
        await self.until(evidence.at)
        self._heard += 1
        await self._pipeline.commit(ReportId(LIST, "", f"{self._heard}"), address, evidence)
        if self._suspected:
            self._suspected = False
            await self._disputer.round()

    async def until(self, moment: datetime) -> None:
        """Let time pass, and with it the holds."""
        while self.now + self._tick <= moment:
            self.now += self._tick
            while not await self._releaser.round():
                pass
        self.now = max(self.now, moment)

    def _suspect(self, list_: str, domain: str) -> None:
        self._suspected = True
        self._disputer.suspect(list_, domain)

    def _notice(self, address: str, committed: Committed) -> None:
        transition = committed.transition
        if transition is None or transition.after.state is transition.before.state:
            return
        after = transition.after
        if after.state in ON_SUPPRESSION_LIST:
            self._off_the_list.add(address)
        else:
            self._off_the_list.discard(address)
        self.changes.append(
            StateChange(
                transition.evidence.at, address, transition.before.state, after.state, after.until, transition.reason
            )
        )


class _Watched:
    """A store that tells of each commit."""

    def __init__(self, store: Store, notice: Notice) -> None:
        self._store = store
        self._notice = notice

    def keyspace(self, list_: str) -> Keyspace:
        return self._store.keyspace(list_)

    async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
        committed = await self._store.commit(report_id, address, decide)
        if address is not None:
            self._notice(address, committed)
        return committed

    async def load(self, list_: str, address: str) -> AddressState:
        return await self._store.load(list_, address)

    async def doubt(self, list_: str, now: datetime) -> str:
        return await self._store.doubt(list_, now)

    async def token(self, list_: str, token: str) -> dict[str, str] | None:
        return await self._store.token(list_, token)
