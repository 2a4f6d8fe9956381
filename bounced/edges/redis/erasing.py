"""An address taken out of everything that a list holds: keys, sets, streams, and texts about others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain, pairwise

from redis.exceptions import NoPermissionError

from bounced.core.contract.state_hash import to_stored
from bounced.core.mailbox import AddressId, BadAddress, normalise
from bounced.core.reading.mention import Mention
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, State
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import Argument, Reply, fields, in_glob, text, texts
from bounced.ports import StoreUnavailable

AT_ONCE = 500
MESSAGES_AT_ONCE = 20
MAX_ROUNDS = 5

_FIND = files(__package__).joinpath("find.lua").read_bytes()
_FIND_ENTRIES = files(__package__).joinpath("find_entries.lua").read_bytes()
_REPLACE = b"""
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1"""
_KEEP = b"""
redis.call('SCARD', KEYS[2])  -- fails where the type is wrong, before anything is written
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('SADD', KEYS[2], ARGV[1])
return 1"""
_FORGET = b"""
redis.call('SCARD', KEYS[3])
redis.call('ZCARD', KEYS[4])
if redis.call('HGET', KEYS[1], 'state') == 'bouncing' then
  redis.call('HINCRBY', KEYS[2], math.floor(redis.call('EXPIRETIME', KEYS[1]) / 86400), -1)
end
local keys = redis.call('DEL', KEYS[1])
return {keys, redis.call('SREM', KEYS[3], ARGV[1]) + redis.call('ZREM', KEYS[4], ARGV[1])}"""

Advance = Callable[[int], None]
"""Hears how many more keys and entries were looked at."""


class ScanForbidden(Exception):  # noqa: N818 - says what is so
    """The user of the server may not look for keys, so nobody could say that nothing is left."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was taken out: keys, members of sets, entries of streams, and mentions in texts about others."""

    keys: int = 0
    members: int = 0
    entries: int = 0
    mentions: int = 0

    def __add__(self, other: "Erased") -> "Erased":
        return Erased(
            self.keys + other.keys,
            self.members + other.members,
            self.entries + other.entries,
            self.mentions + other.mentions,
        )

    def __bool__(self) -> bool:
        return self != Erased()


async def complained(store: RedisStore, list_: str, address: str) -> bool:
    """Return whether an address is suppressed and somebody there once complained.  Raises StoreUnavailable.

    It asks for single fields, so that an unreadable state can be erased too.
    """
    keys = store.keyspace(list_)
    held = fields(await store.read(list_, "HGETALL", keys.address(keys.address_id(address))))
    if held.get("state") != State.SUPPRESSED:
        return False
    history = await store.history(list_, address)
    marks = (f'"class":"{Class.COMPLAINT}"', f'"reason":"{Category.COMPLAINT}"')
    said = any(mark in event for event in history for mark in marks)
    return held.get("category") == Category.COMPLAINT or said


async def check_scan(store: RedisStore, list_: str) -> None:
    """Raise ScanForbidden where the server would not let us look for keys, StoreUnavailable where it is away."""
    try:
        await store.read(list_, "SCAN", "0", "COUNT", 1)
    except StoreUnavailable as error:
        if isinstance(error.__cause__, NoPermissionError):
            raise ScanForbidden(str(error.__cause__)) from error
        raise


async def rewrite_append_only_file(store: RedisStore, list_: str, pause_s: float = 0.05) -> None:
    """Let the server write its file anew, of what it holds now, and return when that is done.

    Until then the file has every command that was ever written, those with an erased address too.  It is written as
    commands: the form of a snapshot would hold the octets of entries that were deleted from a stream, as long as other
    entries of the same node are there.  A rewrite that is under way began before the erasure, so it does not do.
    Raises StoreUnavailable, also where the rewrite fails.
    """
    await _rewritten(store, list_, pause_s)
    await store.write(list_, "CONFIG", "SET", "aof-use-rdb-preamble", "no")
    try:
        await store.write(list_, "BGREWRITEAOF")
        ended = await _rewritten(store, list_, pause_s)
    finally:
        await store.write(list_, "CONFIG", "SET", "aof-use-rdb-preamble", "yes")
    if ended != "ok":
        raise StoreUnavailable("the server could not rewrite its append-only file, see its log")


