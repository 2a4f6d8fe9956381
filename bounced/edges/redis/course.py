"""Hourly counters over a long span, the list's own added up on the server, and those of campaigns.

The hash of an hour may hold thousands of counters that are named after domains and campaigns.  Only those that are
asked for are read.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence

from bounced.core.contract.hourly_counters import read_counters
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import fields

SPANS_AT_ONCE = 32
"""How many spans are asked for in replies that come together."""

_ADD_UP = b"""
local sums = {}
for i = 1, #ARGV do sums[i] = 0 end
for _, key in ipairs(KEYS) do
  for i, text in ipairs(redis.call('HMGET', key, unpack(ARGV))) do
    if text and #text < 16 and string.find(text, '^%d+$') then sums[i] = sums[i] + tonumber(text) end
  end
end
return sums"""

_CAMPAIGNS = b"""
local fields, found = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #fields, 2 do
  if string.find(fields[i], '^campaign:') or string.find(fields[i], '^rate:[^:]*:campaign:') then
    found[#found + 1], found[#found + 2] = fields[i], fields[i + 1]
  end
end
return found"""
"""Answers the counters of campaigns of one hour: more at once would keep others waiting."""


async def campaign_sums(store: RedisStore, keys: Keyspace, hours: Sequence[str]) -> Counter[str]:
    """Return the sums of the counters of campaigns over some hours.  Raises StoreUnavailable."""
    found = Counter[str]()
    for first in range(0, len(hours), SPANS_AT_ONCE):
        part = [keys.counts(each) for each in hours[first : first + SPANS_AT_ONCE]]
        for reply in await asyncio.gather(*(store.read(keys.list_, "EVAL", _CAMPAIGNS, 1, key) for key in part)):
            assert isinstance(reply, list)
            found.update(read_counters(fields(reply)))
    return found


async def sums(
    store: RedisStore, keys: Keyspace, spans: Sequence[Sequence[str]], names: Sequence[str]
) -> list[Counter[str]]:
    """Return the sums of these counters in each span, given as its hours.  Raises StoreUnavailable."""
    found: list[Counter[str]] = []
    for first in range(0, len(spans), SPANS_AT_ONCE):
        part = spans[first : first + SPANS_AT_ONCE]
        found += await asyncio.gather(*(_sum(store, keys, hours, names) for hours in part))
    return found


async def _sum(store: RedisStore, keys: Keyspace, hours: Sequence[str], names: Sequence[str]) -> Counter[str]:
    hashes = [keys.counts(each) for each in hours]
    reply = await store.read(keys.list_, "EVAL", _ADD_UP, len(hashes), *hashes, *names)
    assert isinstance(reply, list)
    return Counter({name: count for name, count in zip(names, reply, strict=True) if isinstance(count, int) and count})
