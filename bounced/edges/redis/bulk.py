"""Many states of a list at once, for import and export: one round trip a batch; each change is told in `bulk`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple, Protocol

from bounced.core.contract.imported import Import, event_form, imported_event_id
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import from_fields, scrubbed, to_fields
from bounced.core.contract.times import unix
from bounced.core.state import NOTHING_KNOWN, AddressState
from bounced.edges.redis.compact_json import encode
from bounced.edges.redis.script import MostEvents
from bounced.edges.redis.wire import Argument, Reply, fields, in_glob, text, texts
from bounced.ports import StoreUnavailable, WrongTypeOfAddress

BATCH = 100
LOOKED_AT_ONCE = 2000
"""How many addresses the server compares, or names, in one command."""
FIRST = "0"
"""The cursor of the first page of a set, as SSCAN has it."""
MAX_ROUNDS = 100
WRITE = files(__package__).joinpath("bulk.lua").read_bytes()
READ = b"""
local states = {}
for i, key in ipairs(KEYS) do
  local state = redis.pcall('HGETALL', key)
  states[i] = state.err and string.find(state.err, 'WRONGTYPE', 1, true) and 'wrong type' or state
end
return states"""

READ_HISTORIES = b"""
local histories = {}
for i, key in ipairs(KEYS) do
  local history = redis.pcall('LRANGE', key, 0, -1)
  histories[i] = history.err and 'wrong type' or history
