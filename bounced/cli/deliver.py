"""``bounced deliver``: sends events to webhooks, in the foreground."""

import asyncio
import signal
from pathlib import Path
from ssl import SSLError

import click
import structlog

from bounced.cli.configured import config_option, configured_for_deliver
from bounced.cli.libraries import too_old
from bounced.cli.process import fail, in_loop, set_up_log, spare_the_collector
from bounced.config import Config, ConfigError, load_for_deliver, read_configuration
from bounced.deliver.serving import Delivering
from bounced.edges.redis import Misconfigured
from bounced.edges.redis.embedded import NoServer
from bounced.edges.systemd import Notifier
from bounced.edges.watch.log import Event
from bounced.opening import keyspaces, now, open_store

LOG = structlog.get_logger()

NOT_STARTED = (NoServer, Misconfigured, OSError, ValueError, SSLError)
NOT_RELOADED = (ConfigError, OSError, ValueError, SSLError)


@click.command()
@config_option
def deliver(config_file: Path | None) -> None:
    """Send events to the webhooks of [[hooks]] in the foreground, as systemd does.

    \b
    SIGTERM, SIGINT  finish the requests under way and stop
    SIGHUP           read the configuration and its files again

    Each event is sent until its receiver takes it, in order for each address. Several deliverers may run:
    one works for a webhook and list, and another one takes over when it is gone.

    \b
    bounced deliver --config ./bounced.toml
    systemctl enable --now bounced-deliver
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    if old := too_old():
        fail(old)
    config = configured_for_deliver(config_file)
    set_up_log(config)
    try:
        in_loop(lambda: _serve(config, config_file))
    except NOT_STARTED as error:
        fail(str(error))


async def _serve(config: Config, config_file: Path | None) -> None:
    """Deliver until SIGTERM or SIGINT."""
    loop, stopping, reloading, notifier = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event(), Notifier()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, reloading.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one that came since the program began comes now
    async with (
        open_store(config, to_write=False) as store,
        Delivering.running(config, store, now) as delivering,
        asyncio.TaskGroup() as tasks,
    ):
        before = keyspaces(config)

        async def reload() -> None:
            nonlocal before
            try:
                present = await asyncio.to_thread(lambda: load_for_deliver(read_configuration(config_file)))
                lists = keyspaces(present)
                store.use({**before, **lists})  # what is stopped still writes how far it has come
                try:
                    await delivering.reload(present)
                    before = lists
                finally:
                    store.use(before)
            except NOT_RELOADED as error:
                LOG.error(Event.RELOAD_FAILED, errors=str(error).splitlines())  # noqa: TRY400 - for an operator

        async def reload_for_ever() -> None:
            while True:
                await reloading.wait()
                reloading.clear()
                notifier.reloading()
                await reload()
                notifier.ready()

        spare_the_collector()
        reloader = tasks.create_task(reload_for_ever())
        notifier.ready()
        await stopping.wait()
        notifier.stopping()
        reloader.cancel()