async def _rewritten(store: RedisStore, list_: str, pause_s: float) -> str:
    """Wait until no rewrite is under way or waits for its turn; return how the last one ended."""
    while True:
        found = await _persistence(store, list_)
        if found.get("aof_rewrite_in_progress") == found.get("aof_rewrite_scheduled") == "0":
            return found.get("aof_last_bgrewrite_status", "")
        await asyncio.sleep(pause_s)


async def _persistence(store: RedisStore, list_: str) -> dict[str, str]:
    told = text(await store.read(list_, "INFO", "persistence"))
    return dict(line.split(":", 1) for line in told.splitlines() if ":" in line)


async def erase(
    store: RedisStore, list_: str, address: str, advance: Advance, *, kept: AddressId | None = None
) -> Erased:
    """Take an address out of everything that a list holds, and look again until nothing is found.

    ``kept`` is the keyed hash that stays suppressed in its place.
    Raises StoreUnavailable, also where others keep writing the address; doing it again goes on.
    """
    eraser = _Eraser(store, list_, address, advance, kept)
    await eraser.keep()
    erased = await eraser.erase_own()
    for _ in range(MAX_ROUNDS):
        found = await eraser.erase_mentions()
        erased += found
        if not found:
            return erased
    raise StoreUnavailable(f"the address was written again while it was erased, {MAX_ROUNDS} times")


