"""redis-py's clients for every URL that the daemon takes; none of them sends an entry twice by itself."""

import threading
from asyncio import Task, create_task, shield
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Generic, ParamSpec, TypeVar

from redis import Redis, RedisCluster, asyncio
from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import HiredisRespSerializer, SSLConnection, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel
from redis.utils import HIREDIS_AVAILABLE

from bounced.core.servers import Servers, Topology, servers

CONNECT_TIMEOUT_S = 2.0
TIMEOUT_S = 5.0
ASKING_TIMEOUT_S = 0.6
"""How long one Sentinel may take to say where the primary is, before the next is asked."""

_IN_PART: dict[str, Any] = {"require_full_coverage": False}
_NEVER_ANEW: dict[str, Any] = {"reinitialize_steps": 2**62}
"""After five replies MOVED, the asyncio client of a Cluster would close the connections of all calls under way, to ask
where the slots are.  Each such reply says it already.  0 would be never, but in a pipeline redis-py divides by it."""
_ASKING: dict[str, Any] = {"socket_timeout": ASKING_TIMEOUT_S, "socket_connect_timeout": ASKING_TIMEOUT_S}

AGAIN = (RedisConnectionError, MovedError)
"""After these a question is asked once more: the connection was lost, or the slot of a transaction has moved.  redis-py
follows a slot outside of transactions only."""

Node = tuple[str, int]
T = TypeVar("T")
P = ParamSpec("P")


class _Sentinels(Sentinel):
    """Sentinels whose connections are closed after each answer: nobody else would close them."""

    def discover_master(self, service_name: str) -> Node:
        """Return host and port of the primary."""
        try:
            found: Node = super().discover_master(service_name)  # type: ignore[no-untyped-call]  # nor below
            return found
        finally:
            for sentinel in self.sentinels:
                sentinel.close()


class _AsyncSentinels(AsyncSentinel):
    """The same for asyncio."""

    async def discover_master(self, service_name: str) -> Node:
        """Return host and port of the primary."""
        try:
            found: Node = await super().discover_master(service_name)
            return found
        finally:
            for sentinel in self.sentinels:
                await sentinel.aclose()


