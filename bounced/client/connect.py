"""redis-py's clients for every URL that the daemon takes; none of them sends anything twice by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from redis import Redis, RedisCluster, asyncio
from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import HiredisRespSerializer, SSLConnection, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel
from redis.utils import HIREDIS_AVAILABLE

from bounced.core.servers import Servers, Topology, servers

CONNECT_TIMEOUT_S = 2.0
TIMEOUT_S = 5.0
ASKING_TIMEOUT_S = 0.6
"""How long one Sentinel may take to say where the primary is, before the next is asked."""

_IN_PART: dict[str, Any] = {"require_full_coverage": False}
_ASKING: dict[str, Any] = {"socket_timeout": ASKING_TIMEOUT_S, "socket_connect_timeout": ASKING_TIMEOUT_S}

Node = tuple[str, int]
AnyRedis = TypeVar("AnyRedis", Redis, asyncio.Redis)


class _Sentinels(Sentinel):
    """Sentinels that are asked over connections of each question's own, which are closed when it is answered.

    Many connections are opened at once, each with this question; and nobody else would close them.
    """

    def discover_master(self, service_name: str) -> Node:
        """Return host and port of the primary."""
        asked = Sentinel([_node(each) for each in self.sentinels], sentinel_kwargs=self.sentinel_kwargs)  # type: ignore[no-untyped-call]  # nor below
        try:
            found: Node = asked.discover_master(service_name)  # type: ignore[no-untyped-call]
        finally:
            for sentinel in asked.sentinels:
                sentinel.close()
        self.sentinels = _first(self.sentinels, _node(asked.sentinels[0]))
        return found


class _AsyncSentinels(AsyncSentinel):
    """The same for asyncio."""

    async def discover_master(self, service_name: str) -> Node:
        """Return host and port of the primary."""
        asked = AsyncSentinel([_node(each) for each in self.sentinels], sentinel_kwargs=self.sentinel_kwargs)  # type: ignore[no-untyped-call]  # nor below
        try:
            found: Node = await asked.discover_master(service_name)
        finally:
            for sentinel in asked.sentinels:
                await sentinel.aclose()
        self.sentinels = _first(self.sentinels, _node(asked.sentinels[0]))
        return found


class _Packing:
    """A connection that has hiredis pack its commands, as redis-py's plain ones do but those for asyncio do not."""

    def pack_command(self, *arguments: object) -> list[bytes]:
        """Return the octets of one command."""
        packed: list[bytes] = HiredisRespSerializer().pack(*arguments)  # type: ignore[arg-type]
        return packed


@contextmanager
def redis_errors() -> Iterator[None]:
    """Raise what redis-py says of a Cluster it cannot reach as the RedisError that everything else is."""
    try:
        yield
    except RedisClusterException as error:
        raise RedisConnectionError(str(error)) from error


def plain(url: str, timeout_s: float = TIMEOUT_S) -> Redis | RedisCluster:
    """Return a client of what a URL names (core/servers.py).  It connects when first asked, to a Cluster at once."""
    named, settings = servers(url), _settings(Retry(NoBackoff(), 0), timeout_s)
    if named.topology is Topology.ONE:
        return Redis.from_url(url, **settings)
    nodes, options = _named(named, settings)
    if named.topology is Topology.CLUSTER:
        with redis_errors():
            startup_nodes = [ClusterNode(*node) for node in nodes]  # type: ignore[no-untyped-call]
            return RedisCluster(startup_nodes=startup_nodes, **_IN_PART, **options)
    sentinels = _Sentinels(nodes, sentinel_kwargs=_login(named, options), **options)  # type: ignore[no-untyped-call]
    primary: Redis = sentinels.master_for(named.group)  # type: ignore[no-untyped-call]
    return primary


def asynchronous(url: str, timeout_s: float = TIMEOUT_S) -> asyncio.Redis | asyncio.RedisCluster:
    """Return the same for asyncio.  It connects when first asked."""
    named, settings = servers(url), _settings(AsyncRetry(NoBackoff(), 0), timeout_s)
    if named.topology is Topology.ONE:
        return _packing(asyncio.Redis.from_url(url, **settings))
    nodes, options = _named(named, settings)
    if named.topology is Topology.CLUSTER:
        return asyncio.RedisCluster(startup_nodes=[AsyncClusterNode(*node) for node in nodes], **_IN_PART, **options)
    own = _login(named, options)
    sentinels = _AsyncSentinels(nodes, sentinel_kwargs=own, **options)  # type: ignore[no-untyped-call]
    return _packing(sentinels.master_for(named.group))


def _packing(redis: asyncio.Redis) -> asyncio.Redis:
    """Let hiredis pack, where it is installed: asking about many addresses is twice as fast."""
    pool = redis.connection_pool
    if HIREDIS_AVAILABLE:
        pool.connection_class = type("Packing", (_Packing, pool.connection_class), {})
    return redis


def _settings(retry: object, timeout_s: float) -> dict[str, Any]:
    return {
        "decode_responses": True,
        "retry": retry,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, timeout_s),
    }


def _node(sentinel: Redis | asyncio.Redis) -> Node:
    where = sentinel.connection_pool.connection_kwargs
    return where["host"], where["port"]


def _first(sentinels: list[AnyRedis], node: Node) -> list[AnyRedis]:
    """Return the Sentinels with the one first that knew the answer: it is asked first the next time."""
    return sorted(sentinels, key=lambda each: _node(each) != node)


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
