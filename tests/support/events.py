"""The stream of events of a store, as a test reads it."""

from bounced.edges.memory_store import MemoryStore
from bounced.edges.redis import RedisStore
from bounced.edges.redis.wire import fields


async def recent_events(store: MemoryStore | RedisStore, list_: str, limit: int) -> list[dict[str, str]]:
    """Return the newest events, newest first."""
    if isinstance(store, MemoryStore):
        return store._lists[list_].events[: -limit - 1 : -1]
    entries = await store.read(list_, "XREVRANGE", store.keyspace(list_).events, "+", "-", "COUNT", limit)
    assert isinstance(entries, list)
    return [fields(entry[1]) for entry in entries if isinstance(entry, list)]
