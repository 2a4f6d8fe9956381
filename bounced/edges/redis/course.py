"""Counters over a long span, the list's own added up on the server, and those of campaigns.

The hash of an hour may hold thousands of counters that are named after domains and campaigns.  Only those that are
asked for are read.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import cast

from bounced.core.contract.keys import Keyspace
from bounced.core.escape import visible
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import Reply, text

SPANS_AT_ONCE = 32
"""How many spans are asked for in replies that come together."""

A_DAY = len("YYYYMMDD")
"""An hour has two digits more."""

_FIRST = b"""
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then return i end
end
return 0"""

_ADD_UP = b"""
local sums = {}
for i = 1, #ARGV do sums[i] = 0 end
for _, key in ipairs(KEYS) do
  for i, text in ipairs(redis.call('HMGET', key, unpack(ARGV))) do
    if text and #text < 16 and string.find(text, '^%d+$') then sums[i] = sums[i] + tonumber(text) end
  end
end
return sums"""

_OF_CAMPAIGNS = "*campaign:*"
"""What the names of the counters of campaigns have in common."""
_HOURS_AT_ONCE = 8
"""How many hours are asked for together: more would keep others waiting."""
_MOST_DIGITS = 15
_FIELDS_AT_ONCE = 20_000
"""More than the hash of an hour has, so that it takes one request."""


async def campaign_sums(store: RedisStore, keys: Keyspace, hours: Sequence[str]) -> Counter[str]:
    """Return the sums of the counters of campaigns over some hours.  Raises StoreUnavailable."""
    found = Counter[bytes]()
    for first in range(0, len(hours), _HOURS_AT_ONCE):
        part = hours[first : first + _HOURS_AT_ONCE]
        for of_hour in await asyncio.gather(*(_of_campaigns(store, keys, each) for each in part)):
            for name, digits in of_hour.items():
                if digits.isdigit() and len(digits) <= _MOST_DIGITS:
                    found[name] += int(digits)
    named = Counter[str]()
    for name, count in found.items():
        named[visible(text(name))] += count  # once for all hours: there may be thousands of names in each
    return named


async def _of_campaigns(store: RedisStore, keys: Keyspace, hour: str) -> dict[bytes, bytes]:
    """Return the counters of one hour that may be of a campaign, as they stand."""
    found: dict[bytes, bytes] = {}
    cursor: Reply = b"0"
    while True:
        look = "HSCAN", keys.counts(hour), text(cursor), "MATCH", _OF_CAMPAIGNS, "COUNT", _FIELDS_AT_ONCE
        reply = await store.read(keys.list_, *look)
        assert isinstance(reply, list)
        cursor, pairs = reply[0], iter(cast("list[bytes]", reply[1]))
        found.update(zip(pairs, pairs, strict=True))
        if text(cursor) == "0":
            return found


async def sums(
    store: RedisStore, keys: Keyspace, spans: Sequence[Sequence[str]], names: Sequence[str]
) -> list[Counter[str]]:
    """Return the sums of these counters in each span, given as its hours and whole days.  Raises StoreUnavailable."""
    found: list[Counter[str]] = []
    for first in range(0, len(spans), SPANS_AT_ONCE):
        part = spans[first : first + SPANS_AT_ONCE]
        found += await asyncio.gather(*(_sum(store, keys, span, names) for span in part))
    return found


async def first_counted(store: RedisStore, keys: Keyspace, days: Sequence[str]) -> str | None:
    """Return the first of these days that has counters, None where none has any.  Raises StoreUnavailable."""
    hashes = [keys.day_counts(each) for each in days]
    place = await store.read(keys.list_, "EVAL", _FIRST, len(hashes), *hashes)
    assert isinstance(place, int)
    return days[place - 1] if place else None


async def _sum(store: RedisStore, keys: Keyspace, span: Sequence[str], names: Sequence[str]) -> Counter[str]:
    hashes = [keys.day_counts(each) if len(each) == A_DAY else keys.counts(each) for each in span]
    reply = await store.read(keys.list_, "EVAL", _ADD_UP, len(hashes), *hashes, *names)
    assert isinstance(reply, list)
    return Counter({name: count for name, count in zip(names, reply, strict=True) if isinstance(count, int) and count})
