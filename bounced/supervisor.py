"""The parent process: owns the sockets and the embedded server, keeps workers running, passes signals on.

It takes in no mail itself.  It answers for all workers to Prometheus, health checks and systemd, and watches whether
Redis is still the one that kept the lists.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from bounced import rules
from bounced.config import Config, ConfigError, Source, build, load_to_run, read_configuration
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.edges.judge.certificate import ends_at
from bounced.edges.judge.look import RedisJudge
from bounced.edges.redis.embedded import redis_url
from bounced.edges.redis.job_store import JobStore
from bounced.edges.sockets import CannotListen, Sockets, open_socket
from bounced.edges.spare_memory import give_back
from bounced.edges.systemd import Notifier
from bounced.edges.version import running as build_that_runs
from bounced.edges.watch import status
from bounced.edges.watch.http import HttpServer, Page
from bounced.edges.watch.loaded import Loaded, loaded
from bounced.edges.watch.log import HASHES, Event
from bounced.edges.watch.metrics.totals import Totals
from bounced.edges.watch.monitor import Monitor, WorkerCounts
from bounced.edges.watch.status import Running, StatusPage
from bounced.jobs import Background, CommandCounts, Job
from bounced.jobs.redis_watch import RedisWatch
from bounced.opening import identities, keyspaces, now, open_store
from bounced.service import doors
from bounced.workers import Workers

LOG = structlog.get_logger()


async def supervise(config: Config, source: Source, sockets: Sockets, notifier: Notifier) -> None:
    """Run workers on bound sockets until SIGTERM or SIGINT, and stop in order.

    Raises NoServer, Misconfigured, WorkersFail.
    """
    loop, stopping, asked_to_reload = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, asked_to_reload.set)  # until all is assembled; else it would end us
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one that came since the program began comes now
    totals = Totals()
    workers = Workers(config, source, sockets, totals=totals, stopping=stopping, notifier=notifier)
    running = Running(build_that_runs(), now(), loaded(config, source, now()))
    async with monitored(config, sockets, running, workers.counts, totals) as monitor:
        reloads = Reloads(config, workers, monitor, notifier, running)
        loop.add_signal_handler(signal.SIGHUP, reloads.reload)
        if asked_to_reload.is_set():
            reloads.reload()
        await workers.run()


@asynccontextmanager
async def monitored(
    config: Config, sockets: Sockets, running: Running, workers: Callable[[], WorkerCounts], totals: Totals
) -> AsyncIterator[Monitor]:
    """Give what answers for the daemon; meanwhile watch Redis, and listen for HTTP where that is wanted."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(config))
        keys, keep = keyspaces(config), config.keep
        job_store = JobStore(store, "", events_max=keep.events_max, failed_max=keep.intake_failed_max)
        redis_watch = RedisWatch(store, keys, identities(config), job_store, now)
        judge = RedisJudge.configured(config, await stack.enter_async_context(redis_url(config)), identities(config))
        commands = CommandCounts(job_store, tuple(keys), now)
        monitor = Monitor(
            store,
            keys,
            workers,
            totals,
            clock=now,
            judge=judge,
            doors=doors(config, sockets),
            watch=redis_watch,
            commands=commands,
        )
        monitor.use(keys, ends_at(config.smtp), build.webhooks_of(config))
        pages: dict[str, Page] = {**monitor.pages, status.PATH: StatusPage(running, monitor, workers, totals)}
        jobs: tuple[Job, ...] = (redis_watch,)
        if config.http.listen is not None:
            jobs += (commands,)
            listening = stack.enter_context(open_socket(config.http.listen))
            await stack.enter_async_context(HttpServer(listening, pages))
        try:
            listening = stack.enter_context(status.opened(config.redis.data_dir))
        except (OSError, CannotListen) as error:
            text = f"`bounced status` cannot ask this daemon by a socket there: {error}"
            LOG.warning(Event.CONFIGURATION_DOUBTED, key="redis.data_dir", text=text)
        else:
            await stack.enter_async_context(HttpServer(listening, pages))
        background = Background(jobs)
        background.start()
        stack.push_async_callback(background.stop)
        yield monitor


class Reloads:
    """Passes SIGHUP on to the workers, one reload at a time.  A signal during a reload causes another one after it.

    ``started_with`` is the configuration that the daemon was started with; ``running`` notes what each reload did.
    """

    def __init__(
        self, started_with: Config, workers: Workers, monitor: Monitor, notifier: Notifier, running: Running
    ) -> None:
        self._started_with = started_with
        self._workers = workers
        self._monitor = monitor
        self._notifier = notifier
        self._running = running
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def reload(self) -> None:
        """Reload soon."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        while self._wanted:
            self._wanted = False
            self._notifier.reloading()
            try:
                source, config, after = await asyncio.to_thread(self._read)
            except (ConfigError, RulesInvalid, OSError, ValueError) as error:
                errors = str(error).splitlines()
                self._running.refuse(now(), errors)
                LOG.error(Event.RELOAD_FAILED, errors=errors)  # noqa: TRY400 - written for an operator
            else:
                self._take(source, config, after)
            self._notifier.ready()

    def _read(self) -> tuple[Source, Config, Loaded]:
        """Return the configuration on the disk if the workers can take it on; its rules are compiled to see that."""
        source = read_configuration(self._workers.source.path)
        config = load_to_run(source)
        rules.load(config.rules.files)
        give_back()
        return source, config, loaded(config, source, now())

    def _take(self, source: Source, config: Config, after: Loaded) -> None:
        """Pass a sound configuration on; what cannot change while running is said."""
        waiting = needs_restart(self._started_with, config)
        for table in waiting:
            LOG.warning(Event.CONFIGURATION_DOUBTED, key=table, text="takes effect after a restart only")
        if not waiting:  # the files that the old one names may be gone when another worker has to be started
            self._workers.source = source
        self._monitor.use(keyspaces(config), ends_at(config.smtp), build.webhooks_of(config))
        HASHES.use(build.log_secrets(config))
        changes = self._running.take(after, waiting)
        LOG.info(Event.CONFIGURATION_LOADED, changes=changes or ["no list, key or rule"])
        self._workers.reload()


def needs_restart(old: Config, new: Config) -> list[str]:
    """Return the keys whose new values a running daemon cannot take on."""
    pairs = {
        "workers": (old.worker_count, new.worker_count),
        "smtp.listen": (old.smtp.listen, new.smtp.listen),
        "listeners": ([each.address for each in old.listeners], [each.address for each in new.listeners]),
        "redis": (old.redis, new.redis),
        "keep": (old.keep, new.keep),
        "log": (old.log, new.log),
        "http": (old.http, new.http),
    }
    return [key for key, (before, after) in pairs.items() if before != after]
