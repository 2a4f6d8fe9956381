"""Reads how a webhook stands in a list.  Writes nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from itertools import chain

from bounced.core.contract.hook_standing import HookStanding
from bounced.core.contract.hooks import Source, hook_state
from bounced.core.contract.keys import Keyspace
from bounced.core.escape import visible_fields
from bounced.core.numbers import whole
from bounced.edges.redis.event_streams import came_at
from bounced.edges.redis.hook_streams import group_of
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import Reply, fields, text, texts

_LOOK = files(__package__).joinpath("hook_look.lua").read_bytes()


async def hook_standing(store: RedisStore, list_: str, keys: Keyspace, hook: str) -> HookStanding:
    """Return how a webhook stands in a list.  Raises StoreUnavailable."""
    own = (keys.hook(hook), keys.hook_lease(hook), keys.undelivered(hook), keys.hook_again(hook))
    names = (*own, keys.events, keys.bulk)
    reply = await store.read(list_, "EVAL", _LOOK, len(names), *names, group_of(hook))
    assert isinstance(reply, list)
    held, holder, kept, again, *streams = reply
    assert isinstance(kept, int)
    assert isinstance(again, int)
    about = visible_fields(fields(held))
    of_streams = dict(zip((Source.EVENTS, Source.BULK), streams, strict=True))
    return HookStanding(
        state=hook_state(about),
        unread=sum(_unread(about, source, stream) for source, stream in of_streams.items()),
        pending=sum(map(_pending, of_streams.values())),
        oldest_at=min(chain.from_iterable(map(_open_since, of_streams.values())), default=None),
        kept=kept,
        again=again,
        holder=text(holder),
    )


def _unread(about: Mapping[str, str], source: Source, stream: Reply) -> int:
    """Return how many entries of a stream were not read: none of those from before a deliverer began."""
    assert isinstance(stream, list)
    added, read, first = stream[0], whole(about.get(f"counted:{source}")), text(stream[2])
    assert isinstance(added, int)
    return max(1, added - read) if first and read is not None else 0


def _pending(stream: Reply) -> int:
    assert isinstance(stream, list)
    assert isinstance(stream[1], int)
    return stream[1]


def _open_since(stream: Reply) -> list[datetime]:
    """Return when the first entries came that are not read, and not settled."""
    assert isinstance(stream, list)
    return [came_at(id_).astimezone(UTC) for id_ in texts(stream[2:]) if id_]
