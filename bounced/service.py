"""One worker assembled: the store, the pipeline, the doors; started, reloaded, drained.

Only here implementations are chosen; everybody else is handed what they work with.
"""

import asyncio
import os
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import structlog

from bounced import rules
from bounced.config import Config, build
from bounced.config.files import tls_context
from bounced.config.health import alarm_rule, dispute_rule, provider_rule
from bounced.config.model import Listener
from bounced.core.return_path import Directory
from bounced.core.terms import Origin
from bounced.edges.redis import RedisStore
from bounced.edges.redis.job_store import JobStore
from bounced.edges.redis.time_budget import TimeBudget
from bounced.edges.smtp import Door, Gate, SessionLimits, SessionSettings, Speech
from bounced.edges.sockets import SMTP, Sockets, address_of, listener_name
from bounced.edges.spare_memory import give_back
from bounced.edges.turns import FairTurns
from bounced.edges.watch.door_log import DoorLog, log_not_read
from bounced.edges.watch.log import Event
from bounced.edges.watch.metrics.meter import Meter
from bounced.edges.watch.watched import WatchedReceiver
from bounced.jobs import AlarmUpdater, Background, Disputer, IntakeReader, ProviderDisputer, Releaser
from bounced.opening import keyspaces, now, open_store
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import Clock, Store

LOG = structlog.get_logger()

DRAIN_S = 8.0
"""How long a stopping worker waits for the messages in hand; systemd waits longer."""


