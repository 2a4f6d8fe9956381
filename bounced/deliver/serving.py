"""All webhooks of a configuration at work, each for itself in each of its lists; reloaded and stopped together."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bounced.config import Config
from bounced.config.hook_checks import lists_of
from bounced.config.hooks import Hook
from bounced.deliver.bodies import BODIES
from bounced.deliver.delivery import Chosen, Delivery
from bounced.deliver.lease import Lease
from bounced.deliver.sender import Sender
from bounced.edges.redis.hook_streams import HookStreams
from bounced.edges.redis.store import RedisStore
from bounced.edges.watch.log import Event

LOG = structlog.get_logger()

AGAIN_S = 0.1


@dataclass(frozen=True, slots=True)
class _Part:
    delivery: Delivery
    sender: Sender
    task: asyncio.Task[None]


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: a group of tasks may raise an error in the place of a cancellation."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)


class Delivering:
    """The deliveries of one process.  ``running`` makes it, and stops it."""

    def __init__(self, store: RedisStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._parts: list[_Part] = []
        self._holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"

    @staticmethod
    @asynccontextmanager
    async def running(config: Config, store: RedisStore, clock: Callable[[], datetime]) -> AsyncIterator["Delivering"]:
        """Deliver what a configuration wants.  Raises OSError, ValueError, SSLError."""
        delivering = Delivering(store, clock)
        delivering.use(config)
        LOG.info(Event.SERVICE_STARTED, hooks=[hook.name for hook in config.hooks], lists=list(config.lists))
        try:
            yield delivering
        finally:
            await delivering.stop()
        LOG.info(Event.SERVICE_STOPPED)

    def use(self, config: Config) -> None:
        """Begin.  Raises OSError, ValueError, SSLError, and then nothing has begun."""
        self._begin(list(self._made(config)))

    async def reload(self, config: Config) -> None:
        """Stop, and go on as another configuration wants.  Raises what ``use`` raises, and then all goes on."""
        made = list(self._made(config))
        await self.stop()
        self._begin(made)
        LOG.info(Event.SERVICE_RELOADED)

    async def stop(self) -> None:
        """Let the requests under way come to their end, and leave the rest to whoever comes next."""
        parts, self._parts = self._parts, []
        await asyncio.gather(*(part.delivery.drain() for part in parts))
        await end([part.task for part in parts])
        await asyncio.gather(*(part.delivery.leave() for part in parts), *(part.sender.close() for part in parts))

    def _begin(self, made: Sequence[tuple[str, Delivery, Sender]]) -> None:
        self._parts = [
            _Part(delivery, sender, asyncio.create_task(delivery.run(), name=name)) for name, delivery, sender in made
        ]

    def _made(self, config: Config) -> Iterator[tuple[str, Delivery, Sender]]:
        for hook in config.hooks:
            for list_ in lists_of(hook, config.lists):
                sender = Sender(hook)
                streams = HookStreams(self._store, list_, hook.name, undelivered_max=config.keep.undelivered_max)
                lease = Lease(streams, self._holder, config.deliver.lease_s)
                yield (
                    f"{hook.name} {list_}",
                    Delivery(_chosen(hook, list_), streams, sender, lease, self._clock),
                    sender,
                )


def _chosen(hook: Hook, list_: str) -> Chosen:
    types = frozenset(hook.types) if hook.body == "bounced" else frozenset()
    give_up = timedelta(seconds=hook.give_up_s)
    return Chosen(hook.name, list_, types, BODIES[hook.body], hook.connections, give_up)
