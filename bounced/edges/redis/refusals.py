"""Who refused the sender, when, how often, and in which words: the stream ``blocks`` of a list, put together.

It is put together on the server, a page at a time: most refusals say the same, and only what differs is sent.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from bounced.core.contract.times import stamp
from bounced.core.escape import visible
from bounced.edges.redis.event_streams import EVENTS_AT_ONCE, came_at, id_at
from bounced.edges.redis.overview import Overview
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import Reply, text, texts

MOST_KEPT = 10_000
"""From so many entries on the stream is cut at its beginning (BLOCKS_MAX in commit.lua)."""

HOUR_S = 3600

_COLLECT = b"""
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
local found, places = {}, {}
local function add(counts, places_of, name)
  local place = places_of[name]
  if not place then
    counts[#counts + 1], counts[#counts + 2], place = name, 0, #counts + 2
    places_of[name] = place
  end
  counts[place] = counts[place] + 1
end
for _, entry in ipairs(entries) do
  local said = {}
  for i = 1, #entry[2], 2 do said[entry[2][i]] = entry[2][i + 1] end
  local about = {said.provider or '', said.category or '', said.rule or '', said.sending_ip or ''}
  local name = table.concat(about, '\\0')
  local each = places[name]
  if not each then
    each = {said = {about, entry[1], entry[1], '', {}, {}}, hours = {}, campaigns = {}}
    places[name], found[#found + 1] = each, each.said
  end
  each.said[3] = entry[1]
  local words = (said.words or '') ~= '' and said.words or said.diagnostic or ''
  if words ~= '' then each.said[4] = words end
  add(each.said[5], each.hours, math.floor(tonumber(string.match(entry[1], '^%d+')) / 3600000))
  if (said.campaign or '') ~= '' then add(each.said[6], each.campaigns, said.campaign) end
end
return {#entries > 0 and entries[#entries][1] or '', found}"""
"""Answers the last id of a page, and of each kind of refusal: about, first and last id, words, hours, campaigns."""


class About(NamedTuple):
    """A list, who refused its mail, why, and of which sending address where that is known."""

    list_: str
    provider: str
    category: str
    rule: str
    sending_ip: str


@dataclass(slots=True)
class Refusal:
    """Refusals about the same; ``words`` are those of the last."""

    about: About
    first: datetime
    last: datetime
    hours: Counter[datetime] = field(default_factory=Counter)
    campaigns: Counter[str] = field(default_factory=Counter)
    words: str = ""

    @property
    def count(self) -> int:
        """How often that was refused."""
        return self.hours.total()

    def add(self, last: datetime, words: str, hours: Mapping[datetime, int], campaigns: Mapping[str, int]) -> None:
        """Count some that came later than all before them."""
        self.hours.update(hours)
        self.campaigns.update(campaigns)
        self.last, self.words = last, words or self.words

    def as_record(self) -> Mapping[str, object]:
        """Return it for a program."""
        return {
            "list": self.about.list_,
            "provider": self.about.provider,
            "category": self.about.category,
            "rule": self.about.rule,
            "sending_ip": self.about.sending_ip or None,
            "count": self.count,
            "first": stamp(self.first),
            "last": stamp(self.last),
            "words": self.words,
            "campaigns": dict(self.campaigns.most_common(10)),
            "hours": {stamp(at): count for at, count in self.hours.items()},
        }


@dataclass(slots=True)
class Refusals:
    """What was found, and since when more refusals than that are no longer kept, by list."""

    by_about: dict[About, Refusal] = field(default_factory=dict)
    kept_since: dict[str, datetime] = field(default_factory=dict)

    def add(self, list_: str, reply: Reply, provider: str) -> None:
        """Count what the server collected of a page, of one provider if it is named."""
        assert isinstance(reply, list)
        for each in reply:
            assert isinstance(each, list)
            about = About(list_, *map(visible, texts(each[0])))
            if not provider or about.provider == provider:
                first, last = came_at(text(each[1])), came_at(text(each[2]))
                hours = {datetime.fromtimestamp(int(at) * HOUR_S, UTC): count for at, count in _counts(each[4])}
                refusal = self.by_about.setdefault(about, Refusal(about, first, last))
                refusal.add(last, visible(text(each[3])), hours, {visible(name): n for name, n in _counts(each[5])})

    def ranked(self) -> Sequence[Refusal]:
        """Return them, the most frequent first."""
        return sorted(self.by_about.values(), key=lambda each: (-each.count, each.about))


async def refusals(
    store: RedisStore, lists: Sequence[str], since: datetime, until: datetime, provider: str = ""
) -> Refusals:
    """Return the refusals of the sender in a span of time; of one provider if it is named.  Raises StoreUnavailable."""
    found = Refusals()
    for list_ in lists:
        overview = Overview(store, list_, store.keyspace(list_))
        begin, end, key = id_at(since), f"({id_at(until)}", store.keyspace(list_).blocks
        while True:
            reply = await store.read(list_, "EVAL", _COLLECT, 1, key, begin, end, EVENTS_AT_ONCE)
            assert isinstance(reply, list)
            if not (reached := text(reply[0])):
                break
            found.add(list_, reply[1], provider)
            begin = f"({reached}"
        if await overview.blocks_kept() >= MOST_KEPT and (at := await overview.oldest_block()):
            found.kept_since[list_] = at
    return found


def _counts(reply: Reply) -> Iterator[tuple[str, int]]:
    """Yield names with their counts, which stand one after another."""
    assert isinstance(reply, list)
    for name, count in zip(reply[::2], reply[1::2], strict=True):
        assert isinstance(count, int)
        yield str(name) if isinstance(name, int) else text(name), count