def pipeline(config: Config, store: Store, clock: Clock = now) -> Pipeline:
    """Return the path that messages take under a configuration.  Raises RulesInvalid, OSError."""
    return Pipeline(
        directory=Directory(tuple(build.return_paths(name, settings) for name, settings in config.lists.items())),
        rules=rules.load(config.rules.files),
        lists={
            name: ListSettings(
                policy=build.policy(settings),
                disputes=dispute_rule(settings.disputes),
                providers=provider_rule(settings.disputes),
                alarms=alarm_rule(settings.alarms),
                trust_unsigned=settings.trust_unsigned,
                shares_hard_with=settings.shares_hard_with,
                intake_may_release=settings.intake_may_release,
                hooks=build.webhooks_of(config)[name],
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
    limits: SessionLimits
    doors: dict[str, SessionSettings]


def settings(config: Config, store: Store, workers: int, clock: Clock) -> Settings:
    """Return everything that a configuration says, checked as a whole.  Raises RulesInvalid, OSError, SSLError."""
    limits = SessionLimits(
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


class PipelineInUse:
    """The pipeline that the doors and the jobs of a worker use now.  A reload puts another one in its place."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def __call__(self) -> Pipeline:
        """Return it."""
        return self._pipeline

    def use(self, pipeline: Pipeline) -> None:
        """Use another one from now on."""
        self._pipeline = pipeline


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that takes in mail: what it consists of.  ``running`` makes one, and stops it.

    ``present`` is the pipeline in use; ``fit`` connects a pipeline that was just configured with this worker's parts.
    ``workers`` is how many share the limits; a commit that is older than ``stuck_s`` means that this one hangs.
    """

    store: RedisStore
    present: PipelineInUse
    fit: Callable[[Pipeline], Pipeline]
    receiver: WatchedReceiver
    gate: Gate
    doors: Mapping[str, Door]
    jobs: Background
    clock: Clock
    workers: int
    stuck_s: float

    @staticmethod
    @asynccontextmanager
    async def running(
        config: Config, sockets: Sockets, *, meter: Meter | None = None, workers: int = 1, clock: Clock = now
    ) -> AsyncIterator["Worker"]:
        """Give a worker that takes in mail on these sockets.

        It connects, reads keys and rules, begins the jobs and opens the doors.  In the end it stops the jobs, accepts
        no more, and closes the store when the messages in hand have come to their end.  Raises what ``open_store`` and
        ``settings`` raise.
        """
        meter = meter or Meter()
        async with open_store(config, meter) as store:
            worker = _assembled(config, store, meter=meter, workers=workers, clock=clock)
            try:
                worker.jobs.start()
                for name, door in worker.doors.items():
                    await door.start(list(sockets.get(name, ())))
                addresses = [address_of(opened) for several in sockets.values() for opened in several]
                LOG.info(Event.SERVICE_STARTED, doors=addresses, lists=list(config.lists))
                yield worker
            finally:
                await worker.jobs.stop()
                await _drain(worker.doors.values())
        LOG.info(Event.SERVICE_STOPPED)

    @property
    def healthy(self) -> bool:
        """Whether no commit is stuck.  An idle worker is healthy; a job that fails is tried again by itself."""
        return self.receiver.oldest_s < self.stuck_s

    async def reload(self, config: Config) -> None:
        """Use rules, keys, certificates, policies and limits of a new configuration; connections stay.

        A thread compiles them, so that sessions go on meanwhile.  What was used before is freed when the last message
        in hand is done with it.  Raises RulesInvalid, OSError, SSLError, and then nothing has changed.
        """
        chosen = await asyncio.to_thread(settings, config, self.store, self.workers, self.clock)
        keys = await asyncio.to_thread(keyspaces, config)
        self.store.use(keys)
        self.present.use(self.fit(chosen.pipeline))
        self.gate.limits = chosen.limits
        for name, door in self.doors.items():
            if name in chosen.doors:
                door.use(chosen.doors[name])
        await asyncio.to_thread(give_back)
        LOG.info(Event.SERVICE_RELOADED)


def _assembled(config: Config, store: RedisStore, *, meter: Meter, workers: int, clock: Clock) -> Worker:
    """Return a worker that has not begun.

    Only here is the first pipeline named: a variable of what runs as long as the worker would keep its rules for good.
    """
    chosen = settings(config, store, workers, clock)
    consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    job_store = JobStore(store, consumer, events_max=config.keep.events_max, failed_max=config.keep.intake_failed_max)
    present = PipelineInUse(chosen.pipeline)
    disputer, provider_disputer = Disputer(present, job_store), ProviderDisputer(present, job_store)
    jobs = (
        Releaser(present, job_store),
        disputer,
        provider_disputer,
        IntakeReader(present, job_store, meter.intake_failed),
        AlarmUpdater(present, job_store),
    )

    def not_read(digest: str, fault: Exception) -> None:
        meter.not_read(type(fault).__name__)
        log_not_read(digest, fault)

    fit = partial(
        replace,
        suspect=disputer.suspect,
        suspect_provider=provider_disputer.suspect,
        not_read=not_read,
        turns=FairTurns(),
    )
    present.use(fit(chosen.pipeline))
    receiver, gate, door_log = WatchedReceiver(present, meter), Gate(chosen.limits), DoorLog(meter)
    return Worker(
        store=store,
        present=present,
        fit=fit,
        receiver=receiver,
        gate=gate,
        doors={name: Door(receiver, each, gate, door_log, clock) for name, each in chosen.doors.items()},
        jobs=Background(jobs, meter.job_failed),
        clock=clock,
        workers=workers,
        stuck_s=TimeBudget(config.redis.timeout_s).stuck_s,
    )


async def _drain(doors: Iterable[Door]) -> None:
    """Accept no more, and let the messages in hand come to their end."""
    if not all(await asyncio.gather(*(door.drain(DRAIN_S) for door in doors))):
        LOG.warning(Event.DRAIN_TIMED_OUT, after_s=DRAIN_S)


def _further(main: SessionSettings, listener: Listener) -> SessionSettings:
    return SessionSettings(
        hostname=main.hostname,
        limits=main.limits,
        speech=Speech(listener.protocol),
        tls_context=main.tls_context,
        max_message_bytes=main.max_message_bytes,
        proxied_from=listener.proxy_from,
    )


def doors(config: Config, sockets: Sockets) -> tuple[Origin, ...]:
    """Return by which of SMTP and LMTP mail can come in: those that have a socket."""
    spoken = {SMTP: Origin.SMTP} | {listener_name(n): Origin(each.protocol) for n, each in enumerate(config.listeners)}
    return tuple(dict.fromkeys(origin for name, origin in spoken.items() if sockets.get(name)))


def _tls(config: Config) -> ssl.SSLContext | None:
    certificate, key = config.smtp.tls_certificate, config.smtp.tls_key
    return tls_context(certificate, key) if certificate and key else None
