"""The Store of the pipeline, kept in Redis."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from redis.asyncio.connection import AbstractConnection

from bounced.core.contract import record
from bounced.core.contract.keys import Keyspace
from bounced.core.state import NOTHING_KNOWN, AddressState, ReportId
from bounced.edges.redis import script
from bounced.edges.redis.connect import Connections
from bounced.edges.redis.durabilities import Durability, Primary
from bounced.edges.redis.line import Line, Notice
from bounced.edges.redis.lines import Lines
from bounced.edges.redis.look import Look, look
from bounced.edges.redis.observer import UNOBSERVED, StoreObserver, Unobserved
from bounced.edges.redis.time_budget import DEFAULT_BUDGET, TimeBudget
from bounced.edges.redis.wire import Argument, Reply, fields, pack, text, texts
from bounced.ports import Committed, Decide, StoreUnavailable

MAX_DECISIONS = 100
EVENTS_MAX = 1_000_000


class RedisStore:
    """States and everything around them in Redis or Valkey: one server, a group, a Cluster.

    ``keys`` has the keyspace of each list; ``durability`` makes what has to be true before a commit counts, for each
    server; ``notice`` hears why the server was lost, and None when it is back;
    ``observer`` hears of commits, their batches and errors; ``known`` returns the identity that an identity's key is
    known to have, empty where none is known; ``budget`` says how long each step may take.
    """

    def __init__(
        self,
        connections: Connections,
        keys: Mapping[str, Keyspace],
        durability: Callable[[], Durability],
        *,
        events_max: int = EVENTS_MAX,
        notice: Notice = lambda _reason: None,
        observer: StoreObserver = UNOBSERVED,
        known: Callable[[str], str] = lambda _key: "",
        budget: TimeBudget = DEFAULT_BUDGET,
    ) -> None:
        self._store_s = budget.store_s
        self._keys = keys
        self._known = known
        self._observer = observer
        self._events_max = events_max
        self._commits = Lines(
            connections,
            lambda connect: Line(connect, durability(), script.load, notice, observer=observer, budget=budget),
        )
        for_reads = _FaultsOnly(observer)
        self._reads = Lines(
            connections,
            lambda connect: Line(
                connect, Primary(), _prepare_nothing, lambda _reason: None, observer=for_reads, budget=budget
            ),
        )

    def use(self, keys: Mapping[str, Keyspace]) -> None:
        """Know these lists from now on."""
        self._keys = keys

    def keyspace(self, list_: str) -> Keyspace:
        """Return the names of a list's keys.  Raises KeyError."""
        return self._keys[list_]

    async def start(self) -> None:
        """Connect.  Raises Misconfigured; a server that is merely away is tried again by itself."""
        somewhere = [keys.events for keys in self._keys.values()]
        await self._commits.start(somewhere)
        await self._reads.start(somewhere)

    async def close(self) -> None:
        """Disconnect; whoever still waits hears StoreUnavailable."""
        await self._commits.close()
        await self._reads.close()

    async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
        """Write what ``decide`` makes of the address's state, and that this report was counted, atomically.

        Most reports are an address's first, so the empty state is tried before any is read.  A report with an empty
        ``path`` is not remembered: what an operator says twice is written twice.  Raises StoreUnavailable on any
        doubt, in the time that the budget gives the store.
        """
        keys, state, until = self._keys[report_id.list], NOTHING_KNOWN, self._deadline()
        for _ in range(MAX_DECISIONS):
            transition = decide(state)
            if transition.idle and state is NOTHING_KNOWN and address is not None:  # which was only a guess
                state = await self._load(report_id.list, address, until)
                transition = decide(state)
            if transition.idle:
                return Committed(report_id.event_id, transition)
            writes = record.writes(keys, report_id, address, transition)
            command = script.request(keys, report_id, address, state, writes, events_max=self._events_max)
            match script.outcome(await self._commits.to(keys.events).ask(command, until)):
                case ("committed", script.Written() as written):
                    self._observer.written(report_id.list, transition)
                    for room in written.overflowed:
                        self._observer.counter_overflowed(report_id.list, room)
                    return Committed(report_id.event_id, transition, written.wave)
                case ("duplicate" | "dropped", None):
                    return Committed(report_id.event_id, None)
                case ("stale", AddressState() as present):
                    state = present
        raise StoreUnavailable(f"others changed the same address {MAX_DECISIONS} times in a row")

    async def load(self, list_: str, address: str) -> AddressState:
        """Return the state of one address as it stands.  Raises StoreUnavailable."""
        return await self._load(list_, address, self._deadline())

    async def look(self, list_: str) -> Look:
        """Return what the server of a list says of itself.  Raises StoreUnavailable."""
        time, identity = await asyncio.gather(
            self._read(list_, "TIME"), self._read(list_, "HGET", self._keys[list_].identity, "id")
        )
        return look(time, identity)

    async def doubt(self, list_: str, now: datetime) -> str:
        """Return why the server may be wrong about a path that seems spent or unknown; empty for no reason.

        Raises StoreUnavailable.
        """
        seen = await self.look(list_)
        return seen.clock_fault(now) or seen.identity_fault(self._known(self._keys[list_].identity))

    async def token(self, list_: str, token: str) -> dict[str, str] | None:
        """Return the fields of a registered return path, or None.  Raises StoreUnavailable."""
        return fields(await self._read(list_, "HGETALL", self._keys[list_].token(token))) or None

    async def history(self, list_: str, address: str) -> list[str]:
        """Return the last events of one address, newest first, compact JSON.  Raises StoreUnavailable."""
        keys = self._keys[list_]
        return texts(await self._read(list_, "LRANGE", keys.history(keys.address_id(address)), 0, -1))

    async def due(self, list_: str, now: datetime, limit: int) -> list[str]:
        """Return held addresses, in the form that keys carry, whose time has come.  Raises StoreUnavailable."""
        keys = self._keys[list_]
        latest = int(now.timestamp())
        return texts(await self._read(list_, "ZRANGE", keys.due, "-inf", latest, "BYSCORE", "LIMIT", 0, limit))

    async def recent_events(self, list_: str, limit: int) -> list[dict[str, str]]:
        """Return the newest events, newest first.  Raises StoreUnavailable."""
        entries = await self._read(list_, "XREVRANGE", self._keys[list_].events, "+", "-", "COUNT", limit)
        assert isinstance(entries, list)
        return [fields(entry[1]) for entry in entries if isinstance(entry, list)]

    async def read(self, list_: str, *command: Argument) -> Reply:
        """Return the reply to a command that reads keys of one list.  Raises StoreUnavailable."""
        return await self._read(list_, *command)

    async def write(self, list_: str, *command: Argument) -> Reply:
        """Return the reply to a command that writes keys of one list, once it is durable.  Raises StoreUnavailable."""
        return await self._commits.to(self._keys[list_].events).ask(pack(*command), self._deadline())

    async def ping(self) -> None:
        """Return when every list's server answers.  Raises StoreUnavailable."""
        await asyncio.gather(*(self._read(list_, "PING") for list_ in self._keys))

    async def _load(self, list_: str, address: str, until: float) -> AddressState:
        keys, line = self._keys[list_], self._reads.to(self._keys[list_].events)
        stored, disputed = await asyncio.gather(
            line.ask(pack("HGETALL", keys.address(keys.address_id(address))), until),
            line.ask(pack("ZSCORE", keys.disputed, address.rpartition("@")[2]), until),
        )
        return record.from_fields(fields(stored), script.disputed_until(text(disputed) if disputed else ""))

    async def _read(self, list_: str, *command: Argument) -> Reply:
        return await self._reads.to(self._keys[list_].events).ask(pack(*command), self._deadline())

    def _deadline(self) -> float:
        """Return when to give up, by the loop's clock."""
        return asyncio.get_running_loop().time() + self._store_s


class _FaultsOnly(Unobserved):
    """An observer of the reads' line: its batches are no commits, and its server is the commits' too."""

    def __init__(self, observer: StoreObserver) -> None:
        self._observer = observer

    def failed(self) -> None:
        self._observer.failed()


async def _prepare_nothing(_connection: AbstractConnection) -> None:
    """Ask nothing of a new connection: reads work on any."""
