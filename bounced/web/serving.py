"""The application at work: one part for each listener, started, reloaded together, drained."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import structlog

from bounced.config import Config
from bounced.config.files import tls_context
from bounced.config.web import WebListener
from bounced.config.web_checks import PRIVATE, PUBLIC, login_of, web_listeners
from bounced.edges.redis import RedisStore
from bounced.edges.sockets import Sockets, address_of, open_socket
from bounced.edges.spare_memory import give_back
from bounced.edges.watch.http import HttpServer
from bounced.edges.watch.log import Event
from bounced.pipeline import Pipeline
from bounced.web import health
from bounced.web.access import Access
from bounced.web.application import application
from bounced.web.connection import ConnectionLimits
from bounced.web.desk import Desk, Settings, settings
from bounced.web.hooks.in_use import hooks_of
from bounced.web.listener import Listener
from bounced.web.metrics import Metrics
from bounced.web.people.user_file import load_users
from bounced.web.people.users import Users
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
        Raises what the makers raise, TokensInvalid, UsersInvalid, OSError, ValueError.
        """
        async with AsyncExitStack() as stack:
            stores = {name: await _opened(stack, config, name, makers) for name in sockets}
            metrics = Metrics()
            parts = await _parts(config, sockets, stores, makers, metrics)
            metrics.watch(
                lambda: sum(len(part.listener.places.taken) for part in parts),
                lambda: sum(part.desk.streams for part in parts),
            )
            serving = Serving(parts, makers)
            watching = [asyncio.create_task(Access(each.desk).keep()) for each in parts if each.desk.name == PRIVATE]
            try:
                for part in parts:
                    await part.listener.start(sockets[part.desk.name])
                await _watched(stack, config, parts, metrics)
                addresses = [address_of(opened) for several in sockets.values() for opened in several]
                LOG.info(Event.SERVICE_STARTED, doors=addresses, lists=list(config.lists))
                yield serving
            finally:
                for task in watching:
                    task.cancel()
                await serving.drain()
        LOG.info(Event.SERVICE_STOPPED)

    async def reload(self, config: Config) -> None:
        """Use keys, rules, tokens, certificates and limits of a new configuration; connections stay.

        Where it listens and who it is at Redis stay until a restart.  Raises RulesInvalid, TokensInvalid,
        UsersInvalid, OSError, ValueError, SSLError, and then nothing has changed.
        """
        path = await asyncio.to_thread(self._makers.pipeline, config, self._parts[0].desk.store)
        chosen = [await asyncio.to_thread(_chosen, part, config, path) for part in self._parts]
        for present in chosen:  # a pair that does not match is found before any listener uses anything new
            if certificate := _certificate(present.listener):
                tls_context(*certificate)
        for part, present in zip(self._parts, chosen, strict=True):
            part.listener.use(_limits(present.listener), _certificate(present.listener))
            part.desk.use(present)
        await asyncio.to_thread(give_back)
        LOG.info(Event.SERVICE_RELOADED)

    async def drain(self) -> None:
        """Accept no more, end what follows events, and let the requests in hand come to their end."""
        for part in self._parts:
            part.desk.stopping.set()
        done = await asyncio.gather(*(part.listener.drain(DRAIN_S) for part in self._parts))
        for part in self._parts:
            part.desk.reading.close()
            part.desk.door.close()
            await part.desk.recoveries.close()
        if not all(done):
            LOG.warning(Event.DRAIN_TIMED_OUT, after_s=DRAIN_S)


async def _opened(stack: AsyncExitStack, config: Config, name: str, makers: Makers) -> RedisStore:
    """Return the store of a listener, with its own user of Redis."""
    to_write = name != PRIVATE or config.web.private.writes
    return await stack.enter_async_context(makers.open_store(login_of(config, name), to_write))


async def _watched(stack: AsyncExitStack, config: Config, parts: Sequence[Part], metrics: Metrics) -> None:
    """Let the public listener be watched at an address of its own, where it has one.  Raises CannotListen."""
    address = config.web.public.metrics_listen
    if address is None or not any(part.desk.name == PUBLIC for part in parts):
        return
    stores = [part.desk.store for part in parts]
    listening = stack.enter_context(open_socket(address))
    await stack.enter_async_context(HttpServer(listening, health.pages(stores, metrics)))


async def _parts(
    config: Config, sockets: Sockets, stores: Mapping[str, RedisStore], makers: Makers, metrics: Metrics
) -> list[Part]:
    """Return a part for each store.  Only here is the first pipeline named: a reload frees its rules."""
    path = await asyncio.to_thread(makers.pipeline, config, next(iter(stores.values())))
    return [_part(config, name, sockets[name], replace(path, store=store), metrics) for name, store in stores.items()]


def _part(config: Config, name: str, sockets: Sequence[socket.socket], path: Pipeline, metrics: Metrics) -> Part:
    own, local = web_listeners(config)[name], all(map(is_local, sockets))
    assert isinstance(path.store, RedisStore)
    desk = Desk(name, path.store, _settings(config, name, path, local=local), metrics)
    listener = Listener(application(desk), _limits(own), _certificate(own))
    return Part(desk, listener, local)


def _chosen(part: Part, config: Config, path: Pipeline) -> Settings:
    return _settings(config, part.desk.name, replace(path, store=part.desk.store), local=part.local)


def is_local(opened: socket.socket) -> bool:
    """Whether no other machine reaches a socket."""
    return opened.family is socket.AF_UNIX or ip_address(opened.getsockname()[0]).is_loopback


def _settings(config: Config, name: str, path: Pipeline, *, local: bool) -> Settings:
    own, private = web_listeners(config)[name], config.web.private
    if name != PRIVATE:
        return settings(config, own, path, Tokens(), Users(), hooks=hooks_of(config), local=local)
    tokens, users = load_tokens(private.tokens_file), load_users(private.users_file)
    return settings(config, own, path, tokens, users, hooks={}, local=local)


def _limits(own: WebListener) -> ConnectionLimits:
    return ConnectionLimits(own.connections_total, own.request_s, own.idle_s)


def _certificate(own: WebListener) -> tuple[Path, Path] | None:
    return (own.tls_certificate, own.tls_key) if own.tls_certificate and own.tls_key else None
