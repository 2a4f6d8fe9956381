"""Bare SMTP replies as ``explain`` takes them: one a line, and what is known of all of them beside their words."""

from collections.abc import Callable, Iterator
from typing import IO, TypeVar

import click

from bounced.core.limits import MAX_REPLY_CHARS
from bounced.core.mailbox import normalise
from bounced.core.meaning.bare import Command, Known, sender_named, server_named

Decorated = TypeVar("Decorated", bound=Callable[..., None])

MAX_LINE_BYTES = 4 * MAX_REPLY_CHARS


def reply_options(command: Decorated) -> Decorated:
    """Hand ``replies``, ``replies_file``, ``about``, ``senders``, ``server`` and ``stage`` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def known_of(about: str | None, senders: tuple[str, ...], server: str | None, stage: str | None) -> Known:
    """Return what the options say of all replies."""
    return Known(about or "", senders, server or "", Command(stage) if stage else None)


def all_replies(replies: tuple[str, ...], file: IO[bytes] | None) -> Iterator[str]:
    """Yield the replies of the command line, then those of a file, a line at a time, however long the file is.

    Blank lines and lines that begin with # are no replies.  Of a long line only the beginning is read.
    """
    yield from replies
    while file and (line := file.readline(MAX_LINE_BYTES)):
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(MAX_LINE_BYTES)):
            pass
        reply = line.decode("utf-8", "replace").strip()
        if reply and not reply.startswith("#"):
            yield reply


def _checked(check: Callable[[str], str]) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Return what makes a usage error of a value that cannot be right."""

    def callback(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise click.BadParameter(str(error), param=parameter) from error

    return callback


def _all_checked(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    check = _checked(sender_named)
    return tuple(checked for value in values if (checked := check(context, parameter, value)))


_OPTIONS = (
    click.option("-r", "--reply", "replies", multiple=True, metavar="TEXT", help="A bare SMTP reply.  Repeatable."),
    click.option(
        "--replies",
        "replies_file",
        type=click.File("rb"),
        metavar="FILE",
        help="Bare SMTP replies, one a line, - for standard input.  Blank lines and # lines are skipped.",
    ),
    click.option("--about", metavar="ADDRESS", callback=_checked(normalise), help="Replies: the recipient."),
    click.option(
        "--sender",
        "senders",
        multiple=True,
        metavar="DOMAIN",
        callback=_all_checked,
        help="Replies: a domain, or an address, of the sender's own.  Repeatable.",
    ),
    click.option(
        "--server", metavar="HOST", callback=_checked(server_named), help="Replies: the server that gave them."
    ),
    click.option(
        "--stage",
        type=click.Choice([str(command) for command in Command], case_sensitive=False),
        help="Replies: the command that they answer; data is the end of the message.",
    ),
)
