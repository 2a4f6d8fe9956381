"""``bounced accept-redis``: an operator says that Redis was replaced on purpose."""

import asyncio
import secrets
from pathlib import Path

import click

from bounced.cli.acting import as_option
from bounced.cli.configured import config_option, configured
from bounced.cli.output import json_option, print_facts, print_json
from bounced.config import Config
from bounced.core.contract.summary import Summary, summary_event
from bounced.opening import identities, keyspaces, now, open_store


@click.command("accept-redis")
@as_option
@config_option
@json_option
def accept_redis(actor: str, config_file: Path | None, *, as_json: bool) -> None:
    """Tell bounced that you replaced Redis on purpose.  It then stops reporting this as a fault.

    Each list's Redis has an identity, and this host remembers it. An empty Redis gets the identity that this host
    remembers; every other host knows it, too. A Redis with an identity of its own keeps it, and this host remembers
    that one: then run this command on every host. A running daemon needs no restart.

    First look with `bounced export | head` whether the data is there. If it is not, import it first: a sender that
    asks an empty Redis mails everybody.

    \b
    bounced accept-redis
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    accepted = asyncio.run(_accept(configured(config_file), actor))
    if as_json:
        for list_, (before, after) in accepted.items():
            print_json({"list": list_, "known": before or None, "identity": after})
    else:
        print_facts({list_: _said(before, after) for list_, (before, after) in accepted.items()})


async def _accept(config: Config, actor: str) -> dict[str, tuple[str, str]]:
    """Return for each list the identity that was known, and the one that is known now."""
    remembered, accepted, present = identities(config), {}, {}
    async with open_store(config) as store:
        for list_, keys in keyspaces(config).items():
            known = remembered.known(keys.identity)
            await store.write(list_, "HSETNX", keys.identity, "id", known or secrets.token_hex(8))
            present[keys.identity] = (await store.server_facts(list_)).identity
            accepted[list_] = known, present[keys.identity]
            if known != present[keys.identity]:
                await store.tell(list_, summary_event(keys, Summary.ACCEPTED, now(), actor))
    remembered.remember(present)
    return accepted


def _said(before: str, after: str) -> str:
    return f"{after}, as it was known" if before == after else f"{after}, in place of {before or 'none'}"
