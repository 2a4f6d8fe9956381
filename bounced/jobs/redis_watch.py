"""The parent process looks at Redis: is it still the server that kept the lists, and does its clock agree with ours?

Mail goes on in both cases.  A server that has taken another one's place is told at once, because the list that senders
ask was on the other one.  While the clocks are more than a day apart, a return path that seems too old is answered 451
instead of 550.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from bounced.core.contract.alarms import CLOCK, REDIS, Alarm, Level
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.server_facts import ClockAndIdentity
from bounced.core.contract.times import stamp
from bounced.edges.watch.log import Event
from bounced.jobs.rounds import together
from bounced.ports import Alarms, Clock, Findings, KnownServers, Servers, StoreUnavailable

LOG = structlog.get_logger()

LOOK_EVERY_S = 5.0
REMIND_AFTER_S = 3600.0
"""How long a fault that stays is not said again in the log."""

_EVENTS = {REDIS: (Event.STORE_REPLACED, Event.STORE_RECOGNISED), CLOCK: (Event.CLOCKS_PARTED, Event.CLOCKS_AGREED)}
_LEVELS = {REDIS: Level.PAUSE, CLOCK: Level.WARN}


class RedisWatch:
    """A job that looks at the server of each list, remembers which it is, and tells what is wrong with it."""

    name = "redis watch"

    def __init__(
        self,
        servers: Servers,
        keys: Mapping[str, Keyspace],
        identities: KnownServers,
        alarms: Alarms,
        clock: Clock,
    ) -> None:
        self._servers = servers
        self._keys = keys
        self._identities = identities
        self._alarms = alarms
        self._clock = clock
        self._found: dict[str, Findings] = {}
        self._told_at: dict[tuple[str, str], float] = {}
        self._looking = asyncio.Lock()

    def use(self, keys: Mapping[str, Keyspace]) -> None:
        """Know these lists from now on."""
        self._keys = keys

    @property
    def found(self) -> Mapping[str, Findings]:
        """What the last look at each list found."""
        return {list_: self._found[list_] for list_ in self._keys if list_ in self._found}

    @property
    def faults(self) -> Sequence[str]:
        """Everything that is wrong now, for people."""
        return [f"{list_}: {fault}" for list_, found in self.found.items() for fault in found.faults.values() if fault]

    async def round(self) -> float:
        """Look once, as a job.  A server that is away is not told here: the store tells it."""
        with contextlib.suppress(StoreUnavailable):
            await self.look()
        return LOOK_EVERY_S

    async def look(self) -> None:
        """Look at every list once.  Raises StoreUnavailable."""
        async with self._looking:
            await together(self._look(list_, keys) for list_, keys in self._keys.items())

    async def _look(self, list_: str, keys: Keyspace) -> None:
        seen, known = await self._servers.server_facts(list_), self._identities.known(keys.identity)
        if not known:
            seen = await self._introduce(list_, keys, seen)
        now, before = self._clock(), self._found.get(list_)
        faults = {REDIS: seen.identity_fault(known), CLOCK: seen.clock_fault(now)}
        self._found[list_] = Findings(seen.apart_s(now), faults)
        for scope, fault in faults.items():
            self._tell(list_, scope, fault, had=bool(before and before.faults[scope]))
            await self._raise_or_clear(
                list_, scope, bool(fault), now, may_clear=before is None or bool(before.faults[scope])
            )

    async def _introduce(self, list_: str, keys: Keyspace, seen: ClockAndIdentity) -> ClockAndIdentity:
        """Give a server that we do not know an identity, unless it has one, and remember it."""
        if not seen.identity:
            await self._servers.name_server(list_, secrets.token_hex(8))
            seen = await self._servers.server_facts(list_)
        try:
            self._identities.remember({keys.identity: seen.identity})
        except OSError as error:
            text = f"a Redis that is replaced while bounced is stopped will not be noticed: {error}"
            LOG.warning(Event.STORE_WARNED, text=text)
        return seen

    def _tell(self, list_: str, scope: str, fault: str, *, had: bool) -> None:
        found, gone = _EVENTS[scope]
        at = asyncio.get_running_loop().time()
        if not fault:
            if had:
                LOG.info(gone, list=list_)
            self._told_at.pop((list_, scope), None)
        elif at - self._told_at.get((list_, scope), -REMIND_AFTER_S) >= REMIND_AFTER_S:
            self._told_at[list_, scope] = at
            LOG.error(found, list=list_, text=fault)

    async def _raise_or_clear(self, list_: str, scope: str, raised: bool, now: datetime, *, may_clear: bool) -> None:  # noqa: FBT001 - a fact, not a flag
        """Raise an alarm that does not stand; clear one that this host raised, or a process before this one."""
        if not raised and not may_clear:
            return
        standing = (await self._alarms.standing(list_)).get(scope, "")
        if bool(standing) == raised:
            return
        level = _LEVELS[scope]
        after = Alarm(level, stamp(now), 0, 0, 0).to_json() if raised else ""
        event = {"type": "alarm", "at": stamp(now), "scope": scope, "level": level if raised else "clear"}
        if await self._alarms.replace_alarm(list_, scope, standing, after, event):
            LOG.warning(
                Event.ALARM_RAISED if raised else Event.ALARM_CLEARED,
                list=list_,
                scope=scope,
                level=level if raised else None,
            )
