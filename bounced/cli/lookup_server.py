"""``bounced lookup-server``: answers MTAs that ask before they deliver."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

import click
import structlog

from bounced.cli.configured import config_option, configured_to_run
from bounced.cli.process import fail, in_loop, set_up_log
from bounced.config import Config
from bounced.core.contract.state_hash import UnreadableState, from_fields
from bounced.core.mailbox import normalise
from bounced.edges.lookup import (
    MAX_REQUEST_BYTES,
    Ask,
    LookupLimits,
    LookupServer,
    Suppressed,
    Unavailable,
    WhenUnavailable,
)
from bounced.edges.redis import Misconfigured, RedisStore
from bounced.edges.redis.embedded import NoServer
from bounced.edges.redis.time_budget import TimeBudget
from bounced.edges.redis.wire import fields
from bounced.edges.sockets import CannotListen, address_of, open_socket
from bounced.edges.systemd import Notifier
from bounced.edges.watch.log import Event
from bounced.opening import open_store
from bounced.ports import StoreUnavailable

LOG = structlog.get_logger()


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
    config, _ = configured_to_run(config_file)
    set_up_log(config)
    try:
        in_loop(lambda: serve(config))
    except (CannotListen, NoServer, Misconfigured) as error:
        fail(str(error))


async def serve(config: Config) -> None:
    """Answer until SIGTERM or SIGINT.  Raises CannotListen, NoServer, Misconfigured."""
    stopping, notifier = asyncio.Event(), Notifier()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with open_store(config) as store:
        lists = {name: _asker(store, name, fold=settings.fold_local_part) for name, settings in config.lists.items()}
        limits = LookupLimits(
            connections=config.lookup.connections_total,
            idle_s=config.lookup.idle_s,
            answer_s=TimeBudget(config.redis.timeout_s).door_s,
        )
        answering = LookupServer(lists, next(iter(lists)), WhenUnavailable(config.lookup.when_unavailable), limits)
        opened = open_socket(config.lookup.listen)
        async with await asyncio.start_server(answering.serve, sock=opened, limit=MAX_REQUEST_BYTES):
            LOG.info(Event.SERVICE_STARTED, doors=[address_of(opened)], lists=list(lists))
            notifier.ready()
            await stopping.wait()
            notifier.stopping()


def _asker(store: RedisStore, list_: str, *, fold: bool) -> Ask:
    keys = store.keyspace(list_)

    async def ask(address: str) -> Suppressed | None:
        normalised = normalise(address, fold_local_part=fold)
        try:
            for id_ in [form(normalised) for form in keys.suppressed_forms]:
                if await store.read(list_, "SISMEMBER", keys.suppressed, id_) == 1:
                    return _why(fields(await store.read(list_, "HGETALL", keys.address(id_))))
        except StoreUnavailable as error:
            raise Unavailable(str(error)) from error
        return None

    return ask


def _why(held: Mapping[str, str]) -> Suppressed:
    """Return why an address is on the suppression list.  It stays there where its state cannot be read."""
    try:
        state = from_fields(held)
    except UnreadableState:
        return Suppressed(None, "")
    return Suppressed(state.category, state.since.date().isoformat() if state.since else "")
