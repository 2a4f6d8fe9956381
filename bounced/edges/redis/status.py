"""What Redis tells of a list and its workers for `bounced status`: intake, failures, alarms, disputes.  Reads only."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from bounced.core.contract.hook_standing import HookStanding
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import stamp
from bounced.core.escape import visible
from bounced.edges.redis.event_streams import entries
from bounced.edges.redis.hook_overview import hook_standing
from bounced.edges.redis.overview import ListSizes, Overview
from bounced.edges.redis.script import INTAKE_GROUP
from bounced.edges.redis.store import RedisStore
from bounced.edges.redis.wire import Reply, text, texts
from bounced.ports import StoreUnavailable

FAILURES = 3
ALIVE_MS = 30_000
"""A worker reads the intake twice a second; one that has not for so long is gone."""


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host whose workers read the intake a moment ago, and how many there are."""

    name: str
    workers: int


@dataclass(frozen=True, slots=True)
class ListStatus:
    """How a list is now.  ``failures`` are the latest entries of `intake-failed`: when, and why."""

    name: str
    sizes: ListSizes
    failures: Sequence[tuple[datetime, str]]
    alarms: Sequence[str]
    disputed: Sequence[str]
    hooks: Mapping[str, HookStanding]
    at: datetime

    @property
    def record(self) -> dict[str, Any]:
        """Return it for a program."""
        failures = [{"at": stamp(at), "error": error} for at, error in self.failures]
        return {
            "list": self.name,
            "sizes": asdict(self.sizes),
            "intake_failures": failures,
            "alarms": list(self.alarms),
            "disputed": list(self.disputed),
            "hooks": {name: list(standing.troubles(self.at)) for name, standing in self.hooks.items()},
        }


async def list_statuses(
    store: RedisStore, keys: Mapping[str, Keyspace], hooks: Mapping[str, Sequence[str]], now: datetime
) -> tuple[Sequence[ListStatus], Sequence[HostSeen]]:
    """Return how each list and its webhooks are, and whose workers read its intake.  Raises StoreUnavailable."""
    lists = [await _list_status(store, name, of_list, hooks[name], now) for name, of_list in keys.items()]
    consumers = {consumer for name in keys for consumer in await _consumers(store, name)}
    hosts = [consumer.rsplit("-", 2)[0] for consumer in consumers]
    return lists, [HostSeen(name, hosts.count(name)) for name in sorted(set(hosts))]


async def _list_status(store: RedisStore, name: str, keys: Keyspace, hooks: Sequence[str], now: datetime) -> ListStatus:
    overview = Overview(store, name, keys)
    sizes, failed, alarms, disputed = await asyncio.gather(
        overview.sizes(now),
        store.read(name, "XREVRANGE", keys.intake_failed, "+", "-", "COUNT", FAILURES),
        store.read(name, "HKEYS", keys.alarms),
        overview.disputed(now),
    )
    failures = [(_written(entry.id), entry.fields.get("error", "")) for entry in entries(failed)]
    standings = {hook: await hook_standing(store, name, keys, hook) for hook in hooks}
    return ListStatus(name, sizes, failures, sorted(map(visible, texts(alarms))), disputed, standings, now)


async def _consumers(store: RedisStore, list_: str) -> list[str]:
    """Return the names of the workers that read the intake of a list; none where no worker ever did."""
    try:
        reply = await store.read(list_, "XINFO", "CONSUMERS", store.keyspace(list_).intake, INTAKE_GROUP)
    except StoreUnavailable:  # no such stream, or no such group
        return []
    assert isinstance(reply, list)
    seen = [_pairs(each) for each in reply if isinstance(each, list)]
    return [text(facts["name"]) for facts in seen if isinstance(idle := facts["idle"], int) and idle < ALIVE_MS]


def _pairs(flat: list[Reply]) -> dict[str, Reply]:
    return dict(zip(map(text, flat[::2]), flat[1::2], strict=True))


def _written(entry_id: str) -> datetime:
    """Return when an entry of a stream was written, by the server's clock."""
    return datetime.fromtimestamp(int(entry_id.partition("-")[0]) // 1000, UTC)
