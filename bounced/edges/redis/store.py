"""The Store of the pipeline, kept in Redis.

How it works: a commit is a loop of compare-and-set.  Most reports are an address's first, so the loop begins with the
empty state, without reading.  ``decide`` makes a transition of it, and one script call writes everything that follows
if the stored state still has the version upon which was decided.  Else the call answers with the present state, and the
loop decides again.  There are two lines to each server: over one go the writes, and each batch of them ends with the
wait for durability; over the other go reads, which wait for nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import chain

from redis.asyncio.connection import AbstractConnection

from bounced.core.contract.keys import Keyspace
from bounced.core.contract.server_facts import ClockAndIdentity
from bounced.core.contract.state_hash import from_fields
from bounced.core.contract.times import from_score
from bounced.core.contract.writes import writes
from bounced.core.state import NOTHING_KNOWN, AddressState, ReportId
from bounced.edges.redis import script
from bounced.edges.redis.connect import Connections
from bounced.edges.redis.durabilities import Durability, Primary
from bounced.edges.redis.identities import server_facts
from bounced.edges.redis.line import Line, Notice
from bounced.edges.redis.lines import Lines
from bounced.edges.redis.observer import UNOBSERVED, StoreObserver, Unobserved
from bounced.edges.redis.time_budget import DEFAULT_BUDGET, TimeBudget
from bounced.edges.redis.wire import Argument, Reply, fields, is_wrong_type, pack, text, texts
from bounced.ports import Committed, Decide, StoreUnavailable, WrongType, WrongTypeOfAddress

MAX_DECISIONS = 100
KEEP_EVENTS = script.MostEvents()
WRITES_NOTHING = "#!lua\nreturn 1"
"""A script that may write and does not.  A server that is read-only, full or short of replicas refuses it."""
TRIAL = pack("EVAL", WRITES_NOTHING, 0)


class RedisStore:
    """States and everything around them in Redis or Valkey: one server, a group, a Cluster.

    ``keys`` has the keyspace of each list; ``durability`` makes what has to be true before a commit counts, for each
    server; ``most`` says how many events are kept; ``notice`` hears why the server was lost, and None when it is back;
    ``observer`` hears of commits, their batches and errors; ``known`` returns the identity that an identity's key is
    known to have, empty where none is known; ``budget`` says how long each step may take.
    """

    def __init__(
        self,
        connections: Connections,
        keys: Mapping[str, Keyspace],
        durability: Callable[[], Durability],
        *,
        most: script.MostEvents = KEEP_EVENTS,
        notice: Notice = lambda _reason: None,
        observer: StoreObserver = UNOBSERVED,
        known: Callable[[str], str] = lambda _key: "",
        budget: TimeBudget = DEFAULT_BUDGET,
    ) -> None:
        self._store_s = budget.store_s
        self._keys = keys
        self._known = known
        self._observer = observer
        self.most = most
        self._commits = Lines(
            connections,
            lambda connect: Line(
                connect, durability(), script.load, notice, trial=TRIAL, observer=observer, budget=budget
            ),
        )
        for_reads = _FaultsOnly(observer)
        self._reads = Lines(
            connections,
            lambda connect: Line(
                connect,
                Primary(),
                _prepare_nothing,
                lambda _reason: None,
                reads=True,
                observer=for_reads,
                budget=budget,
            ),
        )

    def use(self, keys: Mapping[str, Keyspace]) -> None:
        """Know these lists from now on."""
        self._keys = keys

    def keyspace(self, list_: str) -> Keyspace:
        """Return the names of a list's keys.  Raises KeyError."""
        return self._keys[list_]

    async def start(self, *, to_write: bool = True) -> None:
        """Connect.  Raises Misconfigured; a server that is merely away is tried again by itself.

        ``to_write`` is false for a user of Redis who may only read, and who could not prepare a connection to write.
        """
        somewhere = [keys.events for keys in self._keys.values()]
        if to_write:
            await self._commits.start(somewhere)
        await self._reads.start(somewhere)

    async def close(self) -> None:
        """Disconnect; whoever still waits hears StoreUnavailable."""
        await self._commits.close()
        await self._reads.close()

    async def commit(
        self, report_id: ReportId, address: str | None, decide: Decide, guess: AddressState = NOTHING_KNOWN
    ) -> Committed:
        """Write what ``decide`` makes of the address's state, and that this report was counted, atomically.

        ``guess`` is a state that was read before: it saves a round trip where it is still so.
        A report with an empty ``path`` is not remembered: what an operator says twice is written twice.  Raises
        StoreUnavailable on any doubt, in the time that the budget gives the store; WrongType where a key holds what no
        commit of ours wrote.
        """
        keys, state, until = self._keys[report_id.list], guess, self._deadline()
        for _ in range(MAX_DECISIONS):
            transition = decide(state)
            if transition.idle and state is NOTHING_KNOWN and address is not None:  # which was only a guess
                state = await self._load(report_id.list, address, until)
                transition = decide(state)
            if transition.idle:
                return Committed(report_id.event_id, transition)
            written = writes(keys, report_id, address, transition)
            request = script.request(keys, report_id, address, state, written, most=self.most)
            match script.outcome(await self._commits.to(keys.events).ask(request, until)):
                case ("committed", script.Written() as done):
                    self._observer.written(report_id.list, transition)
                    for quota in done.overflowed:
                        self._observer.counter_overflowed(report_id.list, quota)
                    return Committed(report_id.event_id, transition, done.wave)
                case ("duplicate" | "dropped", None):
                    return Committed(report_id.event_id, None)
                case ("stale", AddressState() as present):
                    state = present
                case ("wrong_type", str(key)):
                    raise _wrong_type(keys, key)
        raise StoreUnavailable(f"others changed the same address {MAX_DECISIONS} times in a row")

    async def load(self, list_: str, address: str) -> AddressState:
        """Return the state of one address as it stands.  Raises StoreUnavailable."""
        return await self._load(list_, address, self._deadline())

    async def server_facts(self, list_: str) -> ClockAndIdentity:
        """Return what the server of a list says of itself.  Raises StoreUnavailable."""
        time, identity = await asyncio.gather(
            self._read(list_, "TIME"), self._read(list_, "HGET", self._keys[list_].identity, "id")
        )
        return server_facts(time, identity)

    async def name_server(self, list_: str, identity: str) -> None:
        """Give the server of a list an identity, unless it has one.  Raises StoreUnavailable."""
        await self.write(list_, "HSETNX", self._keys[list_].identity, "id", identity)

    async def doubt(self, list_: str, now: datetime) -> str:
        """Return why the server may be wrong about a path that seems spent or unknown; empty for no reason.

        Raises StoreUnavailable.
        """
        facts = await self.server_facts(list_)
        return facts.clock_fault(now) or facts.identity_fault(self._known(self._keys[list_].identity))

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

    async def read(self, list_: str, *command: Argument) -> Reply:
        """Return the reply to a command that reads keys of one list.  Raises StoreUnavailable."""
        return await self._read(list_, *command)

    async def write(self, list_: str, *command: Argument) -> Reply:
        """Return the reply to a command that writes keys of one list, once it is durable.  Raises StoreUnavailable."""
        return await self._commits.to(self._keys[list_].events).ask(pack(*command), self._deadline())

    async def tell(self, list_: str, event: Mapping[str, str]) -> None:
        """Write an event that is about no single address.  Raises StoreUnavailable."""
        told = chain.from_iterable(event.items())
        await self.write(list_, "XADD", self._keys[list_].events, "MAXLEN", "~", self.most.events, "*", *told)

    async def ping(self) -> None:
        """Return when every list's server answers.  Raises StoreUnavailable."""
        await asyncio.gather(*(self._read(list_, "PING") for list_ in self._keys))

    async def _load(self, list_: str, address: str, until: float) -> AddressState:
        keys = self._keys[list_]
        stored, disputed = await asyncio.gather(
            self._read(list_, "HGETALL", keys.address(keys.address_id(address)), until=until),
            self._read(list_, "ZSCORE", keys.disputed, address.rpartition("@")[2], until=until),
        )
        return from_fields(fields(stored), from_score(text(disputed) if disputed else ""))

    async def _read(self, list_: str, *command: Argument, until: float | None = None) -> Reply:
        keys = self._keys[list_]
        try:
            return await self._reads.to(keys.events).ask(pack(*command), until or self._deadline())
        except StoreUnavailable as error:
            if is_wrong_type(error.__cause__) and command[0] != "EVAL":  # a script reads several keys
                raise _wrong_type(keys, str(command[1])) from error
            raise

    def _deadline(self) -> float:
        """Return when to give up, by the loop's clock."""
        return asyncio.get_running_loop().time() + self._store_s


class _FaultsOnly(Unobserved):
    """An observer of the reads' line: its batches are no commits, and its server is the commits' too."""

    def __init__(self, observer: StoreObserver) -> None:
        self._observer = observer

    def failed(self) -> None:
        self._observer.failed()


def _wrong_type(keys: Keyspace, key: str) -> WrongType:
    of_address = key.startswith((keys.address(""), keys.history("")))
    return WrongTypeOfAddress(key) if of_address else WrongType(key)


async def _prepare_nothing(_connection: AbstractConnection) -> None:
    """Ask nothing of a new connection: reads work on any."""
