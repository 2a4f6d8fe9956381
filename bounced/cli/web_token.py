"""``bounced web token``: who may use the API, for which lists, how often."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import json_option, print_json, print_table
from bounced.config import Config
from bounced.web.private_files import changing
from bounced.web.token_file import load_tokens, save_tokens
from bounced.web.tokens import DEFAULT_RATE, MAX_RATE, Right, Token, Tokens, TokensInvalid, new_token

SOON = "A running application knows it within two seconds."


@click.group()
def token() -> None:
    """Say who may use the API: tokens for lists, with rights and a rate.

    \b
    bounced web token list
    """  # noqa: D301 - \b is click's mark for lines to be left as they are


@token.command()
@click.argument("name")
@click.option("--list", "lists", multiple=True, required=True, metavar="NAME", help="Suppression list.  Repeatable.")
@click.option(
    "--right",
    "rights",
    multiple=True,
    required=True,
    type=click.Choice([str(right) for right in Right]),
    help="What the token may do.  Repeatable.",
)
@click.option(
    "--rate", default=DEFAULT_RATE, show_default=True, type=click.IntRange(1, MAX_RATE), help="Requests a second."
)
@config_option
@json_option
def add(
    *, name: str, lists: tuple[str, ...], rights: tuple[str, ...], rate: int, config_file: Path | None, as_json: bool
) -> None:
    """Make a token NAME and print it, once: only its hash is kept.

    \b
    check   which addresses must not be mailed
    read    why, the list, the events: everything that is known of addresses
    report  what a sender knows, and return paths
    write   suppress and release, as an operator does

    No right includes another. report and write need web.private.writes.

    \b
    bounced web token add crm --list main --right check --right read
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file, check_files=False)
    for each in lists:
        if each not in config.lists:
            raise click.UsageError(
                f"no list {each!r} in the configuration; there is {', '.join(config.lists) or 'none'}"
            )
    file = config.web.private.tokens_file
    with _locked(file) as known:
        if known.get(name):
            raise click.UsageError(f"there is a token {name!r}; revoke it first, or choose another name")
        try:
            secret, made = new_token(name, lists, map(Right, rights), now=datetime.now(UTC), rate=rate)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        save_tokens(file, known.with_(made))
    if as_json:
        print_json({**_record(made), "token": secret})
        return
    click.echo(secret)
    click.echo(SOON, err=True)


@token.command("list")
@config_option
@json_option
def list_tokens(config_file: Path | None, *, as_json: bool) -> None:
    """Show what is known of each token; never the token itself.

    \b
    bounced web token list --json
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    known = _known(configured(config_file, check_files=False))
    if as_json:
        for each in known:
            print_json(_record(each))
        return
    rows = [(each.name, ", ".join(each.lists), _rights(each), each.rate, each.created) for each in known]
    print_table(("name", "lists", "rights", "requests a second", "created"), rows)


@token.command()
@click.argument("name")
@config_option
def revoke(name: str, config_file: Path | None) -> None:
    """Revoke the token NAME.  Exit code 1 if there is none.

    A running application refuses it within two seconds, and cuts off the programs that follow events with it.

    \b
    bounced web token revoke crm
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file, check_files=False)
    file = config.web.private.tokens_file
    with _locked(file) as known:
        if known.get(name) is None:
            click.echo(f"bounced: there is no token {name!r}", err=True)
            sys.exit(ExitCode.NO)
        save_tokens(file, known.without(name))
    click.echo(SOON, err=True)


@contextmanager
def _locked(file: Path) -> Iterator[Tokens]:
    """Give the tokens of a file that nobody else changes meanwhile.  Raises click.UsageError."""
    try:
        with changing(file):
            yield load_tokens(file)
    except TokensInvalid as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(
            f"{error.filename or file}: {error.strerror}; web.private.tokens_file is in a folder that you can write"
        ) from error


def _known(config: Config) -> Tokens:
    try:
        return load_tokens(config.web.private.tokens_file)
    except TokensInvalid as error:
        raise click.UsageError(str(error)) from error


def _rights(token_: Token) -> str:
    return ", ".join(right for right in Right if right in token_.rights)


def _record(token_: Token) -> dict[str, object]:
    """Return what is known of a token, for a program; without its hash, which is nobody's business."""
    return {"name": token_.name, **{name: value for name, value in token_.as_table().items() if name != "sha256"}}
