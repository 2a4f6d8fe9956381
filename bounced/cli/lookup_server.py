"""``bounced lookup-server``: answers MTAs that ask before they deliver."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import click
from redis import RedisError

from bounced.cli.configured import configured
from bounced.cli.options import config_option
from bounced.cli.run import fail, in_loop, set_up_log
from bounced.client import AsyncClient
from bounced.config import Config, build
from bounced.edges.embedded import NoServer
from bounced.edges.lookup import MAX_REQUEST_BYTES, Ask, LookupServer, Suppressed, Unavailable, WhenUnavailable
from bounced.edges.redis_url import redis_url
from bounced.edges.sockets import CannotListen, open_socket
from bounced.edges.systemd import Notifier


@click.command("lookup-server")
@config_option
def lookup_server(config_file: Path | None) -> None:
    """Answer Postfix's socketmap and policy requests from the suppression lists.

    \b
    In main.cf, to refuse a suppressed recipient:
      smtpd_recipient_restrictions =
          check_recipient_access socketmap:inet:127.0.0.1:9026:access, ...
    To fail mail from a queue that is not SMTP's:
      transport_maps = socketmap:inet:127.0.0.1:9026:transport

    \b
    bounced lookup-server --config /etc/bounced/bounced.toml

    "access/LIST" asks another list than the first.  [lookup] says where it listens, and what is answered while
    Redis cannot be asked.
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file, to_run=True)
    set_up_log(config)
    try:
        in_loop(lambda: serve(config))
    except (CannotListen, NoServer) as error:
        fail(str(error))


async def serve(config: Config) -> None:
    """Answer until SIGTERM or SIGINT.  Raises CannotListen, NoServer."""
    stopping, notifier = asyncio.Event(), Notifier()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(redis_url(config))
        lists: dict[str, Ask] = {}
        for name, settings in config.lists.items():
            keys = build.keyspace(config, name)
            client = AsyncClient.from_url(url, keys=keys, fold_local_part=settings.fold_local_part)
            lists[name] = _asker(await stack.enter_async_context(client))
        answering = LookupServer(lists, next(iter(lists)), WhenUnavailable(config.lookup.when_unavailable))
        opened = open_socket(config.lookup.listen)
        await stack.enter_async_context(
            await asyncio.start_server(answering.serve, sock=opened, limit=MAX_REQUEST_BYTES)
        )
        notifier.ready()
        await stopping.wait()
        notifier.stopping()


def _asker(client: AsyncClient) -> Ask:
    async def ask(address: str) -> Suppressed | None:
        try:
            if not await client.is_suppressed(address):
                return None
            state = (await client.why(address)).state
        except (RedisError, OSError) as error:
            raise Unavailable(str(error)) from error
        return Suppressed(state.category, state.since.date().isoformat() if state.since else "")

    return ask
