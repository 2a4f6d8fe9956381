"""Times at the terminal: what ``--since`` and ``--until`` read, and how a time is shown; UTC, or local time."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from bounced.core.contract.times import past_moment
from bounced.core.spoken_times import READS, in_zone, read_time, zone_of
from bounced.opening import now

F = TypeVar("F", bound=Callable[..., Any])

_LOCAL = "bounced.local"


def local_option(command: F) -> F:
    """Give a command ``--local``: its times are shown and read in the time zone of this machine, not in UTC."""
    return click.option(
        "--local",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_note,
        help="Show and read times in the time zone of this machine.  [default: UTC]",
    )(command)


def since_option(help_: str) -> Callable[[F], F]:
    """Return an option ``--since TIME``, whose text ``moment`` reads."""
    return click.option("--since", metavar="TIME", help=help_)


def until_option(help_: str) -> Callable[[F], F]:
    """Return an option ``--until TIME``, whose text ``moment`` reads as an end."""
    return click.option("--until", metavar="TIME", help=help_)


def moment(option: str, text: str | None, *, end: bool = False) -> datetime | None:
    """Return the time that an option names, in UTC; None where it names none.

    A day alone is its beginning, or with ``end`` its end.  An hour alone is the last time that it was so late.  The
    zone is UTC, or with ``--local`` that of this machine, where the text itself names none.  Raises click.UsageError.
    """
    text = (text or "").strip()
    if not text:
        return None
    try:
        return read_time(text, now(), local=_is_local(), end=end)
    except (ValueError, OverflowError):
        zone = "local time" if _is_local() else "UTC"
        raise click.UsageError(f"{option}: {text!r} is no time; in {zone}, it is {READS}") from None


def span(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Return the times of ``--since`` and ``--until``.  Raises click.UsageError, also where they are no span."""
    begin, end = moment("--since", since), moment("--until", until, end=True)
    if begin and end and begin >= end:
        raise click.UsageError(f"--since {since} is not before --until {until}")
    return begin, end


def shown(at: datetime | str | None, *, seconds: bool = False) -> str:
    """Return a time for people, to the minute or second: ``2026-05-01 08:30``; what is no time as it stands.

    The zone is not said: ``zone_name`` does, once for a table.
    """
    read = past_moment(at) if isinstance(at, str) else at
    if read is None:
        return at if isinstance(at, str) else ""
    there = in_zone(read, local=_is_local())
    return f"{there:%Y-%m-%d %H:%M:%S}" if seconds else f"{there:%Y-%m-%d %H:%M}"


def span_of(begin: datetime, end: datetime | None = None) -> str:
    """Return a span of time for people, with its zone; without an end, until now."""
    return f"{shown(begin)} to {shown(end or now())} {zone_name()}"


def zone_name() -> str:
    """Return the name of the zone of ``shown``: UTC, or that of this machine now."""
    return zone_of(now(), local=_is_local())


def _note(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    ctx.meta[_LOCAL] = value


def _is_local() -> bool:
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(_LOCAL))
