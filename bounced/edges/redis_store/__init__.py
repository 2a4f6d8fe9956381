"""The Store kept in Redis: group-committed, atomic, idempotent."""

from bounced.edges.redis_store.durabilities import Durability, Misconfigured, durability
from bounced.edges.redis_store.store import RedisStore

__all__ = ["Durability", "Misconfigured", "RedisStore", "durability"]
