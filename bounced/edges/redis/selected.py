"""Addresses on a list that a selection means: found, released one by one, and told of once in a summary."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import NamedTuple

from bounced.core.contract.state_hash import UnreadableState, from_fields, to_fields
from bounced.core.contract.summary import Summary, summary_event
from bounced.core.mailbox import AddressId
from bounced.core.policy import Policy, decide
from bounced.core.selection import Selection, why_it_stays
from bounced.core.state import AddressState, Evidence, ReportId, Transition
from bounced.edges.redis.bulk import histories, states, suppressed_states
from bounced.edges.redis.store import RedisStore
from bounced.ports import WrongTypeOfAddress

SAMPLES = 20
AT_ONCE = 250
BATCHES = 3
"""Batches under way: one is prepared while the server has the others."""

Advance = Callable[[int], object]


class Listed(NamedTuple):
    """One address on the list, in the form that keys carry, and the fields of its state."""

    id: str
    fields: Mapping[str, str]


@dataclass(slots=True)
class Found:
    """What a selection found: addresses, how many by category, samples; and by why how many stay."""

    addresses: dict[str, str] = field(default_factory=dict)
    """Each with the version of its state."""
    categories: Counter[str] = field(default_factory=Counter)
    samples: list[Listed] = field(default_factory=list)
    stays: Counter[str] = field(default_factory=Counter)

    def add(self, listed: Listed, why_not: str) -> None:
        """Take an address, or say why it stays."""
        if why_not:
            self.stays[why_not] += 1
            return
        self.addresses[listed.id] = listed.fields.get("version", "")
        self.categories[listed.fields.get("category", "")] += 1
        if len(self.samples) < SAMPLES:
            self.samples.append(listed)


async def selected(store: RedisStore, list_: str, selection: Selection) -> AsyncIterator[list[Listed]]:
    """Yield, a page at a time, the addresses on the list that a selection means.  Raises StoreUnavailable."""
    keys = store.keyspace(list_)
    async for page in suppressed_states(store, keys):
        fitting = {id_: held for id_, held in page if selection.fits(id_, held)}
        asked = [id_ for id_, held in fitting.items() if selection.needs_history(id_, held)]
        for id_, history in zip(asked, await histories(store, keys, asked), strict=True):
            if not selection.fits_history(id_, fitting[id_], history):
                del fitting[id_]
        yield [Listed(*each) for each in fitting.items()]


async def find(store: RedisStore, list_: str, selection: Selection, advance: Advance, *, imported_too: bool) -> Found:
    """Return what a selection would release, and what not.  Raises StoreUnavailable."""
    found = Found()
    async for page in selected(store, list_, selection):
        for listed in page:
            if listed.id not in found.addresses:  # a scan may give one twice
                found.add(listed, why_it_stays(listed.fields, imported_too=imported_too))
        advance(len(page))
    return found


@dataclass(frozen=True, slots=True)
class Releaser:
    """Releases what a selection found, each address only if it still is what was asked for."""

    store: RedisStore
    policy: Policy
    list_: str
    selection: Selection
    evidence: Evidence
    imported_too: bool

    async def release(self, found: Found, done: Callable[[bool], None]) -> None:
        """Release it; ``done`` hears of each address that was tried, and whether it was released.

        Raises StoreUnavailable; what was released then stays released, and doing it again goes on.
        """
        addresses = iter(found.addresses.items())

        async def release(id_: str, version: str, held: Mapping[str, str] | None) -> None:
            done(await self._release(id_, version, held))

        async def batches() -> None:
            while batch := dict(islice(addresses, AT_ONCE)):
                present = await states(self.store, self.store.keyspace(self.list_), list(batch))
                each = zip(batch.items(), present, strict=True)
                await asyncio.gather(*(release(*known, held) for known, held in each))

        try:
            async with asyncio.TaskGroup() as tasks:  # none of them goes on where one has failed
                for _ in range(BATCHES):
                    tasks.create_task(batches())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _release(self, id_: str, version: str, held: Mapping[str, str] | None) -> bool:
        said = ReportId(self.list_, "", f"{self.evidence.type} {id_} {self.evidence.at.isoformat()}")
        try:
            seen = from_fields(held or {})
            same = seen if held and held.get("version", "") == version else None
            decision = partial(self._decide, id_, same)
            committed = await self.store.commit(said, AddressId(id_), decision, seen)
        except (UnreadableState, WrongTypeOfAddress):  # what somebody else wrote there is left alone
            return False
        return committed.transition is not None and not committed.transition.idle

    def _decide(self, id_: str, found: AddressState | None, state: AddressState) -> Transition:
        """Return the release, or nothing where the state is not the one that was found and does not fit any more."""
        if (found is not None and found.version == state.version) or self._still_fits(id_, state):
            return decide(state, self.evidence, self.policy)
        return Transition(self.evidence, state, state, "changed_meanwhile")

    def _still_fits(self, id_: str, state: AddressState) -> bool:
        """Whether a state that changed since it was found is one to release, as far as it says everything itself."""
        held = to_fields(state)
        fits = self.selection.fits(id_, held) and not self.selection.needs_history(id_, held)
        return fits and not why_it_stays(held, imported_too=self.imported_too)


async def released(releaser: Releaser, found: Found, summary: Summary, done: Callable[[bool], object]) -> int:
    """Release what was found and return how many; tell once of it, also where only a part could be done.

    ``done`` hears of each address that was tried, and whether it was released.  Raises StoreUnavailable.
    """
    told, evidence, list_ = Counter({True: 0, False: 0}), releaser.evidence, releaser.list_

    def count(was_released: bool) -> None:  # noqa: FBT001 - what became of one
        told[was_released] += 1
        done(was_released)

    try:
        await releaser.release(found, count)
    finally:
        if told[True]:
            event = summary_event(
                releaser.store.keyspace(list_),
                summary,
                evidence.at,
                evidence.actor,
                note=evidence.note,
                filters=str(releaser.selection),
                counts={"addresses": told[True], "left_alone": told[False]},
            )
            await releaser.store.tell(list_, event)
    return told[True]