class _Shared(Generic[P, T]):
    """A call whose outcome is also that of the threads that ask for it while it is under way.

    Many calls may need to know at once where the servers are.  Sentinels would be asked over connections that others
    close; a Cluster that hangs would be asked by one thread after the other, the last of which waits for all time-outs.
    """

    def __init__(self, call: Callable[P, T]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._under_way: Future[T] | None = None

    def __call__(self, *arguments: P.args, **more: P.kwargs) -> T:
        """Make the call, or wait for the one under way."""
        with self._lock:
            first, outcome = self._under_way is None, self._under_way or Future()
            self._under_way = outcome
        if first:
            try:
                outcome.set_result(self._call(*arguments, **more))
            except BaseException as error:  # noqa: BLE001 - raised below, in every thread
                outcome.set_exception(error)
            with self._lock:
                self._under_way = None
        return outcome.result()


class _AsyncShared(Generic[P, T]):
    """The same for tasks."""

    def __init__(self, call: Callable[P, Coroutine[Any, Any, T]]) -> None:
        self._call = call
        self._under_way: Task[T] | None = None

    async def __call__(self, *arguments: P.args, **more: P.kwargs) -> T:
        """Make the call, or wait for the one under way."""
        if self._under_way is None:
            self._under_way = create_task(self._call(*arguments, **more))
            self._under_way.add_done_callback(self._end)
        return await shield(self._under_way)

    def _end(self, task: Task[T]) -> None:
        self._under_way = None
        if not task.cancelled():
            task.exception()  # all who waited may have given up


class _Packing:
    """A connection whose commands hiredis packs, as in redis-py's plain connections but not in its asyncio ones."""

    def pack_command(self, *arguments: object) -> list[bytes]:
        """Return the octets of one command."""
        packed: list[bytes] = HiredisRespSerializer().pack(*arguments)  # type: ignore[arg-type]
        return packed


@contextmanager
def redis_errors() -> Iterator[None]:
    """Raise redis-py's errors about a Cluster that cannot be reached as RedisError, like all others."""
    try:
        yield
    except RedisClusterException as error:
        raise RedisConnectionError(str(error)) from error


@contextmanager
def closed_by_others() -> Iterator[None]:
    """Raise what a call hears whose connection redis-py closed for another call as the loss of a connection.

    When a node fails one call, the asyncio client of a Cluster closes the connections of the others with it.  They
    then fail inside redis-py and asyncio, on a writer that is None or a transport that is closed.
    """
    try:
        yield
    except (AttributeError, OSError, RuntimeError) as error:
        raise RedisConnectionError(f"the connection was closed meanwhile: {error}") from error


def plain(url: str, timeout_s: float = TIMEOUT_S) -> Redis | RedisCluster:
    """Return a client of what a URL names (core/servers.py).  It connects when first asked, to a Cluster at once."""
    named, settings = servers(url), _settings(Retry(NoBackoff(), 0), timeout_s)
    if named.topology is Topology.ONE:
        return Redis.from_url(url, **settings)
    nodes, options = _named(named, settings)
    if named.topology is Topology.CLUSTER:
        with redis_errors():
            startup_nodes = [ClusterNode(*node) for node in nodes]  # type: ignore[no-untyped-call]
            cluster = RedisCluster(startup_nodes=startup_nodes, **_IN_PART, **options)
        cluster.nodes_manager.initialize = _Shared(cluster.nodes_manager.initialize)  # type: ignore[method-assign]
        return cluster
    sentinels = _Sentinels(nodes, sentinel_kwargs=_login(named, options), **options)  # type: ignore[no-untyped-call]
    sentinels.discover_master = _Shared(sentinels.discover_master)  # type: ignore[method-assign]
    primary: Redis = sentinels.master_for(named.group)  # type: ignore[no-untyped-call]
    return primary


def asynchronous(url: str, timeout_s: float = TIMEOUT_S) -> asyncio.Redis | asyncio.RedisCluster:
    """Return the same for asyncio.  It connects when first asked."""
    named, settings = servers(url), _settings(AsyncRetry(NoBackoff(), 0), timeout_s)
    if named.topology is Topology.ONE:
        return _packing(asyncio.Redis.from_url(url, **settings))
    nodes, options = _named(named, settings)
    if named.topology is Topology.CLUSTER:
        startup_nodes = [AsyncClusterNode(*node) for node in nodes]
        return asyncio.RedisCluster(startup_nodes=startup_nodes, **_IN_PART, **_NEVER_ANEW, **options)
    own = _login(named, options)
    sentinels = _AsyncSentinels(nodes, sentinel_kwargs=own, **options)  # type: ignore[no-untyped-call]
    sentinels.discover_master = _AsyncShared(sentinels.discover_master)  # type: ignore[method-assign]
    return _packing(sentinels.master_for(named.group))


def _packing(redis: asyncio.Redis) -> asyncio.Redis:
    """Let hiredis pack, where it is installed: asking about many addresses is twice as fast."""
    pool = redis.connection_pool
    if HIREDIS_AVAILABLE:
        pool.connection_class = type("Packing", (_Packing, pool.connection_class), {})
    return redis


def _settings(retry: object, timeout_s: float) -> dict[str, Any]:
    """Return how each connection is made.

    Version 3 of the protocol would turn on notices of maintenance, and with them redis-py's asyncio pool hands out
    connections that a restarted server has closed.
    """
    return {
        "decode_responses": True,
        "protocol": 2,
        "retry": retry,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, timeout_s),
    }


def _named(named: Servers, settings: dict[str, Any]) -> tuple[list[Node], dict[str, Any]]:
    """Return where the hosts of a group or a Cluster are, and how to connect with each."""
    each: list[dict[str, Any]] = [dict(parse_url(url)) for url in named.urls]  # type: ignore[no-untyped-call]
    nodes = [(host.pop("host", "localhost"), host.pop("port", 6379)) for host in each]
    encrypted = each[0].pop("connection_class", None) is SSLConnection
    return nodes, {**each[0], "ssl": encrypted, **settings}


def _login(named: Servers, options: dict[str, Any]) -> dict[str, Any]:
    """Return how to connect with the Sentinels themselves: encrypted as the servers, with a login of their own."""
    shared = {name: value for name, value in options.items() if name.startswith("ssl") or name == "retry"}
    return {**shared, **named.sentinel_login, **_ASKING}
