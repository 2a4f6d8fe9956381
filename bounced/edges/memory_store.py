"""The Store of the pipeline in memory, for tests and dry runs."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate, takewhile

from bounced.core.contract.hourly_counters import (
    MAX_FIELDS,
    HourlyCounter,
    provider_counters,
    unknowns,
    unknowns_counter,
    usual_hours,
)
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import from_fields
from bounced.core.contract.times import from_unix, stamp, unix
from bounced.core.contract.writes import StateWrites, Writes, past_event, writes
from bounced.core.mailbox import AddressId
from bounced.core.policy.dispute import WAVE, suppressed_as_unknown
from bounced.core.policy.failure import FROM_HARDEST
from bounced.core.policy.outage import SCOPE, Unknowns, disputed_provider, to_take_back
from bounced.core.state import NOTHING_KNOWN, AddressState, ReportId
from bounced.core.terms import Class
from bounced.ports import Committed, Decide, Page

SEEN_MAX = 20
HISTORY_MAX = 8
HISTORY_MAX_OCTETS = 6144
EVENTS_IN_PAGE = 1000


@dataclass(slots=True)
class Holds:
    """What one suppression list holds, by the names of the contract's keys."""

    states: dict[str, Mapping[str, str]] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)
    due: dict[str, int] = field(default_factory=dict)
    history: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)
    bulk: list[dict[str, str]] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    blocks: list[dict[str, str]] = field(default_factory=list)
    unrecognised: list[bytes] = field(default_factory=list)
    complaints: list[dict[str, str]] = field(default_factory=list)
    measured: set[tuple[str, str]] = field(default_factory=set)
    disputed: dict[str, int] = field(default_factory=dict)
    unknowns: dict[str, dict[str, int]] = field(default_factory=dict)
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)

    def failed_as(self, path: str) -> Class | None:
        """Return the hardest class as which mail to a PATH failed before."""
        return next((class_ for class_ in FROM_HARDEST if path and (path, class_) in self.measured), None)


class MemoryStore:
    """States and everything around them in this process.  Nothing waits, nothing conflicts, nothing expires."""

    def __init__(self, keys: Mapping[str, Keyspace]) -> None:
        self._keys = keys
        self._lists = {name: Holds() for name in keys}

    def keyspace(self, list_: str) -> Keyspace:
        """Return the names of a list's keys, and in which form they carry addresses."""
        return self._keys[list_]

    def holds(self, list_: str) -> Holds:
        """Return all that a list holds."""
        return self._lists[list_]

    async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
        """Write what ``decide`` makes of the address's state, and that this report was counted."""
        held, keys = self._lists[report_id.list], self._keys[report_id.list]
        reports = held.seen.setdefault(report_id.path, set()) if report_id.path else set()
        if not reports.isdisjoint(report_id.digests):
            return Committed(report_id.event_id, None)
        state = await self.load(report_id.list, address) if address else NOTHING_KNOWN
        transition = decide(replace(state, path_failed_as=held.failed_as(report_id.path)))
        if transition.idle:
            return Committed(report_id.event_id, transition)
        id_, written = keys.address_id(address) if address else "", writes(keys, report_id, address, transition)
        disputed = max(held.disputed.get(each, 0) for each in (written.domain, f"{SCOPE}{written.provider}"))
        if address and disputed > max(written.at, unix(state.disputed_until)):  # by the provider that says it
            transition = decide(replace(state, disputed_until=from_unix(disputed)))
            written = writes(keys, report_id, address, transition)
        first = written.measure and (not report_id.path or (report_id.path, written.measure) not in held.measured)
        if len(reports) >= SEEN_MAX and not first:
            return Committed(report_id.event_id, None)
        _write(held, id_, written)
        if first:
            held.measured.add((report_id.path, written.measure))
            _count(held.counts[written.hour], written.rates, written.count_by)
        reports.add(report_id.digest)
        return Committed(report_id.event_id, transition, _join_wave(held, id_, written) if written.doubtful else 0)

    async def load(self, list_: str, address: str) -> AddressState:
        """Return the state of one address as it stands."""
        held, keys = self._lists[list_], self._keys[list_]
        disputed = held.disputed.get(address.rpartition("@")[2])
        until = from_unix(disputed) if disputed else None
        return from_fields(held.states.get(keys.address_id(address), {}), until)

    async def doubt(self, _list: str, _now: datetime) -> str:
        """Return no reason for doubt: there is one clock, and no other server that could take this one's place."""
        return ""

    async def token(self, list_: str, token: str) -> dict[str, str] | None:
        """Return the fields of a registered return path, or None."""
        return self._lists[list_].tokens.get(token)

    async def history(self, list_: str, address: str) -> list[str]:
        """Return the last events of one address, newest first, compact JSON."""
        return list(self._lists[list_].history.get(self._keys[list_].address_id(address), ()))

    def events(self, list_: str) -> Sequence[Mapping[str, str]]:
        """Return the stream of events, the oldest first."""
        return self._lists[list_].events

    async def due(self, list_: str, now: datetime, limit: int) -> list[AddressId]:
        """Return addresses that time alone brings back, those first that are due for longest."""
        due = sorted((at, address) for address, at in self._lists[list_].due.items() if at <= now.timestamp())
        return [AddressId(address) for _, address in due[:limit]]

    async def postpone(self, list_: str, address: AddressId, until: datetime) -> None:
        """Do not return an address again before a time, unless it has become due at another one."""
        due = self._lists[list_].due
        if address in due:
            due[address] = max(due[address], int(until.timestamp()))

    async def unknowns(self, list_: str, domain: str, since: datetime) -> list[AddressId]:
        """Return the addresses with a good profile that a domain called unknown since a time."""
        wave = self._lists[list_].unknowns.get(domain, {})
        return [AddressId(address) for address, at in wave.items() if at > since.timestamp()]

    async def suppressed_by(self, list_: str, domain: str, since: datetime) -> list[AddressId]:
        """Return the addresses that were suppressed since a time because a domain called them unknown."""
        begun = stamp(since)
        late = takewhile(lambda event: event["at"] >= begun, reversed(self._lists[list_].events))
        return [AddressId(event["address"]) for event in late if suppressed_as_unknown(event, domain)]

    async def usual_unknowns(self, list_: str, domain: str, now: datetime) -> float:
        """Return how many addresses the domain called unknown in an hour of the week before the present wave."""
        counts, counter = self._lists[list_].counts, unknowns_counter(domain)
        hours = usual_hours(now)
        return sum(counts[hour][counter] for hour in hours if hour in counts) / len(hours)

    async def provider_hours(self, list_: str, provider: str, hours: Sequence[str]) -> list[Unknowns]:
        """Return what each of these hours tells of a provider."""
        counts, names = self._lists[list_].counts, provider_counters(provider)
        return [unknowns([counts[at][name] for name in names]) if at in counts else Unknowns() for at in hours]

    async def called_unknown(self, list_: str, provider: str, since: datetime, newest: str) -> Page:
        """Return addresses that a provider called unknown since a time, and was believed, by a page of events."""
        events, begun = self._lists[list_].events, stamp(since)
        last = len(events) if newest == "+" else int(newest)
        late = [event for event in events[max(0, last - EVENTS_IN_PAGE) : last] if event["at"] >= begun]
        found = dict.fromkeys(AddressId(event["address"]) for event in reversed(late) if to_take_back(event, provider))
        return Page(list(found), str(last - EVENTS_IN_PAGE) if late and last > EVENTS_IN_PAGE else "")

    async def dispute(self, list_: str, disputed: str, now: datetime, until: datetime, addresses: int) -> bool:
        """Note that a domain or provider is disputed; False where it was already."""
        held, provider = self._lists[list_], disputed_provider(disputed)
        if held.disputed.get(disputed, 0) > now.timestamp():
            return False
        held.disputed[disputed] = int(until.timestamp())
        told = {"type": "provider.disputed", "provider": provider}
        if not provider:
            told = {"type": "domain.disputed", "domain": disputed}
        held.events.append({**told, "at": stamp(now), "addresses": str(addresses), "until": stamp(until)})
        return True

    async def disputed(self, list_: str, beyond: datetime) -> list[str]:
        """Return the domains, and the providers as ``provider:NAME``, that are disputed beyond a time."""
        return [domain for domain, until in self._lists[list_].disputed.items() if until > beyond.timestamp()]


