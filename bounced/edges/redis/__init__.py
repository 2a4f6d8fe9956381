"""The Store kept in Redis: group-committed, atomic, idempotent."""

from bounced.edges.redis.durabilities import Durability, durability
from bounced.edges.redis.store import RedisStore
from bounced.ports import Misconfigured

__all__ = ["Durability", "Misconfigured", "RedisStore", "durability"]
