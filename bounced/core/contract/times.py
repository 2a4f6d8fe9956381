"""Times as they stand in Redis: stamps in hashes and events, unix seconds in scores, hours and days in names."""

from datetime import UTC, datetime
from functools import lru_cache

from bounced.core.numbers import whole

DAY_S = 86_400
LAST_S = 253_402_300_799
"""The end of the year 9999, beyond which Python knows no time."""


@lru_cache(maxsize=256)
def stamp(at: datetime | None) -> str:
    """Return a time in UTC to the second, as ``YYYY-MM-DDThh:mm:ssZ``; an empty text for None."""
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def moment(text: str | None) -> datetime | None:
    """Return the time that ``stamp`` wrote, in UTC where it names no zone.  Raises ValueError."""
    at = datetime.fromisoformat(text) if text else None
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def past_moment(text: str | None) -> datetime | None:
    """Return a time that decides nothing by itself; None for one that nobody can read."""
    try:
        return moment(text)
    except ValueError:
        return None


def unix(at: datetime | None) -> int:
    """Return a time in seconds since 1970; 0 for None."""
    return 0 if at is None else int(at.timestamp())


def from_unix(seconds: int) -> datetime:
    """Return the time of so many seconds since 1970.  Raises ValueError beyond LAST_S."""
    return datetime.fromtimestamp(seconds, UTC)


def from_score(score: str) -> datetime | None:
    """Return the time that the score of a sorted set says; None for no score, 0, or a number that is no time."""
    seconds = whole(score)
    return from_unix(seconds) if seconds and seconds <= LAST_S else None


@lru_cache(maxsize=256)
def hour(at: datetime) -> str:
    """Return the hour in the name of its counters, YYYYMMDDHH in UTC."""
    return at.astimezone(UTC).isoformat()[:13].replace("-", "").replace("T", "")


def day(at: datetime) -> str:
    """Return the day in the name of its counters, YYYYMMDD in UTC."""
    return hour(at)[:8]
