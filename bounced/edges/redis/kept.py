"""The messages of `unrecognised`: what gave no reason, or was not proven, and is kept to be read again."""

from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import fields, text

MESSAGES_AT_ONCE = 20


class KeptMessage(NamedTuple):
    """One entry: its id in the stream, the fields of its event, and the beginning of the message."""

    id: str
    fields: Mapping[str, str]
    content: bytes


async def kept_messages(store: RedisStore, list_: str, begin: str = "-", end: str = "+") -> AsyncIterator[KeptMessage]:
    """Yield the messages that a list keeps between two positions, the oldest first.  Raises StoreUnavailable."""
    stream = store.keyspace(list_).unrecognised
    while True:
        reply = await store.read(list_, "XRANGE", stream, begin, end, "COUNT", MESSAGES_AT_ONCE)
        assert isinstance(reply, list)
        for entry in reply:
            assert isinstance(entry, list)
            assert isinstance(entry[1], list)
            content = dict(zip(entry[1][::2], entry[1][1::2], strict=True)).get(b"content")
            assert isinstance(content, bytes)
            begin = f"({text(entry[0])}"
            yield KeptMessage(text(entry[0]), fields(entry[1]), content)
        if not reply:
            return
