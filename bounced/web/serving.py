"""The application at work: one part for each listener, started, reloaded together, drained."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import structlog

from bounced.config import Config
from bounced.config.web import WebListener
from bounced.config.web_checks import PRIVATE, login_of, web_listeners
from bounced.edges.redis import RedisStore
from bounced.edges.sockets import Sockets, address_of
from bounced.edges.watch.log import Event
from bounced.pipeline import Pipeline
from bounced.ports import Clock
from bounced.web.application import application
from bounced.web.connection import ConnectionLimits
from bounced.web.desk import Desk, Settings, settings
from bounced.web.listener import Listener
from bounced.web.token_file import load_tokens
from bounced.web.tokens import Tokens

LOG = structlog.get_logger()

DRAIN_S = 8.0
"""How long a stopping process waits for the requests in hand; systemd waits longer."""

NAMES = {"public": "web-public", "private": "web-private"}
"""The names of the sockets that systemd hands over."""


@dataclass(frozen=True, slots=True)
class Makers:
    """How the process makes what lies beyond this room: a store that is open, and the path that writes take."""

    open_store: Callable[[Config, bool], AbstractAsyncContextManager[RedisStore]]
    pipeline: Callable[[Config, RedisStore], Pipeline]
    clock: Clock


@dataclass(frozen=True, slots=True)
class Part:
    """One listener with what its handlers work with."""

    desk: Desk
    listener: Listener
    local: bool


class Serving:
    """The parts of one process.  ``running`` makes one, and stops it."""

    def __init__(self, parts: Sequence[Part], makers: Makers) -> None:
        self._parts = parts
        self._makers = makers

    @staticmethod
    @asynccontextmanager
    async def running(config: Config, sockets: Sockets, makers: Makers) -> AsyncIterator["Serving"]:
        """Give an application that answers on these sockets, by the names of the listeners.

        In the end it ends the streams, accepts no more, and lets the requests in hand come to their end.
        Raises what the makers raise, TokensInvalid, OSError.
        """
        async with AsyncExitStack() as stack:
            parts = [await _part(stack, config, name, each, makers) for name, each in sockets.items()]
            serving = Serving(parts, makers)
            try:
                for part in parts:
                    await part.listener.start(sockets[part.desk.name])
                addresses = [address_of(opened) for several in sockets.values() for opened in several]
                LOG.info(Event.SERVICE_STARTED, doors=addresses, lists=list(config.lists))
                yield serving
            finally:
                await serving.drain()
        LOG.info(Event.SERVICE_STOPPED)

    async def reload(self, config: Config) -> None:
        """Use keys, rules, tokens, certificates and limits of a new configuration; connections stay.

        Where it listens and who it is at Redis stay until a restart.  Raises RulesInvalid, TokensInvalid, OSError,
        SSLError, and then nothing has changed.
        """
        chosen = [await asyncio.to_thread(self._chosen, part, config) for part in self._parts]
        for part, present in zip(self._parts, chosen, strict=True):
            part.listener.use(_limits(present.listener), _certificate(present.listener))
            part.desk.use(present)
        LOG.info(Event.SERVICE_RELOADED)

    async def drain(self) -> None:
        """Accept no more, end what follows events, and let the requests in hand come to their end."""
        for part in self._parts:
            part.desk.stopping.set()
        done = await asyncio.gather(*(part.listener.drain(DRAIN_S) for part in self._parts))
        for part in self._parts:
            part.desk.reading.close()
        if not all(done):
            LOG.warning(Event.DRAIN_TIMED_OUT, after_s=DRAIN_S)

    def _chosen(self, part: Part, config: Config) -> Settings:
        return _settings(config, part.desk.name, part.desk.store, self._makers, local=part.local)


async def _part(
    stack: AsyncExitStack, config: Config, name: str, sockets: Sequence[socket.socket], makers: Makers
) -> Part:
    own = web_listeners(config)[name]
    to_write = name != PRIVATE or config.web.private.writes
    store = await stack.enter_async_context(makers.open_store(login_of(config, name), to_write))
    local = all(map(is_local, sockets))
    desk = Desk(name, store, _settings(config, name, store, makers, local=local), makers.clock)
    listener = Listener(application(desk), _limits(own), _certificate(own))
    desk.metrics.watch(lambda: len(listener.places.taken), lambda: desk.streams)
    return Part(desk, listener, local)


def is_local(opened: socket.socket) -> bool:
    """Whether no other machine reaches a socket."""
    return opened.family is socket.AF_UNIX or ip_address(opened.getsockname()[0]).is_loopback


def _settings(config: Config, name: str, store: RedisStore, makers: Makers, *, local: bool) -> Settings:
    tokens = load_tokens(config.web.private.tokens_file) if name == PRIVATE else Tokens()
    listener = web_listeners(config)[name]
    return settings(config, listener, makers.pipeline(config, store), tokens, local=local)


def _limits(own: WebListener) -> ConnectionLimits:
    return ConnectionLimits(own.connections_total, own.request_s, own.idle_s)


def _certificate(own: WebListener) -> tuple[Path, Path] | None:
    return (own.tls_certificate, own.tls_key) if own.tls_certificate and own.tls_key else None