end
return histories"""

PAGE = 250
"""How many states the server gives in one command while it is asked for all of them."""
_Listed = tuple[str, Mapping[str, str]]
"""An address on the list, in the form that keys carry, and the fields of its state."""
_OWN = ("form", "version", "due", "address", "id", "before")
"""What bulk.lua is told of an item before the values of its state."""

Merge = Callable[[AddressState], AddressState]
"""Returns the state to be written, or the very same object where nothing is to be written."""
Item = tuple[str, Merge]
"""A normalised address, and what becomes of it."""


class _Change(NamedTuple):
    """A state that is to be written in place of one of this version."""

    item: Item
    id: str
    before: AddressState
    after: AddressState


class Server(Protocol):
    """The part of a store that is needed here."""

    @property
    def most(self) -> MostEvents:
        """About how many entries the streams of events keep."""

    async def read(self, list_: str, *command: Argument) -> Reply:
        """Return the reply to a command that reads keys of one list.  Raises StoreUnavailable."""

    async def write(self, list_: str, *command: Argument) -> Reply:
        """Return the reply to a command that writes keys of one list, once it is durable.  Raises StoreUnavailable."""


async def merge_all(server: Server, keys: Keyspace, items: Sequence[Item], by: Import) -> int:
    """Write what each Merge makes of the state of its normalised address; return how many states changed.

    Each change is told in the stream `bulk`, by the same script call.  An address may occur once only in ``items``.
    Raises StoreUnavailable; what was written then stays written, and doing it again does no harm.
    """
    changed = 0
    for _ in range(MAX_ROUNDS):
        asked = await _changes(server, keys, items)
        if not asked:
            return changed
        stale = await server.write(keys.list_, *_request(keys, asked, by, server.most.bulk))
        assert isinstance(stale, list)
        changed += len(asked) - len(stale)
        items = [asked[place].item for place in stale if isinstance(place, int)]
    raise StoreUnavailable(f"others changed the same addresses {MAX_ROUNDS} times in a row")


async def would_change(server: Server, keys: Keyspace, items: Sequence[Item]) -> int:
    """Return how many states ``merge_all`` would change, and change none.  Raises StoreUnavailable."""
    return len(await _changes(server, keys, items))


async def suppressed_states(server: Server, keys: Keyspace) -> AsyncGenerator[list[_Listed], None]:
    """Yield, a page at a time, every address of the set `suppressed` with the fields of its state.

    They are empty where its key holds a value of another type.  Addresses are in the form that keys carry.  One that
    comes or goes meanwhile may be there, or not, or twice.  The server looks up the next pages while one is used.
    Raises StoreUnavailable.
    """
    ahead = asyncio.create_task(_next_pages(server, keys, FIRST))
    try:
        while True:
            pages, cursor = await ahead
            if cursor != FIRST:
                ahead = asyncio.create_task(_next_pages(server, keys, cursor))
            for page in pages:
                yield page
                await asyncio.sleep(0)  # so that the next pages are asked for, and their replies read
            if cursor == FIRST:
                return
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)


async def suppressed_like(
    server: Server, keys: Keyspace, beginning: str, end: str
) -> AsyncIterator[tuple[int, list[str]]]:
    """Yield the addresses of the set `suppressed` that begin and end so, a page at a time; first, how many it had.

    An address may come twice.  Raises StoreUnavailable.
    """
    cursor, glob = "0", f"{in_glob(beginning)}*{in_glob(end)}"
    while True:
        reply = await server.read(keys.list_, "SSCAN", keys.suppressed, cursor, "MATCH", glob, "COUNT", LOOKED_AT_ONCE)
        assert isinstance(reply, list)
        cursor = text(reply[0])
        yield LOOKED_AT_ONCE, texts(reply[1])
        if cursor == "0":
            return


async def suppressed_page(server: Server, keys: Keyspace, cursor: str, count: int = BATCH) -> tuple[list[_Listed], str]:
    """Return about ``count`` addresses of the set `suppressed` with their states, and the cursor of the next page.

    The cursor is FIRST for the first page, and behind the last one.  Raises StoreUnavailable.
    """
    ids, cursor = await _scanned(server, keys, cursor, count)
    return await _listed(server, keys, ids), cursor


async def histories(server: Server, keys: Keyspace, ids: Sequence[str]) -> list[list[str]]:
    """Return the last events of each address, in the form that keys carry, the newest first; compact JSON.

    None for a history that holds a value of another type.  Raises StoreUnavailable.
    """
    names = [keys.history(id_) for id_ in ids]
    reply = await server.read(keys.list_, "EVAL", READ_HISTORIES, len(names), *names) if names else []
    assert isinstance(reply, list)
    return [texts(history) if isinstance(history, list) else [] for history in reply]


async def _scanned(server: Server, keys: Keyspace, cursor: str, count: int) -> tuple[list[str], str]:
    """Return about ``count`` addresses of the set `suppressed`, and the cursor of the next ones."""
    reply = await server.read(keys.list_, "SSCAN", keys.suppressed, cursor, "COUNT", count)
    assert isinstance(reply, list)
    return texts(reply[1]), text(reply[0])


async def _next_pages(server: Server, keys: Keyspace, cursor: str) -> tuple[list[list[_Listed]], str]:
    """Return some pages of the set `suppressed` with their states, and the cursor of those that follow."""
    ids, cursor = await _scanned(server, keys, cursor, LOOKED_AT_ONCE)
    pages = (ids[at : at + PAGE] for at in range(0, len(ids), PAGE))
    return await asyncio.gather(*(_listed(server, keys, page) for page in pages)), cursor


async def _listed(server: Server, keys: Keyspace, ids: Sequence[str]) -> list[_Listed]:
    found = await states(server, keys, ids)
    return [(id_, held or {}) for id_, held in zip(ids, found, strict=True)]


async def _changes(server: Server, keys: Keyspace, items: Sequence[Item]) -> list[_Change]:
    """Return what is to be written, as the states are now."""
    ids = [keys.address_id(address) for address, _ in items]
    changes = []
    for item, id_, held in zip(items, ids, await states(server, keys, ids), strict=True):
        if held is None:
            raise WrongTypeOfAddress(keys.address(id_))
        before = from_fields(held) if held else NOTHING_KNOWN
        address, merge = item
        after = merge(before)
        if after is not before:
            kept = after if keys.pepper is None else scrubbed(after, address.rpartition("@")[0])
            changes.append(_Change(item, id_, before, kept))
    return changes


async def states(server: Server, keys: Keyspace, ids: Sequence[str]) -> list[dict[str, str] | None]:
    """Return the fields of each state, of addresses in the form that keys carry; None for a value of another type.

    Raises StoreUnavailable.
    """
    names = [keys.address(id_) for id_ in ids]
    reply = await server.read(keys.list_, "EVAL", READ, len(names), *names) if names else []
    assert isinstance(reply, list)
    return [fields(state) if isinstance(state, list) else None for state in reply]


def _request(keys: Keyspace, changes: Sequence[_Change], by: Import, most: int) -> list[Argument]:
    names = [keys.suppressed, keys.due, keys.bouncing, keys.bulk, *(keys.address(change.id) for change in changes)]
    forms: dict[tuple[str, ...], int] = {}
    items = [_asked(keys, change, forms) for change in changes]
    described = [(form, event_form(keys, by, {name: at for at, name in enumerate(_OWN + form, 1)})) for form in forms]
    return ["EVAL", WRITE, len(names), *names, encode(items), most, encode(described)]


def _asked(keys: Keyspace, change: _Change, forms: dict[tuple[str, ...], int]) -> list[str | int]:
    """Return what bulk.lua wants to know of an item; add the names of the fields of its state to ``forms``."""
    before, after, version = change.before.state, change.after, change.before.version
    state = to_fields(after, version + 1)
    form = forms.setdefault(tuple(state), len(forms) + 1)
    told = imported_event_id(keys, change.id, version + 1)
    return [form, version, unix(after.until), change.id, told, before, *state.values()]
