"""``bounced web user`` and ``bounced web login``: who may see the pages of the web application."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import click

from bounced.cli.configured import config_option, configured
from bounced.cli.ending import ExitCode
from bounced.cli.output import json_option, print_json, print_table
from bounced.cli.web_token import SOON
from bounced.config import Config
from bounced.config.fields import TcpAddress
from bounced.config.web import WebPrivate
from bounced.web.people.links import new_link
from bounced.web.people.user_file import load_users, save_users
from bounced.web.people.users import MOST_CHARS, User, Users, UsersInvalid, is_name, new_user
from bounced.web.private_files import changing


@click.group()
def user() -> None:
    """Say who signs in to the pages with a name and a password.

    \b
    bounced web user list
    """  # noqa: D301 - \b is click's mark for lines to be left as they are


@user.command()
@click.argument("name")
@config_option
def add(name: str, config_file: Path | None) -> None:
    """Let NAME sign in with a password.  It asks for the password, or reads it from the first line of standard input.

    \b
    bounced web user add alice
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    with _locked(_private(config_file)) as (private, known):
        if known.get(name):
            raise click.UsageError(f"there is a user {name!r}; `bounced web user password` changes the password")
        _save(private, known.with_(_new(name)))


@user.command()
@click.argument("name")
@config_option
def password(name: str, config_file: Path | None) -> None:
    """Give NAME another password, and end the sessions that began with the old one.  Exit code 1 if there is no NAME.

    \b
    bounced web user password alice
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    with _locked(_private(config_file)) as (private, known):
        _must_be_known(known, name)
        _save(private, known.with_(_new(name)))


@user.command()
@click.argument("name")
@config_option
def remove(name: str, config_file: Path | None) -> None:
    """Remove NAME, and end the sessions of NAME's password.  Exit code 1 if there is no NAME.

    \b
    bounced web user remove alice
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    with _locked(_private(config_file)) as (private, known):
        _must_be_known(known, name)
        _save(private, known.without(name))


@user.command("list")
@config_option
@json_option
def list_users(config_file: Path | None, *, as_json: bool) -> None:
    """Show who signs in with a password, and when each password was set.

    \b
    bounced web user list --json
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    with _refused(file := _private(config_file).users_file):
        known = load_users(file)
    if as_json:
        for each in known:
            print_json({"name": each.name, "changed": each.changed})
        return
    print_table(("name", "password set"), [(each.name, each.changed) for each in known])


@click.command()
@click.option("--as", "name", default="operator", show_default=True, metavar="NAME", help="Who signs in with the link.")
@config_option
def login(name: str, config_file: Path | None) -> None:
    """Print a link that signs in to the pages once, within ten minutes.

    The link is printed only on a terminal, so that no log has it. The application has to run on this machine. A
    restart of the application ends the link.

    \b
    bounced web login
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    config = configured(config_file, check_files=False)
    if not is_name(name):
        raise click.UsageError("NAME has 1 to 64 of A-Z, a-z, 0-9, dot, - and _, and begins with a letter or a digit")
    if not sys.stdout.isatty():
        raise click.UsageError("the link is printed on a terminal only, and standard output is none")
    base, folder = _base_url(config), config.web.private.login_folder
    try:
        secret = new_link(folder, name, datetime.now(UTC))
    except OSError as error:
        raise click.UsageError(
            f"{folder}: {error.strerror}; web.private.login_folder is a folder that the application and you can write"
        ) from error
    click.echo(f"{base}/login/{secret}")
    click.echo("It works once, within ten minutes.", err=True)


def _private(config_file: Path | None) -> WebPrivate:
    return configured(config_file, check_files=False).web.private


@contextmanager
def _locked(private: WebPrivate) -> Iterator[tuple[WebPrivate, Users]]:
    """Give the settings and the users, whose file nobody else changes meanwhile.  Raises click.UsageError."""
    with _refused(private.users_file), changing(private.users_file):
        yield private, load_users(private.users_file)


@contextmanager
def _refused(file: Path) -> Iterator[None]:
    try:
        yield
    except UsersInvalid as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(
            f"{error.filename or file}: {error.strerror}; web.private.users_file is in a folder that you can write"
        ) from error


def _must_be_known(known: Users, name: str) -> None:
    if known.get(name) is None:
        click.echo(f"bounced: there is no user {name!r}", err=True)
        sys.exit(ExitCode.NO)


def _new(name: str) -> User:
    try:
        return new_user(name, _password(), datetime.now(UTC))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _save(private: WebPrivate, users: Users) -> None:
    save_users(private.users_file, users, private.login_folder)
    click.echo(SOON, err=True)


def _password() -> str:
    """Ask for a password twice on a terminal; else read a line, which a program may send."""
    if sys.stdin.isatty():
        given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return given
    return sys.stdin.readline(4 * MOST_CHARS).rstrip("\r\n")


def _base_url(config: Config) -> str:
    """Return how people reach the private listener.  Raises click.UsageError."""
    private = config.web.private
    if private.base_url:
        return private.base_url
    if not isinstance(private.listen, TcpAddress) or ip_address(private.listen.host).is_unspecified:
        raise click.UsageError("web.private.base_url has to say how people reach the pages")
    return f"{'https' if private.tls_certificate else 'http'}://{private.listen}"
