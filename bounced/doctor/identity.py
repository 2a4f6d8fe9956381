"""Whether the Redis of a list is the one that this host knows."""

from redis.asyncio.connection import AbstractConnection

from bounced.core.contract.keys import Keyspace
from bounced.doctor.finding import Finding, error, ok
from bounced.edges.redis.identities import Identities, server_facts
from bounced.edges.redis.wire import call


async def examine_identity(connection: AbstractConnection, keys: Keyspace, remembered: Identities) -> Finding:
    """Return whether the server behind an open connection is the one that kept a list.  Raises RedisError."""
    subject = f"Redis identity {keys.list_}"
    seen = server_facts(await call(connection, "TIME"), await call(connection, "HGET", keys.identity, "id"))
    if fault := seen.identity_fault(remembered.known(keys.identity)):
        advice = "Is redis.url right? Restore or import the list. If it is wanted so: bounced accept-redis"
        return error(subject, fault, advice)
    if not seen.identity:
        return ok(subject, "none yet: the daemon gives it one when it runs")
    met = remembered.has_met(keys.identity, seen.identity)
    return ok(subject, f"{seen.identity}, {'as this host knows it' if met else 'which this host has not met yet'}")