def _write(held: Holds, address: str, writes: Writes) -> None:
    events = [{"type": type_, **writes.event} for type_ in writes.event_types]
    told = held.bulk if writes.bulk else held.events
    told += events
    if writes.block:
        held.blocks.append({"words": writes.words, **events[-1]} if writes.words else events[-1])
    if writes.unrecognised is not None:
        held.unrecognised.append(writes.unrecognised)
    if writes.complaint:
        held.complaints.append(dict(zip(writes.complaint[::2], writes.complaint[1::2], strict=True)))
    _count(held.counts.setdefault(writes.hour, Counter()), writes.counters, writes.count_by)
    if writes.in_history:
        held.history[address] = _with_event(held.history.get(address, ()), past_event(writes))
    if writes.state is not None:
        _write_state(held, address, writes.state)


def _with_event(history: Sequence[str], event: Mapping[str, str]) -> list[str]:
    """Return a history with one more event, the newest first: no longer than it may be, and never without that one."""
    newest = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    entries = [newest, *history[: HISTORY_MAX - 1]]
    octets = accumulate(len(entry.encode("utf-8", "replace")) for entry in entries)
    return entries[: max(1, sum(taken <= HISTORY_MAX_OCTETS for taken in octets))]


def _write_state(held: Holds, address: str, state: StateWrites) -> None:
    held.states[address] = state.fields
    held.suppressed.discard(address)
    held.due.pop(address, None)
    if state.suppressed:
        held.suppressed.add(address)
    if state.due:
        held.due[address] = state.due


def _count(counts: Counter[str], counted: tuple[HourlyCounter, ...], by: int) -> None:
    for name, quota in counted:
        if name not in counts and quota in MAX_FIELDS:
            if counts[quota.in_use] >= MAX_FIELDS[quota]:
                counts[quota.overflow] += by
                continue
            counts[quota.in_use] += 1
        counts[name] += by


def _join_wave(held: Holds, address: str, writes: Writes) -> int:
    begun = writes.at - int(WAVE.total_seconds())
    wave = {other: at for other, at in held.unknowns.get(writes.domain, {}).items() if at > begun}
    held.unknowns[writes.domain] = wave | {address: max(wave.get(address, 0), writes.at)}
    return len(held.unknowns[writes.domain])
