"""Many states of a list at once, for import and export: one round trip a batch, no event for each address."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib.resources import files
from itertools import chain
from typing import Protocol

from bounced.core.keys import Keyspace
from bounced.core.record import from_fields, to_fields
from bounced.core.state import NOTHING_KNOWN, AddressState
from bounced.edges.redis_store.wire import Argument, Reply, fields, text, texts
from bounced.ports import StoreUnavailable

BATCH = 500
MAX_ROUNDS = 100
WRITE = files(__package__).joinpath("bulk.lua").read_bytes()
READ = b"local states = {} for i, key in ipairs(KEYS) do states[i] = redis.call('HGETALL', key) end return states"

Merge = Callable[[AddressState], AddressState]
"""What becomes of a state: off the list, or the very same object where nothing is to be written."""


class Server(Protocol):
    """The part of a store that is needed here."""

    async def read(self, list_: str, *command: Argument) -> Reply:
        """Return the reply to a command that reads keys of one list.  Raises StoreUnavailable."""

    async def write(self, list_: str, *command: Argument) -> Reply:
        """Return the reply to a command that writes keys of one list, once it is durable.  Raises StoreUnavailable."""


async def merge_all(server: Server, keys: Keyspace, items: Sequence[tuple[str, Merge]]) -> int:
    """Write what each Merge makes of the state of its normalised address; return how many states changed.

    Most addresses of an import are new, so the empty state is tried before any is read.  An address may occur once
    only in ``items``.  Raises StoreUnavailable; what was written then stays written, and doing it again does no harm.
    """
    changed = 0
    waiting = [(keys.address_id(address), merge, NOTHING_KNOWN) for address, merge in items]
    for _ in range(MAX_ROUNDS):
        decided = [(id_, merge, state, merge(state)) for id_, merge, state in waiting]
        asked = [item for item in decided if item[3] is not item[2]]
        if not asked:
            return changed
        reply = await server.write(keys.list_, *_request(keys, [(id_, s, after) for id_, _, s, after in asked]))
        assert isinstance(reply, list)
        waiting = []
        for (id_, merge, _, _), answer in zip(asked, reply, strict=True):
            if isinstance(answer, list):
                waiting.append((id_, merge, from_fields(fields(answer))))
            else:
                changed += 1
    raise StoreUnavailable(f"others changed the same addresses {MAX_ROUNDS} times in a row")


async def would_change(server: Server, keys: Keyspace, items: Sequence[tuple[str, Merge]]) -> int:
    """Return how many states ``merge_all`` would change, and change none.  Raises StoreUnavailable."""
    states = await _states(server, keys, [keys.address_id(address) for address, _ in items])
    pairs = ((from_fields(found), merge) for found, (_, merge) in zip(states, items, strict=True))
    return sum(merge(state) is not state for state, merge in pairs)


async def off_the_list(server: Server, keys: Keyspace) -> AsyncIterator[tuple[str, Mapping[str, str]]]:
    """Yield every address of the set `suppressed`, in the form that keys carry, with the fields of its state.

    An address that comes or goes meanwhile may be there, or not, or twice.  Raises StoreUnavailable.
    """
    cursor = "0"
    while True:
        reply = await server.read(keys.list_, "SSCAN", keys.suppressed, cursor, "COUNT", BATCH)
        assert isinstance(reply, list)
        cursor, ids = text(reply[0]), texts(reply[1])
        for id_, state in zip(ids, await _states(server, keys, ids), strict=True):
            yield id_, state
        if cursor == "0":
            return


async def _states(server: Server, keys: Keyspace, ids: Sequence[str]) -> list[dict[str, str]]:
    names = [keys.address(id_) for id_ in ids]
    reply = await server.read(keys.list_, "EVAL", READ, len(names), *names) if names else []
    assert isinstance(reply, list)
    return [fields(state) for state in reply]


def _request(keys: Keyspace, items: Sequence[tuple[str, AddressState, AddressState]]) -> list[Argument]:
    names = [keys.suppressed, keys.due, *(keys.address(id_) for id_, _, _ in items)]
    asked = [
        {
            "address": id_,
            "version": before.version,
            "state": list(chain.from_iterable(to_fields(after, before.version + 1).items())),
            "due": int(after.until.timestamp()) if after.until else 0,
        }
        for id_, before, after in items
    ]
    return ["EVAL", WRITE, len(names), *names, json.dumps(asked, ensure_ascii=False)]
