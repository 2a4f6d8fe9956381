"""``bounced erase``: removes everything about an address, except that its owner complained."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

from bounced.cli.acting import as_option
from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import json_option, print_facts, print_json
from bounced.cli.process import in_loop
from bounced.cli.progress import counting
from bounced.cli.selecting import chosen_list, names_to_complete, normalised
from bounced.config import Config
from bounced.core.contract.summary import Summary, summary_event
from bounced.core.mailbox import AddressId
from bounced.core.reading.mention import Mention
from bounced.edges.redis import RedisStore
from bounced.edges.redis.erasing import (
    Erased,
    ScanForbidden,
    check_scan,
    complained,
    erase,
    rewrite_append_only_file,
)
from bounced.opening import now, open_store

PEPPER_NEEDED = """{address} complained, and must stay suppressed in the list {list_}.
For that a keyed hash is kept, and its secret is missing:
  head -c 32 /dev/urandom | base64 > pepper; chmod 600 pepper
  lists.{list_}.pepper_file = "pepper" in the configuration, and erasure_pepper in your senders' Keyspace
--forget-complaint erases the complaint as well: the address can be mailed again then."""

FILE_REWRITTEN = "The embedded server's append-only file was rewritten: the address is not in it any more."
STILL_IN_FILES = """What Redis has written to disk still holds the address: its append-only file until BGREWRITEAOF, its
snapshot until the next one (BGSAVE), and each replica's files until they do the same.  docs/privacy.md says how."""


@click.command("erase")
@click.argument("address")
@click.option(
    "--list",
    "list_",
    metavar="NAME",
    shell_complete=names_to_complete,
    help="Only from this list.  [default: from all]",
)
@click.option("--forget-complaint", is_flag=True, help="Keep no keyed hash of somebody who complained.")
@as_option
@config_option
@json_option
def erase_command(
    *, address: str, list_: str | None, actor: str, config_file: Path | None, forget_complaint: bool, as_json: bool
) -> None:
    """Remove ADDRESS from every key, set and stream, also where others are described.  Cannot be undone.

    If somebody complained, a keyed hash stays. It keeps the address suppressed for senders that know the pepper. The
    command reads every key and stream entry several times, so it takes a while; repeating it does no harm. A bounce
    that comes later for a message sent earlier counts, so stop mailing the address first.

    Exit code 0 if something was erased, 1 if nothing was known.

    \b
    bounced erase alice@example.org
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file)
    names = [chosen_list(config, list_)] if list_ else list(config.lists)
    addresses = {name: normalised(config, name, address) for name in names}
    try:
        found = in_loop(lambda: _erase(config, addresses, actor, forget_complaint=forget_complaint, as_json=as_json))
    except ScanForbidden as error:
        message = "what is left of an address is found by SCAN, which this Redis user may not: log in as the operator"
        raise click.UsageError(f"{message} (docs/redis.md): {error}") from error
    sys.exit(ExitCode.DONE if found else ExitCode.NO)


async def _erase(
    config: Config, addresses: Mapping[str, str], actor: str, *, forget_complaint: bool, as_json: bool
) -> bool:
    """Erase one address, as it stands in each list; return whether anything was known.

    That it was done, and by whom, is an event that does not name the address.

    Nothing is erased before it is certain that everything can be erased.  Raises UsageError, ScanForbidden.
    """
    async with open_store(config) as store:
        kept = {} if forget_complaint else await _kept(store, addresses)
        for name in addresses:
            await check_scan(store, name)
        erased = {}
        with counting("entries looked at") as advance:
            for name, address in addresses.items():
                erased[name] = await erase(store, name, address, advance, kept=kept.get(name))
                if erased[name]:
                    by = Mention(address, (address,)).without(actor)
                    await store.tell(name, summary_event(store.keyspace(name), Summary.ERASED, now(), by))
        if any(erased.values()) and config.redis.embedded:
            await rewrite_append_only_file(store, next(iter(addresses)))
    for name, found in erased.items():
        _tell(name, found, kept=name in kept, as_json=as_json)
    if any(erased.values()):
        click.echo(FILE_REWRITTEN if config.redis.embedded else STILL_IN_FILES, err=True)
    return any(erased.values())


async def _kept(store: RedisStore, addresses: Mapping[str, str]) -> dict[str, AddressId]:
    """Return the keyed hashes that have to stay, by list.  Raises UsageError where the secret for one is missing."""
    kept = {}
    for name, address in addresses.items():
        if await complained(store, name, address):
            hash_ = store.keyspace(name).erased_id(address)
            if hash_ is None:
                raise click.UsageError(PEPPER_NEEDED.format(address=address, list_=name))
            kept[name] = hash_
    return kept


def _tell(list_: str, erased: Erased, *, kept: bool, as_json: bool) -> None:
    if as_json:
        print_json({"list": list_, **asdict(erased), "hash_kept": kept})
        return
    counts = ", ".join(f"{count} {name}" for name, count in asdict(erased).items() if count)
    complaint = "; a keyed hash stays, for there was a complaint" if kept else ""
    print_facts({list_: f"erased {counts}{complaint}" if erased else "nothing was known"})
