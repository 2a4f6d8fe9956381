"""What log lines say, written into the intake together with how far the log was read: exactly once.

How it works.  One script call writes the entries of some lines and the place behind these, if the place that is known
is the one that the caller knows.  Whoever was killed asks for the places, reads the lines again, and passes over those
before them.  Where the intake is long already nothing is written: the log itself keeps what waits.
"""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import fields, text

MAX_WAITING = 100_000
"""How long the intake may be."""
KEPT_S = 90 * 86_400
"""How long places are kept of a log that is not followed any more."""
LOOKED_AT_ONCE = 1000

FIND = b"""
local found = {}
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then found[#found + 1] = i - 1 end
end
return found"""

WRITE = b"""
local at = redis.call('HGET', KEYS[2], ARGV[1]) or '0'
if at ~= ARGV[2] then return {'moved', at} end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[4]) then return {'full', at} end
for _, entry in ipairs(cjson.decode(ARGV[6])) do redis.call('XADD', KEYS[1], '*', unpack(entry)) end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
for i = 7, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
redis.call('EXPIRE', KEYS[2], ARGV[5])
return {'written', ARGV[3]}"""


class Outcome(StrEnum):
    """What became of the entries of some lines."""

    WRITTEN = "written"
    MOVED = "moved"
    """Another place is known: these lines were written, or somebody else reads the same log."""
    FULL = "full"
    """Too much waits in the intake."""


class Read(NamedTuple):
    """Lines that were read: of which log, of which of its files, from which place that the list knows to which one.

    ``ended`` are the numbers of files that are not read any more.
    """

    log: str
    number: int
    begin: int
    end: int
    ended: Sequence[int] = ()


async def places(store: RedisStore, keys: Keyspace, log: str) -> dict[int, int]:
    """Return how far each file of a log was written.  Raises StoreUnavailable."""
    known = fields(await store.read(keys.list_, "HGETALL", keys.followed(log)))
    return {int(number): int(place) for number, place in known.items()}


async def write_lines(
    store: RedisStore, keys: Keyspace, read: Read, entries: Sequence[Mapping[str, str]]
) -> tuple[Outcome, int]:
    """Write what lines say; return what became of it, and the place that is known then.

    Raises StoreUnavailable: then nobody knows.
    """
    flat = json.dumps([list(chain.from_iterable(entry.items())) for entry in entries], ensure_ascii=False)
    numbers = read.number, read.begin, read.end, MAX_WAITING, KEPT_S
    names = keys.intake, keys.followed(read.log)
    reply = await store.write(keys.list_, "EVAL", WRITE, len(names), *names, *numbers, flat, *read.ended)
    assert isinstance(reply, list)
    return Outcome(text(reply[0])), int(text(reply[1]))


async def known_among(store: RedisStore, keys: Keyspace, addresses: Sequence[str]) -> set[str]:
    """Return which of some normalised addresses have a state.  Raises StoreUnavailable."""
    known: set[str] = set()
    for begin in range(0, len(addresses), LOOKED_AT_ONCE):
        asked = addresses[begin : begin + LOOKED_AT_ONCE]
        names = [keys.address(keys.address_id(address)) for address in asked]
        found = await store.read(keys.list_, "EVAL_RO", FIND, len(names), *names)
        assert isinstance(found, list)
        known.update(asked[place] for place in found if isinstance(place, int))
    return known
