"""The Store kept in Redis: group-committed, atomic, idempotent."""

from bounced.edges.redis.durabilities import Durability, Misconfigured, durability
from bounced.edges.redis.store import RedisStore

__all__ = ["Durability", "Misconfigured", "RedisStore", "durability"]
