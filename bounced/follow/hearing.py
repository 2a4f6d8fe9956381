"""What a log says of addresses of ours: entries of the intake for each list.

A message is ours when its envelope sender is a return path of ours, made for this very address; on a list that trusts
unsigned paths its domain is enough.  A delivery says nothing about an address of which nothing is known, and most are
such: Redis is asked for all of them at once, and only for the others a signature is verified.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from bounced.core.exchange.hooks.heard import Entry
from bounced.core.exchange.logs import Logged
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.return_path import ReturnPaths
from bounced.edges.redis.followed import known_among
from bounced.edges.redis.store import RedisStore
from bounced.pipeline import Pipeline

MAX_TOLD = 100_000
"""Addresses of which is remembered that a failure was told lately, so that a delivery behind it is told as well."""
MAX_TAG_CHARACTERS = 8
_HOUR_CHARACTERS = len("YYYY-MM-DDTHH")
_HOUR_S = 3600

Fields = Mapping[str, str]
Placed = tuple[int, Logged]
"""The place at which a line begins, and what it says."""


@dataclass(slots=True)
class Counts:
    """How much a log has said so far."""

    lines: int = 0
    sent: int = 0
    delivered: int = 0
    rejected: int = 0
    foreign: int = 0
    unclear: int = 0

    def add(self, more: "Counts") -> None:
        """Add what further lines said."""
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + getattr(more, name))


_COUNTED = tuple(each.name for each in fields(Counts))


@dataclass(slots=True)
class _OfList:
    """What lines say that concerns one list."""

    said: list[tuple[str, Fields]] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)
    sent: dict[tuple[str, str, str], tuple[int, str]] = field(default_factory=dict)


class Hearing:
    """Hears what logs say.  ``counts_sent`` says whether each message is counted as sent, for the rates."""

    def __init__(self, pipeline: Pipeline, store: RedisStore, *, counts_sent: bool = True) -> None:
        self._pipeline = pipeline
        self._store = store
        self._counts_sent = counts_sent
        self._lists = {domain: paths for paths in pipeline.directory.lists for domain in paths.domains}
        self._told: dict[tuple[str, str], None] = {}
        self.counts = Counts()

    def may_be_ours(self, sender: str) -> bool:
        """Whether an envelope sender is at a bounce domain of ours."""
        return sender.rpartition("@")[2].lower() in self._lists

    async def entries(
        self, said: Iterable[Placed], is_written: Callable[[str, int], bool]
    ) -> Mapping[str, Sequence[Fields]]:
        """Return the entries of each list, those of its first line first.  Raises StoreUnavailable.

        ``is_written`` tells what was written before, by list and place.
        """
        by_list: dict[str, _OfList] = {}
        counts = Counts()
        for place, logged in said:
            self._sort(place, logged, is_written, by_list, counts)
        entries = {name: await self._entries_of(name, of_list, counts) for name, of_list in by_list.items()}
        self.counts.add(counts)
        return entries

    def _sort(
        self,
        place: int,
        logged: Logged,
        is_written: Callable[[str, int], bool],
        by_list: dict[str, _OfList],
        counts: Counts,
    ) -> None:
        """Put what a line says to its list, if it is about an address at all."""
        if not isinstance(logged, Entry):
            counts.unclear += 1
            return
        said = logged.fields
        sender = said.get("return_path", "")
        paths = self._lists.get(sender.rpartition("@")[2].lower())
        if paths is None:
            counts.foreign += 1
            return
        try:
            address = normalise(said.get("address", ""), fold_local_part=paths.fold_local_part)
        except BadAddress:
            counts.unclear += 1
            return
        failed = said["type"] == "rejected"
        if failed:
            self._tell(paths.list, address)
        if is_written(paths.list, place):
            return
        of_list = by_list.setdefault(paths.list, _OfList())
        of_list.said.append((address, said))
        if not failed and (paths.list, address) not in self._told:
            of_list.delivered.add(address)
        if self._counts_sent:
            at = said.get("at", "")
            key = address.rpartition("@")[2], _tag(sender, paths), _hour(at)
            count, first = of_list.sent.get(key, (0, at))
            of_list.sent[key] = count + 1, first

    async def _entries_of(self, list_: str, of_list: _OfList, counts: Counts) -> list[Fields]:
        known = await known_among(self._store, self._store.keyspace(list_), tuple(of_list.delivered))
        nothing_known = of_list.delivered - known
        entries: list[Fields] = []
        for address, said in of_list.said:
            is_delivery = said["type"] == "delivered"
            if is_delivery and address in nothing_known:
                continue
            if not await self._is_ours(list_, address, said["return_path"]):
                counts.foreign += 1
                continue
            entries.append(said)
            counts.delivered += is_delivery
            counts.rejected += not is_delivery
        for (domain, tag, _), (count, at) in of_list.sent.items():
            counts.sent += count
            named = {"type": "sent", "count": str(count), "domain": domain, "campaign": tag, "at": at}
            entries.append({name: text for name, text in named.items() if text})
        return entries

    async def _is_ours(self, list_: str, address: str, sender: str) -> bool:
        """Whether a message to an address was sent for a list.  Raises StoreUnavailable."""
        path = await self._pipeline.path_in(sender, list_)
        if path is not None:
            return path.recipient == address
        return self._pipeline.lists[list_].trust_unsigned

    def _tell(self, list_: str, address: str) -> None:
        self._told.pop((list_, address), None)
        self._told[list_, address] = None
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]


def _tag(sender: str, paths: ReturnPaths) -> str:
    """Return the tag in a return path that nobody has verified: it only says where a message is counted."""
    local_part = sender.rpartition("@")[0].lower()
    _head, first, rest = local_part.partition("=")
    tag, second, _rest = rest.partition("=")
    good = first and second and local_part.startswith(paths.prefix) and len(tag) <= MAX_TAG_CHARACTERS
    return tag if good and tag.isascii() and tag.replace("-", "").isalnum() else ""


def _hour(at: str) -> str:
    """Return what the times of one hour have in common, as the log writes them."""
    return str(int(at) // _HOUR_S) if at.isdecimal() else at[:_HOUR_CHARACTERS]
