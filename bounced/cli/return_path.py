"""``bounced return-path``: make a return path, or read one."""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path

import click
from redis.exceptions import RedisError

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.new_key import new_key
from bounced.cli.output import json_option, print_facts, print_json
from bounced.cli.selecting import chosen_list, list_option
from bounced.client import AsyncClient
from bounced.config import Config, build
from bounced.core.return_path import BadReturnPath, Directory, DoesNotFit, ReturnPaths, TokenPath, likely_cause
from bounced.core.terms import Engagement, OptIn, Profile, ReturnPath, RoleAddress
from bounced.edges.redis.connect import reason
from bounced.edges.redis.embedded import redis_url
from bounced.opening import open_store
from bounced.ports import StoreUnavailable


def words(values: Iterable[IntEnum]) -> click.Choice[str]:
    """Return the choice between the names of an enum."""
    return click.Choice([value.name.lower() for value in values])


@dataclass(frozen=True, slots=True)
class MailOptions:
    """The message that a return path is wanted for."""

    recipient: str
    tag: str
    profile: Profile
    issued: date
    unsubscribes: bool


@click.group()
def return_path() -> None:
    """Make a return path, read one that came back, or make the secret that signs them."""


@return_path.command()
@click.argument("address")
@list_option
@click.option("--tag", default="", metavar="CODE", help="Campaign, at most 8 of a-z, 0-9 and -.")
@click.option("--opt-in", default="unknown", type=words(OptIn), help="How the recipient came onto the list.")
@click.option("--engagement", default="unknown", type=words(Engagement), help="When it last showed interest.")
@click.option("--unsubscribe", "unsubscribes", is_flag=True, help="The address to unsubscribe at instead.")
@click.option("--date", "issued", type=click.DateTime(["%Y-%m-%d"]), help="Day of sending, in UTC.  [default: today]")
@config_option
@json_option
def encode(
    *,
    address: str,
    list_: str | None,
    tag: str,
    opt_in: str,
    engagement: str,
    issued: datetime | None,
    unsubscribes: bool,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Print the envelope sender for one message to ADDRESS.

    For an address that does not fit, a token is registered in Redis.

    With --unsubscribe it is the address for List-Unsubscribe: who writes to it is unsubscribed.

    \b
    bounced return-path encode alice@example.org
    bounced return-path encode alice@example.org --tag spring --opt-in confirmed
    bounced return-path encode alice@example.org --unsubscribe
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    paths = _paths(config, list_)
    profile = Profile(OptIn[opt_in.upper()], Engagement[engagement.upper()])
    mail = MailOptions(address, tag, profile, issued.date() if issued else _today(), unsubscribes)
    try:
        made, style = _encode(config, paths, mail)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        print_json({"return_path": made, "style": style, "list": paths.list, "recipient": paths.normalise(address)})
    else:
        click.echo(made)


@return_path.command()
@click.argument("path")
@config_option
@json_option
def decode(path: str, config_file: Path | None, *, as_json: bool) -> None:
    """Tell whom the return path PATH was made for, and when.

    Exit code 1 if mail to it would be refused; a token is looked up in Redis.

    \b
    bounced return-path decode b-kujkcffxnkh27owach==alice=example.org@bounce.example.com
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    facts = _decoded(config, path.removeprefix("<").removesuffix(">"))
    if as_json:
        print_json({"return_path": path, **facts})
    else:
        print_facts(facts)
    sys.exit(ExitCode.NO if "refused" in facts else ExitCode.DONE)


return_path.add_command(new_key)


def _paths(config: Config, list_: str | None) -> ReturnPaths:
    name = chosen_list(config, list_)
    return build.return_paths(name, config.lists[name])


def _encode(config: Config, paths: ReturnPaths, mail: MailOptions) -> tuple[str, str]:
    try:
        make = paths.encode_unsubscribe if mail.unsubscribes else paths.encode
        return make(mail.recipient, issued=mail.issued, tag=mail.tag, profile=mail.profile), "signed"
    except DoesNotFit as reason:
        if config.redis.url is None:
            raise click.UsageError(f"a token is needed, and redis.url to register it: {reason}") from reason
    return asyncio.run(_register(config, paths, mail)), "token"


async def _register(config: Config, paths: ReturnPaths, mail: MailOptions) -> str:
    keys = build.keyspace(config, paths.list)
    async with redis_url(config) as url, AsyncClient.from_url(url, paths, keys=keys) as client:
        try:
            make = client.unsubscribe_path_for if mail.unsubscribes else client.return_path_for
            return await make(mail.recipient, tag=mail.tag, profile=mail.profile, issued=mail.issued)
        except RedisError as error:
            raise StoreUnavailable(reason(error)) from error


def _decoded(config: Config, path: str) -> dict[str, str]:
    directory = Directory(tuple(build.return_paths(name, settings) for name, settings in config.lists.items()))
    try:
        found = directory.decode(path, today=_today())
        if isinstance(found, TokenPath):
            found = directory.resolve(found, asyncio.run(_registered(config, found)), today=_today())
    except BadReturnPath as refused:
        cause = likely_cause(directory, path, refused.reason)
        return {"refused": refused.reason.value} | ({"because": cause.text} if cause and cause.proven else {})
    return _facts(found)


async def _registered(config: Config, path: TokenPath) -> dict[str, str] | None:
    if config.redis.url is None:
        raise click.UsageError("a token is looked up in Redis, and redis.url is not configured")
    async with open_store(config) as store:
        return await store.token(path.list, path.token)


def _facts(found: ReturnPath | RoleAddress) -> dict[str, str]:
    if isinstance(found, RoleAddress):
        return {"list": found.list, "role": found.local_part}
    return {
        "list": found.list,
        "recipient": found.recipient,
        "issued": found.issued.isoformat() if found.issued else "",
        "tag": found.tag,
        "opt_in": found.profile.opt_in.name.lower(),
        "engagement": found.profile.engagement.name.lower(),
        "signed": "yes" if found.signed else "no: anybody could have made it",
        "path": found.path,
    } | ({"unsubscribes": "yes: who writes to it is unsubscribed"} if found.unsubscribes else {})


def _today() -> date:
    return datetime.now(UTC).date()
