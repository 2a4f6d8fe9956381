"""``bounced run``, the daemon, and ``bounced worker``, which it starts for itself."""

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path

import click
import structlog

from bounced import rules
from bounced.cli.configured import config_option, configured_to_run
from bounced.cli.libraries import too_old
from bounced.cli.process import fail, in_loop, set_up_log, spare_the_collector
from bounced.config import Config, ConfigError, build, load_to_run, read_configuration
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.edges.open_files import allow_open_files
from bounced.edges.redis import Misconfigured
from bounced.edges.redis.embedded import NoServer
from bounced.edges.sockets import CannotListen, Sockets, bind
from bounced.edges.systemd import Notifier, listen_fds
from bounced.edges.watch import log
from bounced.edges.watch.metrics.meter import Meter
from bounced.service import Worker
from bounced.supervisor import supervise
from bounced.workers import ALIVE, HEARTBEAT_S, READY, WorkersFail, text_from

LOG = structlog.get_logger()

PARENT = "parent"


@click.command()
@config_option
def run(config_file: Path | None) -> None:
    """Run the daemon in the foreground, as systemd does.

    \b
    SIGTERM, SIGINT  finish the messages in hand and stop
    SIGHUP           read configuration, rules, keys and certificates again

    Sockets handed over by systemd replace those of smtp.listen.

    \b
    bounced run --config ./bounced.toml
    systemctl start bounced
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    if old := too_old():
        fail(old)
    config, source = configured_to_run(config_file)
    set_up_log(config)
    allow_open_files()
    try:
        rules.load(config.rules.files)  # said once, by us, before each worker would say it
        sockets = bind(config, listen_fds())
        spare_the_collector()
        in_loop(lambda: supervise(config, source, sockets, Notifier()))
    except (RulesInvalid, CannotListen, NoServer, Misconfigured, WorkersFail) as error:
        fail(str(error))


@click.command(hidden=True)
@config_option
@click.option("--handed", multiple=True, required=True, metavar="NAME:FD")
def worker(config_file: Path | None, handed: tuple[str, ...]) -> None:
    """Run one worker on sockets that the daemon hands down."""
    sockets: dict[str, list[socket.socket]] = {}
    for name, _, descriptor in (item.rpartition(":") for item in handed):
        os.set_inheritable(int(descriptor), False)
        sockets.setdefault(name, []).append(socket.socket(fileno=int(descriptor)))
    (parent,) = sockets.pop(PARENT)
    text = text_from(parent)
    if text is None:
        return
    config, _ = configured_to_run(config_file, text)
    set_up_log(config)
    try:
        in_loop(lambda: work(config, config_file, sockets, parent))
    except (NoServer, Misconfigured, RulesInvalid) as error:
        fail(str(error))


async def work(config: Config, config_file: Path | None, sockets: Sockets, parent: socket.socket) -> None:
    """Take in mail until SIGTERM comes or the parent is gone."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C reaches us too; the parent says what to do
    reader, writer = await asyncio.open_connection(sock=parent)
    meter = Meter()
    async with (
        Worker.running(config, sockets, meter=meter, workers=config.worker_count) as running,
        asyncio.TaskGroup() as tasks,
    ):
        loop.add_signal_handler(signal.SIGHUP, Reloads(running, config_file).tell)
        spare_the_collector()
        beat = tasks.create_task(_beat(running, meter, writer))
        orphaned = tasks.create_task(_until_closed(reader, stopping))
        await stopping.wait()
        beat.cancel()
        orphaned.cancel()
    if not writer.is_closing():  # the parent may be gone
        with contextlib.suppress(ConnectionError):
            writer.write(meter.take())
            await writer.drain()


class Reloads:
    """Reloads one worker, one reload at a time.  A signal during a reload causes another reload after it."""

    def __init__(self, running: Worker, config_file: Path | None) -> None:
        self._running = running
        self._config_file = config_file
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """Reload soon."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        while self._wanted:
            self._wanted = False
            await reload(self._running, self._config_file)


async def reload(running: Worker, config_file: Path | None) -> None:
    """Use the file as it is now.  If it has errors, log them and change nothing."""
    try:
        config = await asyncio.to_thread(_read_to_run, config_file)
        await running.reload(config)
        log.HASHES.use(build.log_secrets(config))
    except (ConfigError, RulesInvalid, OSError, ValueError) as error:
        LOG.error(log.Event.RELOAD_FAILED, errors=str(error).splitlines())  # noqa: TRY400 - the message is for an operator


def _read_to_run(config_file: Path | None) -> Config:
    return load_to_run(read_configuration(config_file))


async def _beat(running: Worker, meter: Meter, writer: asyncio.StreamWriter) -> None:
    """Tell the parent that we are ready; then send it the counters, and a heartbeat while we are healthy."""
    writer.write(READY)
    while not writer.is_closing():  # uvloop raises RuntimeError for what is written then
        writer.write(meter.take())
        if running.healthy:
            writer.write(ALIVE)
        await asyncio.sleep(HEARTBEAT_S)


async def _until_closed(reader: asyncio.StreamReader, stopping: asyncio.Event) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read()
    stopping.set()
