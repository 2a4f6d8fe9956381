"""From a URL to connections with whichever server is the primary now: alone, behind Sentinels, or in a Cluster."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from bounced.core.servers import Topology, servers
from bounced.edges.host_names import HostNames
from bounced.edges.redis.by_address import by_address
from bounced.edges.redis.time_budget import DEFAULT_BUDGET, TimeBudget

_NOT_CONNECTED = re.compile(r"Error (?:(?P<number>-?\d+) )?connecting to (?P<address>.+?)\. (?P<words>.*)", re.DOTALL)
_CALL_FAILED = re.compile(r"(?:.*?\[Errno (?P<number>\d+)\] )?Connect call failed")
"""asyncio's words, for each address of a name."""

Node = tuple[str, int]
Connect = Callable[[Node | None], Awaitable[AbstractConnection]]


class Connections(Protocol):
    """How to reach the servers of one URL."""

    def shard(self, key: str) -> int:
        """Return which of the servers' shares a key belongs to; keys of one share can go over one connection."""

    async def open(self, shard: int, moved_to: Node | None = None) -> AbstractConnection:
        """Return a new connection with the primary of a share.  Raises RedisError, OSError.

        ``moved_to`` is the node that another named instead of itself.
        """


def connections(url: str, budget: TimeBudget = DEFAULT_BUDGET) -> Connections:
    """Return how to reach what a URL names (core/servers.py).  Raises ValueError for one that names no server."""
    named = servers(url)
    hosts = tuple(_options(each, budget) for each in named.urls)
    match named.topology:
        case Topology.ONE:
            return Standalone(hosts[0])
        case Topology.SENTINEL:
            own = {"username": None, "password": None, **named.sentinel_login, "db": 0}
            sentinels = tuple(Options(host.kind, host.arguments | own) for host in hosts)
            return SentinelGroup(named.group, sentinels, hosts[0], budget.ask_s)
        case Topology.CLUSTER:
            return Cluster(hosts, budget.ask_s)


def reason(error: BaseException) -> str:
    """Return an error in few words: the address once, and what the system says, not each layer's way of saying it."""
    refused = _NOT_CONNECTED.fullmatch(str(error))
    if refused is None:
        return str(error) or type(error).__name__
    called = _CALL_FAILED.match(refused["words"])
    number = called and (called["number"] or refused["number"])
    return f"{refused['address']}: {os.strerror(int(number)) if number else refused['words'].removesuffix('.')}"


@dataclass(frozen=True, slots=True)
class Options:
    """What redis-py wants to know to open a connection."""

    kind: type[AbstractConnection]
    arguments: dict[str, Any] = field(repr=False)
    names: HostNames = field(default_factory=HostNames, repr=False, compare=False)

    @property
    def node(self) -> Node:
        """Host and port."""
        return self.arguments.get("host", "localhost"), self.arguments.get("port", 6379)

    async def open(self, node: Node | None = None) -> AbstractConnection:
        """Return a new connection, with another node of the same kind if one is given.

        Raises RedisError, OSError.
        """
        if "path" in self.arguments:
            return await _connected(self.kind(**self.arguments))
        host, port = node or self.node
        kind, arguments = by_address(self.kind), self.arguments | {"host": host, "port": port}
        *others, last = await self._addresses(host, port)
        for address in others:
            try:
                return await _connected(kind(**arguments, address=address))
            except RedisConnectionError as error:
                if not isinstance(error.__context__, OSError):  # there it is, and does not want us
                    raise
        return await _connected(kind(**arguments, address=last))

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return await self.names.addresses(host, port)
        except OSError as error:
            raise RedisConnectionError(f"{host}:{port}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class Standalone:
    """One server."""

    options: Options

    def shard(self, _key: str) -> int:
        """Return the only share."""
        return 0

    async def open(self, _shard: int, _moved_to: Node | None = None) -> AbstractConnection:
        """Return a new connection."""
        return await self.options.open()


@dataclass(frozen=True, slots=True)
class SentinelGroup:
    """The primary that Sentinels name.  They are asked for each new connection, in turn until one knows."""

    group: str
    sentinels: tuple[Options, ...]
    primary: Options
    ask_s: float

    def shard(self, _key: str) -> int:
        """Return the only share."""
        return 0

    async def open(self, _shard: int, _moved_to: Node | None = None) -> AbstractConnection:
        """Return a new connection with the primary."""
        return await self.primary.open(await _first_answer((self._asked(each) for each in self.sentinels), self.ask_s))

    async def _asked(self, sentinel: Options) -> Node | None:
        async with _passing(sentinel) as connection:
            match await _ask(connection, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.group):
                case [bytes(host), bytes(port)]:
                    return host.decode(), int(port)
        return None


@dataclass(frozen=True, slots=True)
class Cluster:
    """The primaries of a Cluster's slots, which any node names: again for each new connection."""

    seeds: tuple[Options, ...]
    ask_s: float

    def shard(self, key: str) -> int:
        """Return a key's slot."""
        return key_slot(key.encode())

    async def open(self, shard: int, moved_to: Node | None = None) -> AbstractConnection:
        """Return a new connection with the primary of a slot; with whom the last one named, if it did."""
        primary = moved_to or await _first_answer((self._asked(seed, shard) for seed in self.seeds), self.ask_s)
        return await self.seeds[0].open(primary)

    async def _asked(self, seed: Options, slot: int) -> Node | None:
        async with _passing(seed) as connection:
            ranges: Any = await _ask(connection, "CLUSTER", "SLOTS")
            for first, last, (host, port, *_), *_ in ranges:
                if first <= slot <= last:
                    return (host.decode() if host else seed.node[0]), port
        return None


def _options(url: str, budget: TimeBudget) -> Options:
    """Return the options for one server's URL.

    redis-py retries nothing.  Only the caller knows whether a command that may have been applied can be sent again
    without harm.  A read has no time-out of its own; the caller's deadline covers a whole batch.
    """
    arguments: dict[str, Any] = dict(parse_url(url))
    kind = arguments.pop("connection_class", Connection)
    arguments |= {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": budget.connect_s,
        "socket_timeout": None,
    }
    return Options(kind, arguments)


async def _connected(connection: AbstractConnection) -> AbstractConnection:
    await connection.connect()  # type: ignore[no-untyped-call]  # redis-py declares none here
    return connection


@asynccontextmanager
async def _passing(options: Options) -> AsyncIterator[AbstractConnection]:
    """Open a connection for one question."""
    connection = await options.open()
    try:
        yield connection
    finally:
        await connection.disconnect(nowait=True)


async def _ask(connection: AbstractConnection, *command: str) -> object:
    await connection.send_command(*command, check_health=False)
    answer: object = await connection.read_response()
    return answer


async def _first_answer(questions: Iterable[Awaitable[Node | None]], ask_s: float) -> Node:
    """Return where the primary is, as the first of those asked who knows says, each within ``ask_s``.

    Raises RedisConnectionError.
    """
    node, faults = None, []
    for question in questions:
        try:
            async with asyncio.timeout(ask_s):
                node = await question
        except (RedisError, OSError, TimeoutError) as error:
            faults.append(f"{type(error).__name__} {error}")
        if node is not None:
            return node
    raise RedisConnectionError(f"nobody knows where the primary is{': ' if faults else ''}{'; '.join(faults)}")
