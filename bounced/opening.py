"""Opens what a configuration names of Redis: the store, the names of its keys, and what this host remembers of it.

Whoever needs no more than that, as most commands do, imports none of what takes in mail.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from bounced.config import Config, build
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.embedded import redis_url
from bounced.edges.redis.identities import Identities
from bounced.edges.redis.observer import UNOBSERVED, StoreObserver
from bounced.edges.redis.script import MostEvents
from bounced.edges.redis.time_budget import TimeBudget
from bounced.edges.watch.log import Event

LOG = structlog.get_logger()


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_store(
    config: Config, observer: StoreObserver = UNOBSERVED, *, to_write: bool = True
) -> AsyncIterator[RedisStore]:
    """Give the store that the configuration names, started; with it the embedded server where that is wanted.

    ``observer`` hears of what goes over its lines; ``to_write`` is false for whoever only reads.  Raises NoServer,
    Misconfigured; a Redis that is merely away shows with the first use.
    """
    budget = TimeBudget(config.redis.timeout_s)
    async with redis_url(config) as url:
        store = RedisStore(
            connections(url, budget),
            keyspaces(config),
            durability(config.redis.effective_durability, _warn, budget),
            most=MostEvents(config.keep.events_max, config.keep.bulk_max),
            notice=_notice,
            observer=observer,
            known=identities(config).known,
            budget=budget,
        )
        await store.start(to_write=to_write)
        try:
            yield store
        finally:
            await store.close()


def identities(config: Config) -> Identities:
    """Return what this host remembers of its Redis."""
    return Identities(config.redis.data_dir, build.redis_place(config.redis))


def keyspaces(config: Config) -> dict[str, Keyspace]:
    """Return the key names of each list.  Raises OSError."""
    return {name: build.keyspace(config, name) for name in config.lists}


def _warn(text: str) -> None:
    LOG.warning(Event.STORE_WARNED, text=text)


def _notice(reason: str | None) -> None:
    if reason is None:
        LOG.info(Event.STORE_RECOVERED)
    else:
        LOG.error(Event.STORE_FAILED, reason=reason)
