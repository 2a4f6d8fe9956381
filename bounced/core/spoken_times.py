"""Times as people write them: a day, an hour, yesterday, some hours ago; in UTC, or in the zone of this machine."""

import re
from datetime import UTC, datetime, time, timedelta

_AGO = re.compile(r"(\d{1,6}) ?(m|h|d|w)", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DAYS = {"today": timedelta(0), "yesterday": timedelta(days=1)}
READS = "2026-05-01, 2026-05-01T08:30, 14:00, yesterday, 'yesterday 14:00', or 2h (m, h, d, w) ago"
"""What ``read_time`` reads, for people."""


def read_time(text: str, now: datetime, *, local: bool, end: bool = False) -> datetime:
    """Return the time that a text names, in UTC.

    A day alone is its beginning, or with ``end`` its end.  An hour alone is the last time that it was so late.  The
    zone is UTC, or with ``local`` that of this machine, where the text itself names none.  Raises ValueError,
    OverflowError.
    """
    here = (now.astimezone() if local else now.astimezone(UTC)).replace(tzinfo=None)
    at = _ago(text, now) or _of_day(text.lower(), here, end=end) or _last_time(text, here) or _whole_day(text, end=end)
    at = at or datetime.fromisoformat(text)
    return (at.replace(tzinfo=UTC) if at.tzinfo is None and not local else at).astimezone(UTC)


def in_zone(at: datetime, *, local: bool) -> datetime:
    """Return a time in UTC, or in the zone of this machine."""
    return at.astimezone() if local else at.astimezone(UTC)


def zone_of(now: datetime, *, local: bool) -> str:
    """Return the name of the zone: UTC, or that of this machine now."""
    return now.astimezone().tzname() or "local time" if local else "UTC"


def _ago(text: str, now: datetime) -> datetime | None:
    found = _AGO.fullmatch(text.lower().removesuffix(" ago"))
    return now - int(found[1]) * _UNITS[found[2]] if found else None


def _of_day(text: str, here: datetime, *, end: bool) -> datetime | None:
    """Return the time that ``yesterday 14:00`` names."""
    word = next((word for word in _DAYS if text.startswith(word)), None)
    if word is None:
        return None
    day = here.replace(hour=0, minute=0, second=0, microsecond=0) - _DAYS[word]
    if hour := text.removeprefix(word).strip():
        return datetime.combine(day, time.fromisoformat(hour))
    return day + timedelta(days=1) if end else day


def _last_time(text: str, here: datetime) -> datetime | None:
    """Return the last time that it was as late as ``14:00`` says."""
    if not re.fullmatch(r"\d\d?:\d\d(:\d\d)?", text, re.ASCII):
        return None
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
