"""What the background jobs ask of Redis.  Each write is one script that a second worker finds done."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import chain, islice

from bounced.core.contract.hook_standing import HookStanding
from bounced.core.contract.hourly_counters import (
    COMMANDS,
    command_counter,
    provider_counters,
    read_counters,
    unknowns,
    unknowns_counter,
    usual_hours,
)
from bounced.core.contract.intake import HOOK_EVENT
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import hour, stamp
from bounced.core.escape import escaped
from bounced.core.limits import MAX_HOOK_EVENT_CHARS, MAX_INTAKE_CHARS
from bounced.core.mailbox import AddressId
from bounced.core.numbers import whole
from bounced.core.policy.dispute import suppressed_as_unknown
from bounced.core.policy.outage import Unknowns, disputed_provider, to_take_back
from bounced.core.terms import Origin
from bounced.edges.redis.hook_overview import hook_standing
from bounced.edges.redis.script import INTAKE_GROUP
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import Argument, Reply, fields, text, texts
from bounced.ports import IntakeEntry, Page

EVENTS_IN_PAGE = 1000
EVENT_PAGES = 200
"""How many pages of events are searched for what a wave suppressed."""

HOURS_AT_ONCE = 64
"""How many hours are asked for together: the replies have to be read within the deadline."""

MAX_FAILED_FIELDS = 100
"""How many fields are kept of an intake entry that failed."""

_HOUR = timedelta(hours=1)


def _source(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


_READ, _SET_ASIDE, _DISPUTE, _ALARM = map(_source, ("intake.lua", "set_aside.lua", "dispute.lua", "alarm.lua"))


class JobStore:
    """Everything that the jobs ask of a store (ports.py).  ``consumer`` is this worker's name, unlike any other's.

    ``events_max`` and ``failed_max`` are how many entries the streams keep.  All methods raise StoreUnavailable.
    """

    def __init__(self, store: RedisStore, consumer: str, *, events_max: int, failed_max: int) -> None:
        self._store = store
        self._consumer = consumer
        self._events_max = events_max
        self._failed_max = failed_max

    async def due(self, list_: str, now: datetime, limit: int) -> list[AddressId]:
        """Return addresses that time alone brings back, those first that are due for longest."""
        return [AddressId(address) for address in await self._store.due(list_, now, limit)]

    async def postpone(self, list_: str, address: AddressId, until: datetime) -> None:
        """Do not return an address again before a time, unless it has become due at another one."""
        await self._store.write(list_, "ZADD", self._keys(list_).due, "XX", "GT", _unix(until), address)

    async def unknowns(self, list_: str, domain: str, since: datetime) -> list[AddressId]:
        """Return the addresses with a good profile that a domain called unknown since a time."""
        reply = await self._store.read(
            list_, "ZRANGE", self._keys(list_).unknowns(domain), f"({_unix(since)}", "+inf", "BYSCORE"
        )
        return [AddressId(address) for address in texts(reply)]

    async def suppressed_by(self, list_: str, domain: str, since: datetime) -> list[AddressId]:
        """Return the addresses that were suppressed since a time because a domain called them unknown."""
        found, newest, begun = [], "+", stamp(since)
        for _ in range(EVENT_PAGES):
            reply = await self._store.read(
                list_, "XREVRANGE", self._keys(list_).events, newest, "-", "COUNT", EVENTS_IN_PAGE
            )
            page = _entries(reply)
            events = [entry.fields for entry in page if entry.fields.get("at", "") >= begun]
            found += [AddressId(event["address"]) for event in events if suppressed_as_unknown(event, domain)]
            if len(page) < EVENTS_IN_PAGE or not events:
                break
            newest = f"({page[-1].id}"
        return found

    async def usual_unknowns(self, list_: str, domain: str, now: datetime) -> float:
        """Return how many addresses the domain called unknown in an hour of the week before the present wave."""
        keys, counter = self._keys(list_), unknowns_counter(domain)
        hours = usual_hours(now)
        replies = await asyncio.gather(*(self._store.read(list_, "HGET", keys.counts(at), counter) for at in hours))
        return sum(whole(text(reply)) or 0 for reply in replies if reply is not None) / len(hours)

    async def provider_hours(self, list_: str, provider: str, hours: Sequence[str]) -> list[Unknowns]:
        """Return what each of these hours tells of a provider."""
        return [unknowns(counts) for counts in await self._by_hour(list_, hours, provider_counters(provider))]

    async def command_hours(self, list_: str, hours: Sequence[str]) -> list[list[int]]:
        """Return what commands committed in each of these hours, in the order of ``COMMANDS``."""
        return await self._by_hour(list_, hours, [command_counter(*command) for command in COMMANDS])

    async def _by_hour(self, list_: str, hours: Sequence[str], names: Sequence[str]) -> list[list[int]]:
        """Return some counters of each of these hours."""
        keys, found = self._keys(list_), list[list[int]]()
        for first in range(0, len(hours), HOURS_AT_ONCE):
            some = hours[first : first + HOURS_AT_ONCE]
            replies = await asyncio.gather(*(self._store.read(list_, "HMGET", keys.counts(at), *names) for at in some))
            found += [_numbers(reply) for reply in replies]
        return found

    async def called_unknown(self, list_: str, provider: str, since: datetime, newest: str) -> Page:
        """Return addresses that a provider called unknown since a time, and was believed, by a page of events."""
        begun = stamp(since)
        events = self._keys(list_).events
        page = _entries(await self._store.read(list_, "XREVRANGE", events, newest, "-", "COUNT", EVENTS_IN_PAGE))
        late = [entry.fields for entry in page if entry.fields.get("at", "") >= begun]
        found = dict.fromkeys(AddressId(event["address"]) for event in late if to_take_back(event, provider))
        goes_on = len(page) == EVENTS_IN_PAGE and _written_at_ms(page[-1]) >= _unix(since) * 1000
        return Page(list(found), f"({page[-1].id}" if goes_on else "")

    async def dispute(self, list_: str, disputed: str, now: datetime, until: datetime, addresses: int) -> bool:
        """Note that a domain or provider is disputed, and tell so; False where it was already, and nothing is told."""
        keys, provider = self._keys(list_), disputed_provider(disputed)
        event = {
            "type": "provider.disputed" if provider else "domain.disputed",
            "at": stamp(now),
            "provider" if provider else "domain": provider or disputed,
            "addresses": str(addresses),
            "until": stamp(until),
            "origin": Origin.DAEMON,
        }
        arguments = [disputed, _unix(now), _unix(until), self._events_max, *_flat(event)]
        return await self._run(list_, _DISPUTE, (keys.disputed, keys.events), arguments) == 1

    async def disputed(self, list_: str, beyond: datetime) -> list[str]:
        """Return the domains, and the providers as ``provider:NAME``, that are disputed beyond a time."""
        disputed = self._keys(list_).disputed
        return texts(await self._store.read(list_, "ZRANGE", disputed, f"({_unix(beyond)}", "+inf", "BYSCORE"))

    async def counts(self, list_: str, now: datetime, hours: int) -> Sequence[Mapping[str, int]]:
        """Return the counters of the last hours, this one among them."""
        keys = self._keys(list_)
        replies = [
            await self._store.read(list_, "HGETALL", keys.counts(hour(now - _HOUR * back))) for back in range(hours)
        ]
        return [read_counters(fields(reply)) for reply in replies]

    async def hook_standing(self, list_: str, hook: str) -> HookStanding:
        """Return how a webhook stands in a list."""
        return await hook_standing(self._store, list_, self._keys(list_), hook)

    async def standing(self, list_: str) -> Mapping[str, str]:
        """Return the alarms now standing, as JSON by their scope."""
        return fields(await self._store.read(list_, "HGETALL", self._keys(list_).alarms))

    async def replace_alarm(self, list_: str, scope: str, before: str, after: str, event: Mapping[str, str]) -> bool:
        """Replace an alarm and tell ``event``, if there is one; False where another worker has replaced it before."""
        keys = self._keys(list_)
        arguments = [scope, before, after, self._events_max, *_flat(event)]
        return await self._run(list_, _ALARM, (keys.alarms, keys.events), arguments) == 1

    async def next_entries(self, list_: str, limit: int) -> Sequence[IntakeEntry]:
        """Return entries that no consumer has had."""
        return await self._entries(list_, limit, "new")

    async def abandoned(self, list_: str, idle_s: float, limit: int) -> Sequence[IntakeEntry]:
        """Return entries that a consumer, perhaps this one, has had for ``idle_s`` and did not settle."""
        return await self._entries(list_, limit, int(idle_s * 1000))

    async def set_aside(self, list_: str, entry: IntakeEntry, error: str) -> None:
        """Move an entry to those that failed; without what it says where addresses are not kept.

        What an entry should not have, fields without end, is cut off: the script could not write them.
        """
        keys = self._keys(list_)
        kept = _cut(entry.fields) if keys.pepper is None else {"type": entry.fields.get("type", "")[:MAX_INTAKE_CHARS]}
        told = {**kept, "entry": entry.id, "error": escaped(error) if keys.pepper is None else "not understood"}
        arguments = [INTAKE_GROUP, entry.id, self._failed_max, *_flat(told)]
        await self._run(list_, _SET_ASIDE, (keys.intake, keys.intake_failed), arguments)

    async def _entries(self, list_: str, limit: int, which: Argument) -> Sequence[IntakeEntry]:
        arguments = (INTAKE_GROUP, self._consumer, limit, which)
        return _entries(await self._run(list_, _READ, (self._keys(list_).intake,), arguments))

    async def _run(self, list_: str, source: bytes, keys: Sequence[str], arguments: Sequence[Argument]) -> Reply:
        return await self._store.write(list_, "EVAL", source, len(keys), *keys, *arguments)

    def _keys(self, list_: str) -> Keyspace:
        return self._store.keyspace(list_)


def _entries(reply: Reply) -> list[IntakeEntry]:
    assert isinstance(reply, list)
    return [IntakeEntry(text(entry[0]), fields(entry[1])) for entry in reply if isinstance(entry, list)]


def _cut(told: Mapping[str, str]) -> dict[str, str]:
    return {
        name[:MAX_INTAKE_CHARS]: text[: MAX_HOOK_EVENT_CHARS if name == HOOK_EVENT else MAX_INTAKE_CHARS]
        for name, text in islice(told.items(), MAX_FAILED_FIELDS)
    }


def _written_at_ms(entry: IntakeEntry) -> int:
    """Return when an entry of a stream was written, by the server's clock; what it tells of may be older."""
    return int(entry.id.partition("-")[0])


def _numbers(reply: Reply) -> list[int]:
    assert isinstance(reply, list)
    return [whole(text(number)) or 0 if number is not None else 0 for number in reply]


def _unix(at: datetime) -> int:
    return int(at.timestamp())


def _flat(pairs: Mapping[str, str]) -> list[Argument]:
    return list(chain.from_iterable(pairs.items()))
