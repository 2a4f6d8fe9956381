"""Who acts at the terminal, and why: ``--as`` and ``--reason``."""

import os
import pwd
import sys

import click

from bounced.core.escape import escaped
from bounced.core.limits import MAX_ACTOR_CHARS


def _named(_ctx: click.Context, _parameter: click.Parameter, name: str | None) -> str:
    return escaped((name or "").strip(), MAX_ACTOR_CHARS) or login_name()


as_option = click.option(
    "--as",
    "actor",
    metavar="NAME",
    callback=_named,
    help="Your name in the history.  [default: the login name]",
)
"""Hands ``actor: str`` to a command, never empty."""

reason_option = click.option("--reason", default="", metavar="TEXT", help="Why, for the history.")
"""Hands ``reason: str`` to a command; ``asked_reason`` asks for one that was not given."""

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
"""Hands ``yes: bool`` to a command."""


def login_name() -> str:
    """Return who logged in: before sudo, where it was used."""
    if name := escaped(os.environ.get("SUDO_USER", "").strip(), MAX_ACTOR_CHARS):
        return name
    try:
        return escaped(os.getlogin(), MAX_ACTOR_CHARS)
    except OSError:  # no terminal: cron, a unit, a container
        return _user_name()


def asked_reason(reason: str, *, needed: bool) -> str:
    """Return the reason that was given, or what a person at a terminal answers.

    Raises click.UsageError where one is needed and nobody can be asked.
    """
    reason = reason.strip()
    if not reason and is_watched():
        reason = click.prompt("Why", default=None if needed else "", show_default=False, err=True).strip()
    if needed and not reason:
        raise click.UsageError("--reason says why: it is needed for a change to more than one address")
    return reason


def confirmed(question: str, *, yes: bool) -> bool:
    """Return whether a person says yes, or said so before."""
    return yes or click.confirm(question, err=True)


def check_askable(*, yes: bool) -> None:
    """Raise click.UsageError where nobody said yes, and nobody can be asked."""
    if not yes and not is_watched():
        raise click.UsageError("nobody can be asked here: --yes does it, --dry-run only shows it")


def is_watched() -> bool:
    """Whether a person can be asked something, and answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _user_name() -> str:
    try:
        return escaped(pwd.getpwuid(os.getuid()).pw_name, MAX_ACTOR_CHARS)
    except KeyError:
        return f"uid {os.getuid()}"