class _Eraser:
    """Takes one address out of one list."""

    def __init__(self, store: RedisStore, list_: str, address: str, advance: Advance, kept: AddressId | None) -> None:
        self._store = store
        self._list = list_
        self._keys = store.keyspace(list_)
        self._address = address
        self._ids = tuple(dict.fromkeys((address, self._keys.address_id(address))))
        self._mention = Mention(address, self._ids)
        self._advance = advance
        self._kept = kept
        self._of_hooks = set[str]()

    async def keep(self) -> None:
        """Write the keyed hash that stays suppressed, before anything is erased."""
        if self._kept is None:
            return
        before = await self._store.load(self._list, self._kept)
        said = AddressState(State.SUPPRESSED, Category.COMPLAINT, Class.COMPLAINT, before.since)
        state = chain.from_iterable(to_stored(said, before.version + 1).items())
        names = (self._keys.address(self._kept), self._keys.suppressed)
        await self._write("EVAL", _KEEP, len(names), *names, self._kept, *state)

    async def erase_own(self) -> Erased:
        """Erase what is found under the address's own name."""
        erased = Erased()
        for id_ in self._ids:
            erased += Erased(keys=await self._write("DEL", self._keys.history(id_)))
            if id_ == self._kept:
                erased += Erased(members=await self._write("ZREM", self._keys.due, id_))
            else:
                erased += await self._forget(id_)
        return erased

    async def erase_mentions(self) -> Erased:
        """Look at every key and every entry once."""
        erased, keys = Erased(), self._keys
        async for key in self._candidates():
            erased += await self._erase_from(key)
        for stream in self._of_hooks:
            erased += await self._erase_entries(stream, self._mention.forms, AT_ONCE)
        for stream in (keys.events, keys.bulk, keys.blocks, keys.intake, keys.intake_failed, keys.complaints):
            erased += await self._erase_entries(stream, self._mention.forms, AT_ONCE)
        return erased + await self._erase_entries(keys.unrecognised, ("",), MESSAGES_AT_ONCE)

    async def _candidates(self) -> AsyncIterator[str]:
        """Yield the keys that may hold the address."""
        keys, cursor = self._keys, "0"
        pattern = f"{in_glob(keys.address('')[: -len('address:')])}*"
        hooks = (keys.undelivered(""), keys.hook_again(""))
        passed_over = {keys.suppressed, keys.due, keys.address(self._kept or "")}
        while True:
            reply = await self._store.read(self._list, "SCAN", cursor, "MATCH", pattern, "COUNT", AT_ONCE)
            assert isinstance(reply, list)
            cursor, found = text(reply[0]), [key for key in texts(reply[1]) if key not in passed_over]
            self._of_hooks.update(key for key in found if key.startswith(hooks))
            if found:
                places = await self._ask(_FIND, found, self._mention.forms)
                for place in places:
                    assert isinstance(place, int)
                    yield found[place - 1]
            self._advance(len(found))
            if cursor == "0":
                return

    async def _erase_from(self, key: str) -> Erased:
        """Erase the address from one key, whatever its type."""
        written_again = {self._keys.address(id_): id_ for id_ in self._ids}
        if key in written_again:
            return await self._forget(written_again[key])
        if key in {self._keys.history(id_) for id_ in self._ids}:
            return Erased(keys=await self._write("DEL", key))
        match text(await self._store.read(self._list, "TYPE", key)):
            case "hash":
                return await self._erase_from_hash(key)
            case "list":
                return await self._erase_each(("LRANGE", key, 0, -1), ("LREM", key, 0))
            case "zset":
                return await self._erase_each(("ZRANGE", key, 0, -1), ("ZREM", key))
            case "set":
                return await self._erase_each(("SMEMBERS", key), ("SREM", key))
        return Erased()

    async def _erase_from_hash(self, key: str) -> Erased:
        held = fields(await self._store.read(self._list, "HGETALL", key))
        if self._is_meant(held.get("recipient", "")):
            return Erased(keys=await self._write("DEL", key))
        mentions = {name: value for name, value in held.items() if self._mention.within(value)}
        for name, value in mentions.items():
            await self._store.write(self._list, "EVAL", _REPLACE, 1, key, name, value, self._mention.without(value))
        return Erased(mentions=len(mentions))

    async def _erase_each(self, reading: Sequence[Argument], removing: Sequence[Argument]) -> Erased:
        """Remove the elements of a list, a set or a sorted set that hold the address."""
        held = texts(await self._store.read(self._list, *reading))
        found = [element for element in held if self._mention.within(element)]
        for element in found:
            await self._write(*removing, element)
        return Erased(mentions=len(found))

    async def _erase_entries(self, stream: str, forms: Sequence[str], at_once: int) -> Erased:
        """Remove the entries of a stream that hold the address."""
        begin, entries = "-", 0
        while True:
            last, *found = await self._ask(_FIND_ENTRIES, [stream], (begin, at_once, *forms))
            if not text(last):
                return Erased(entries=entries)
            ids = [text(entry[0]) for entry in found if isinstance(entry, list) and self._holds(entry[1])]
            entries += await self._write("XDEL", stream, *ids) if ids else 0
            self._advance(at_once)
            begin = f"({text(last)}"

    def _holds(self, entry: Reply) -> bool:
        """Return whether a field of an entry holds the address, content also in its encodings."""
        assert isinstance(entry, list)
        for name, value in list(pairwise(entry))[::2]:
            assert isinstance(value, bytes)
            is_content = name == b"content"
            if self._mention.within_message(value) if is_content else self._mention.within(text(value)):
                return True
            if name == b"address" and self._is_meant(text(value)):
                return True
        return False

    def _is_meant(self, address: str) -> bool:
        """Return whether somebody else's way of writing an address means this one."""
        try:
            return normalise(address) == normalise(self._address)
        except BadAddress:
            return False

    async def _forget(self, id_: str) -> Erased:
        """Delete a state with its places on the list and among those that are due; count it no longer.

        All at once: a bounce that comes meanwhile must not leave an address on the list that has no state.
        """
        keys = self._keys
        names = (keys.address(id_), keys.bouncing, keys.suppressed, keys.due)
        match await self._store.write(self._list, "EVAL", _FORGET, len(names), *names, id_):
            case [int(own), int(members)]:
                return Erased(keys=own, members=members)
        raise AssertionError("the script answers with two numbers")

    async def _ask(self, script: bytes, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Reply]:
        reply = await self._store.read(self._list, "EVAL", script, len(keys), *keys, *arguments)
        assert isinstance(reply, list)
        return reply

    async def _write(self, *command: Argument) -> int:
        reply = await self._store.write(self._list, *command)
        assert isinstance(reply, int)
        return reply
