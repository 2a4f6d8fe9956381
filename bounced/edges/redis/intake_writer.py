"""Entries for the intake of a list, several at once, written once for a key; and tokens of return paths."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import text

WRITE = b"""
local kept = KEYS[2] and redis.call('GET', KEYS[2])
if kept then
  redis.call('EXPIRE', KEYS[2], ARGV[3])  -- a write, so that the wait for durability means something
  return {'kept', kept}
end
local ids = {}
for _, entry in ipairs(cjson.decode(ARGV[1])) do
  ids[#ids + 1] = redis.call('XADD', KEYS[1], '*', unpack(entry))
end
local told = ARGV[2]
if ARGV[4] == '1' then told = told .. ' ' .. table.concat(ids, ' ') end
if KEYS[2] then redis.call('SET', KEYS[2], told, 'EX', ARGV[3]) end
return {'written', told}"""

REGISTER = b"""
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return redis.call('EXPIRE', KEYS[1], ARGV[1])"""


async def write_entries(
    store: RedisStore,
    keys: Keyspace,
    entries: Sequence[Mapping[str, str]],
    *,
    answered: str = "",
    fingerprint: str = "",
    kept_s: int = 0,
    keep_ids: bool = True,
) -> tuple[bool, str]:
    """Write entries, all or none, unless that was done under the same key before; return whether, and what is kept.

    ``answered`` is the key under which the answer is kept for ``kept_s``, empty for none.  What is kept are the
    fingerprint and, with ``keep_ids``, the ids of the entries, with spaces between them.  Raises StoreUnavailable.
    """
    names = [keys.intake, *([answered] if answered else [])]
    flat = json.dumps([list(chain.from_iterable(entry.items())) for entry in entries], ensure_ascii=False)
    reply = await store.write(keys.list_, "EVAL", WRITE, len(names), *names, flat, fingerprint, kept_s, int(keep_ids))
    assert isinstance(reply, list)
    return text(reply[0]) == "written", text(reply[1])


async def register(store: RedisStore, keys: Keyspace, token_key: str, life_s: int, fields: Sequence[str]) -> None:
    """Register a token for as long as its return path is good.  Raises StoreUnavailable."""
    await store.write(keys.list_, "EVAL", REGISTER, 1, token_key, life_s, *fields)
