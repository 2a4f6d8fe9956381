"""Times at the terminal: what ``--since`` and ``--until`` read, and how a time is shown; UTC, or local time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar

import click

from bounced.core.contract.times import past_moment
from bounced.service import now

F = TypeVar("F", bound=Callable[..., Any])

_LOCAL = "bounced.local"
_AGO = re.compile(r"(\d{1,6}) ?(m|h|d|w)", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DAYS = {"today": timedelta(0), "yesterday": timedelta(days=1)}
READS = "2026-05-01, 2026-05-01T08:30, 14:00, yesterday, 'yesterday 14:00', or 2h (m, h, d, w) ago"
"""What ``moment`` reads, for people."""


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
        at = _ago(text) or _of_day(text.lower(), end=end) or _last_time(text) or _whole_day(text, end=end)
        return _in_utc(at or datetime.fromisoformat(text))
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
    there = read.astimezone() if _is_local() else read.astimezone(UTC)
    return f"{there:%Y-%m-%d %H:%M:%S}" if seconds else f"{there:%Y-%m-%d %H:%M}"


def span_of(begin: datetime, end: datetime | None = None) -> str:
    """Return a span of time for people, with its zone; without an end, until now."""
    return f"{shown(begin)} to {shown(end or now())} {zone_name()}"


def zone_name() -> str:
    """Return the name of the zone of ``shown``: UTC, or that of this machine now."""
    return now().astimezone().tzname() or "local time" if _is_local() else "UTC"


def _note(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    ctx.meta[_LOCAL] = value


def _is_local() -> bool:
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(_LOCAL))


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None and not _is_local():
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC)


def _here() -> datetime:
    """Return the time now in the zone of the command, without naming it."""
    return (now().astimezone() if _is_local() else now().astimezone(UTC)).replace(tzinfo=None)


def _ago(text: str) -> datetime | None:
    found = _AGO.fullmatch(text.lower().removesuffix(" ago"))
    return now() - int(found[1]) * _UNITS[found[2]] if found else None


def _of_day(text: str, *, end: bool) -> datetime | None:
    """Return the time that ``yesterday 14:00`` names."""
    word = next((word for word in _DAYS if text.startswith(word)), None)
    if word is None:
        return None
    day = _here().replace(hour=0, minute=0, second=0, microsecond=0) - _DAYS[word]
    if hour := text.removeprefix(word).strip():
        return datetime.combine(day, time.fromisoformat(hour))
    return day + timedelta(days=1) if end else day


def _last_time(text: str) -> datetime | None:
    """Return the last time that it was as late as ``14:00`` says."""
    if not re.fullmatch(r"\d\d?:\d\d(:\d\d)?", text, re.ASCII):
        return None
    here = _here()
    at = datetime.combine(here, time.fromisoformat(text.zfill(5)))
    return at if at <= here else at - timedelta(days=1)


def _whole_day(text: str, *, end: bool) -> datetime | None:
    """Return the beginning or end of a day alone, however it is written: 2026-05-01, 20260501."""
    try:
        day = datetime.combine(datetime.fromisoformat(text), time()) if _is_day(text) else None
    except ValueError:
        return None
    return day + timedelta(days=1) if day and end else day


def _is_day(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%d" if "-" in text else "%Y%m%d")  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return False
    return True
