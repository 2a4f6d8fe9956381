"""One worker assembled: the store, the pipeline, the doors; started, reloaded, drained.

Only here implementations are chosen; everybody else is handed what they work with.
"""

import asyncio
import os
import secrets
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import structlog

from bounced import rules
from bounced.config import Config, build
from bounced.config.health import alarm_rule, dispute_rule
from bounced.config.model import Listener
from bounced.config.tls import tls_context
from bounced.core.contract.keys import Keyspace
from bounced.core.return_path import Directory
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.identities import Identities
from bounced.edges.redis.job_store import JobStore
from bounced.edges.redis.line import NO_TALLY, Tally
from bounced.edges.redis.time_budget import TimeBudget
from bounced.edges.redis.url import redis_url
from bounced.edges.smtp import Door, Gate, Limits, SessionSettings, Speech
from bounced.edges.sockets import SMTP, Sockets, address_of, listener_name
from bounced.edges.turns import FairTurns
from bounced.edges.watch.door_log import DoorLog, log_not_read
from bounced.edges.watch.log import Event
from bounced.edges.watch.metrics.meter import Meter
from bounced.edges.watch.watched import WatchedReceiver
from bounced.jobs import AlarmBell, Background, Disputer, IntakeReader, Releaser
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import Clock, Store

LOG = structlog.get_logger()

DRAIN_S = 8.0
"""How long a stopping worker waits for the messages in hand; systemd waits longer."""


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_store(config: Config, tally: Tally = NO_TALLY) -> AsyncIterator[RedisStore]:
    """Give the store that the configuration names, started; with it the embedded server where that is wanted.

    ``tally`` counts what goes over its line.  Raises NoServer, Misconfigured; a Redis that is merely away shows with
    the first use.
    """
    budget = TimeBudget(config.redis.timeout_s)
    async with redis_url(config) as url:
        store = RedisStore(
            connections(url, budget),
            keyspaces(config),
            durability(config.redis.effective_durability, _warn, budget),
            events_max=config.keep.events_max,
            notice=_notice,
            tally=tally,
            known=identities(config).known,
            budget=budget,
        )
        await store.start()
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


