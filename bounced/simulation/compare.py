"""The same events under two policies: what becomes of each address under either."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bounced.core.contract.keys import Keyspace
from bounced.core.state import Evidence
from bounced.core.terms import ON_SUPPRESSION_LIST, State
from bounced.edges.memory_store import MemoryStore
from bounced.pipeline import ListSettings
from bounced.simulation.mailing import Mailing
from bounced.simulation.population import populate
from bounced.simulation.simulator import LIST, Simulator, StateChange

Changes = Sequence[StateChange]
TOTALS = ("held", "suppressed", "released", "held at the end", "suppressed at the end")
"""What is counted of each policy, in the order in which people read it."""


@dataclass(frozen=True, slots=True)
class Life:
    """What becomes of one address under the policy in force, and under the one proposed."""

    address: str
    in_force: tuple[StateChange, ...]
    proposed: tuple[StateChange, ...]

    @property
    def differs(self) -> bool:
        """Whether the two policies differ in when the address may be mailed."""
        return _suppressions(self.in_force) != _suppressions(self.proposed)


async def replay(told: Sequence[tuple[str, Evidence]], settings: ListSettings) -> Changes:
    """Return what recorded evidence, in the order of its time, leads to under a policy."""
    if not told:
        return ()
    simulator = _simulator(settings, told[0][1].at)
    for address, evidence in told:
        await simulator.take_in(address, evidence)
    await simulator.advance_to(told[-1][1].at)
    return simulator.changes


async def invent(
    members: int, days: int, seed: int, begin: datetime, settings: ListSettings, *, deliveries: bool
) -> Changes:
    """Return what a weekly mailing to an invented list leads to under a policy.  Held addresses are not mailed."""
    simulator = _simulator(settings, begin)
    mailing = Mailing(simulator, populate(seed, members, begin, days), seed, deliveries)
    await mailing.run(begin, days)
    return simulator.changes


def lives(in_force: Changes, proposed: Changes) -> list[Life]:
    """Return each address that either policy changed, in the order of the first change."""
    by_address: dict[str, tuple[list[StateChange], list[StateChange]]] = {}
    for side, changes in enumerate((in_force, proposed)):
        for change in changes:
            by_address.setdefault(change.address, ([], []))[side].append(change)
    return [Life(address, tuple(one), tuple(other)) for address, (one, other) in by_address.items()]


def totals(changes: Changes) -> Counter[str]:
    """Return how many addresses were held, suppressed and released, and how many are held or suppressed at the end."""
    last = {change.address: change.after for change in changes}
    ever = {(change.address, str(change.after)) for change in changes if change.after in ON_SUPPRESSION_LIST}
    released = {
        (change.address, "released")
        for change in changes
        if change.before in ON_SUPPRESSION_LIST and change.after not in ON_SUPPRESSION_LIST
    }
    counts = Counter(what for _, what in ever | released)
    counts["held at the end"] = sum(state is State.HELD for state in last.values())
    counts["suppressed at the end"] = sum(state is State.SUPPRESSED for state in last.values())
    return counts


def story(changes: Iterable[StateChange]) -> str:
    """Return the changes that decided whether the address could be mailed."""
    told = [_sentence(change) for change in changes if {change.before, change.after} & ON_SUPPRESSION_LIST]
    return ", ".join(told) or "mailed all the time"


def _sentence(change: StateChange) -> str:
    day = f"{change.at:%Y-%m-%d}"
    if change.after not in ON_SUPPRESSION_LIST:
        return f"released {day}"
    return f"{change.after} {day}" + (f" to {change.until:%Y-%m-%d}" if change.until else "")


def _simulator(settings: ListSettings, begin: datetime) -> Simulator:
    store = MemoryStore({LIST: Keyspace(list_=LIST)})
    return Simulator(settings, store, store, begin)


def _suppressions(changes: Iterable[StateChange]) -> list[tuple[datetime, State, timedelta | None]]:
    return [
        (change.at, change.after, change.until - change.at if change.until else None)
        for change in changes
        if change.after in ON_SUPPRESSION_LIST or change.before in ON_SUPPRESSION_LIST
    ]
