"""``bounced web``: the web application in the foreground."""

import asyncio
import signal
import socket
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import click
import structlog

from bounced.cli.configured import config_option, configured_for_web
from bounced.cli.libraries import too_old
from bounced.cli.process import fail, in_loop, set_up_log, spare_the_collector
from bounced.cli.web_people import login, user
from bounced.cli.web_token import token
from bounced.config import Config, ConfigError, build, load_for_web, read_configuration
from bounced.config.web_checks import PRIVATE, PUBLIC, web_listeners
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.edges.open_files import allow_open_files
from bounced.edges.redis import Misconfigured, RedisStore
from bounced.edges.redis.embedded import NoServer
from bounced.edges.sockets import CannotListen, Sockets, open_socket
from bounced.edges.systemd import Notifier, listen_fds
from bounced.edges.watch import log
from bounced.opening import open_store
from bounced.service import pipeline
from bounced.web.people.users import UsersInvalid
from bounced.web.serving import NAMES, Makers, Serving, is_local
from bounced.web.tokens import TokensInvalid

LOG = structlog.get_logger()

NOT_STARTED = (RulesInvalid, CannotListen, NoServer, Misconfigured, TokensInvalid, UsersInvalid, OSError)
"""What ends the start with a message; once the application answers, errors come as a group."""
NOT_RELOADED = (ConfigError, RulesInvalid, TokensInvalid, UsersInvalid, OSError, ValueError)


@click.group(invoke_without_command=True)
@click.option("--public", "wanted", flag_value=PUBLIC, help="Serve the public listener alone.")
@click.option("--private", "wanted", flag_value=PRIVATE, help="Serve the private listener alone.")
@config_option
@click.pass_context
def web(ctx: click.Context, wanted: str | None, config_file: Path | None) -> None:
    """Serve the API and the pages over HTTP in the foreground, as systemd does.

    \b
    SIGTERM, SIGINT  finish the requests in hand and stop
    SIGHUP           read configuration, rules, keys, tokens, users and certificates again

    The private listener is for your own programs and people: `bounced web token`, `web user` and `web login` say who
    may use it. The public one may face the internet; it is off without web.public.listen. Sockets that systemd hands
    over under the names web-private and web-public replace the configured ones.

    \b
    bounced web --config ./bounced.toml
    bounced web token add crm --list main --right check
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    if ctx.invoked_subcommand is not None:
        return
    if old := too_old():
        fail(old)
    names = [name for name in (PUBLIC, PRIVATE) if wanted in (None, name)]
    config = configured_for_web(config_file, names)
    set_up_log(config)
    allow_open_files()
    try:
        sockets = _sockets(config, names, listen_fds())
        in_loop(partial(_serve, config, config_file, names, sockets))
    except NOT_STARTED as error:
        fail(str(error))


web.add_command(token)
web.add_command(user)
web.add_command(login)


def _sockets(config: Config, names: Sequence[str], given: Sockets) -> dict[str, Sequence[socket.socket]]:
    """Return the sockets of each listener that has any.  Raises CannotListen."""
    sockets: dict[str, Sequence[socket.socket]] = {}
    for name in names:
        own = web_listeners(config)[name]
        if handed := given.get(NAMES[name]):
            sockets[name] = handed
        elif own.listen is not None:
            sockets[name] = [open_socket(own.listen)]
    if not sockets:
        raise CannotListen(f"nowhere to listen: web.{names[0]}.listen says where")
    for opened in sockets.get(PRIVATE, ()):
        if not is_local(opened) and not config.web.private.allow_remote:
            raise CannotListen(
                "web-private is a socket that other machines can reach: web.private.allow_remote is false"
            )
    for name, several in sockets.items():
        if not web_listeners(config)[name].hosts and not all(map(is_local, several)):
            raise CannotListen(
                f"other machines can reach web-{name}: web.{name}.hosts says for which hosts they may ask"
            )
    return sockets


async def _serve(config: Config, config_file: Path | None, names: Sequence[str], sockets: Sockets) -> None:
    """Answer until SIGTERM or SIGINT."""
    loop, stopping, notifier = asyncio.get_running_loop(), asyncio.Event(), Notifier()
    reloading = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, reloading.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one that came since the program began comes now
    makers = Makers(_opened, pipeline)
    async with Serving.running(config, sockets, makers) as serving, asyncio.TaskGroup() as tasks:
        spare_the_collector()
        reloader = tasks.create_task(_reload_for_ever(serving, config_file, names, reloading, notifier))
        notifier.ready()
        await stopping.wait()
        notifier.stopping()
        reloader.cancel()


def _opened(config: Config, to_write: bool) -> AbstractAsyncContextManager[RedisStore]:  # noqa: FBT001 - see Makers
    return open_store(config, to_write=to_write)


async def _reload_for_ever(
    serving: Serving, config_file: Path | None, names: Sequence[str], wanted: asyncio.Event, notifier: Notifier
) -> None:
    """Reload for each signal; one that comes meanwhile causes another reload."""
    while True:
        await wanted.wait()
        wanted.clear()
        notifier.reloading()
        try:
            config = await asyncio.to_thread(lambda: load_for_web(read_configuration(config_file), names))
            await serving.reload(config)
            log.HASHES.use(build.log_secrets(config))
        except NOT_RELOADED as error:
            LOG.error(log.Event.RELOAD_FAILED, errors=str(error).splitlines())  # noqa: TRY400 - for an operator
        notifier.ready()