def pipeline(config: Config, store: Store, clock: Clock = now) -> Pipeline:
    """Return the path that messages take under a configuration.  Raises RulesInvalid, OSError."""
    return Pipeline(
        directory=Directory(tuple(build.return_paths(name, settings) for name, settings in config.lists.items())),
        rules=rules.load(config.rules.files),
        lists={
            name: ListSettings(
                policy=build.policy(settings),
                disputes=dispute_rule(settings.disputes),
                alarms=alarm_rule(settings.alarms),
                trust_unsigned=settings.trust_unsigned,
                shares_hard_with=settings.shares_hard_with,
            )
            for name, settings in config.lists.items()
        },
        store=store,
        clock=clock,
        not_read=log_not_read,
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What a reload may change at once: where messages go and how each kind of door behaves."""

    pipeline: Pipeline
    limits: Limits
    doors: dict[str, SessionSettings]


def settings(config: Config, store: Store, workers: int, clock: Clock) -> Settings:
    """Return everything that a configuration says, checked as a whole.  Raises RulesInvalid, OSError, SSLError."""
    limits = Limits(
        connections=config.limits.connections_total,
        connections_per_peer=config.limits.connections_per_peer,
        handshakes=config.limits.handshakes_total,
        handshakes_per_peer=config.limits.handshakes_per_peer,
        trusted_peers=config.limits.trusted_peers,
        commands=config.limits.commands_per_session,
        commands_without_message=config.limits.commands_without_message,
        errors=config.limits.errors_per_session,
        idle_s=config.limits.idle_s,
        command_s=config.limits.command_s,
        handshake_s=config.limits.handshake_s,
        data_s=config.limits.data_s,
        session_s=config.limits.session_s,
        processing_s=TimeBudget(config.redis.timeout_s).door_s,
    ).share(workers)
    main = SessionSettings(
        hostname=config.host_name or socket.gethostname(),
        limits=limits,
        tls_context=_tls(config),
        max_message_bytes=config.smtp.max_message_bytes,
    )
    doors = {SMTP: main} | {listener_name(n): _further(main, each) for n, each in enumerate(config.listeners)}
    return Settings(pipeline(config, store, clock), limits, doors)


class Worker:
    """Takes in mail on given sockets until it is told to stop.  ``workers`` is how many share the limits."""

    def __init__(
        self, config: Config, sockets: Sockets, *, meter: Meter | None = None, workers: int = 1, clock: Clock = now
    ) -> None:
        self._clock = clock
        self._config = config
        self._sockets = sockets
        self._meter = meter or Meter()
        self._workers = workers
        self._stack = AsyncExitStack()
        self._doors: dict[str, Door] = {}
        self._store: RedisStore | None = None
        self._receiver: WatchedReceiver | None = None
        self._gate: Gate | None = None
        self._pipeline: Pipeline | None = None
        self._disputer: Disputer | None = None
        self._turns = FairTurns()
        self._background: Background | None = None

    async def __aenter__(self) -> Self:
        """Connect, read keys and rules, begin the jobs, open the doors.

        Raises what ``open_store`` and ``settings`` raise.
        """
        self._store = await self._stack.enter_async_context(open_store(self._config, self._meter))
        chosen = settings(self._config, self._store, self._workers, self._clock)
        self._background = self._jobs(self._store)
        self._receiver = WatchedReceiver(self._present(chosen.pipeline), self._meter)
        self._background.start()
        self._gate = Gate(chosen.limits)
        for name, door_settings in chosen.doors.items():
            door = Door(self._receiver, door_settings, self._gate, DoorLog(self._meter), self._clock)
            self._doors[name] = door
            await door.start(list(self._sockets.get(name, ())))
        doors = [address_of(opened) for several in self._sockets.values() for opened in several]
        LOG.info(Event.SERVICE_STARTED, doors=doors, lists=list(self._config.lists))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the jobs, accept no more, let messages in hand come to their end, close the store."""
        if self._background is not None:
            await self._background.stop()
        drained = await asyncio.gather(*(door.drain(DRAIN_S) for door in self._doors.values()))
        if not all(drained):
            LOG.warning(Event.DRAIN_TIMED_OUT, after_s=DRAIN_S)
        await self._stack.aclose()
        LOG.info(Event.SERVICE_STOPPED)

    @property
    def healthy(self) -> bool:
        """Whether no commit is stuck.  An idle worker is healthy; a job that fails is tried again by itself."""
        return self._receiver is None or self._receiver.oldest_s < TimeBudget(self._config.redis.timeout_s).stuck_s

    async def reload(self, config: Config) -> None:
        """Use rules, keys, certificates, policies and limits of a new configuration; connections stay.

        A thread compiles them, so that sessions go on meanwhile.  What was used before is freed when the last message
        in hand is done with it.  Raises RulesInvalid, OSError, SSLError, and then nothing has changed.
        """
        assert self._store is not None
        assert self._receiver is not None
        assert self._gate is not None
        chosen = await asyncio.to_thread(settings, config, self._store, self._workers, self._clock)
        keys = await asyncio.to_thread(keyspaces, config)
        self._store.use(keys)
        self._receiver.use(self._present(chosen.pipeline))
        self._gate.limits = chosen.limits
        for name, door in self._doors.items():
            if name in chosen.doors:
                door.use(chosen.doors[name])
        LOG.info(Event.SERVICE_RELOADED)

    def _jobs(self, store: RedisStore) -> Background:
        """Return what this worker does beside its doors."""
        keep = self._config.keep
        consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        chores = JobStore(store, consumer, events_max=keep.events_max, failed_max=keep.intake_failed_max)
        self._disputer = Disputer(self._now_in_use, chores)
        jobs = (
            Releaser(self._now_in_use, chores),
            self._disputer,
            IntakeReader(self._now_in_use, chores),
            AlarmBell(self._now_in_use, chores),
        )
        return Background(jobs, self._meter.job_failed)

    def _present(self, chosen: Pipeline) -> Pipeline:
        """Return the pipeline that doors and jobs use from now on."""
        assert self._disputer is not None
        self._pipeline = replace(chosen, suspect=self._disputer.suspect, not_read=self._not_read, turns=self._turns)
        return self._pipeline

    def _not_read(self, digest: str, fault: Exception) -> None:
        self._meter.not_read(type(fault).__name__)
        log_not_read(digest, fault)

    def _now_in_use(self) -> Pipeline:
        assert self._pipeline is not None
        return self._pipeline


def _further(main: SessionSettings, listener: Listener) -> SessionSettings:
    return SessionSettings(
        hostname=main.hostname,
        limits=main.limits,
        speech=Speech(listener.protocol),
        tls_context=main.tls_context,
        max_message_bytes=main.max_message_bytes,
        proxied_from=listener.proxy_from,
    )


def _tls(config: Config) -> ssl.SSLContext | None:
    certificate, key = config.smtp.tls_certificate, config.smtp.tls_key
    return tls_context(certificate, key) if certificate and key else None


def _warn(text: str) -> None:
    LOG.warning(Event.STORE_WARNED, text=text)


def _notice(reason: str | None) -> None:
    if reason is None:
        LOG.info(Event.STORE_RECOVERED)
    else:
        LOG.error(Event.STORE_FAILED, reason=reason)
