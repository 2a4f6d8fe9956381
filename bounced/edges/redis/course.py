"""The list's own hourly counters over a long span, added up on the server: what it sends does not grow with the span.

The hash of an hour may hold thousands of counters that are named after domains and campaigns.  Only those that are
asked for are read.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.store import RedisStore

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
