"""A time as it stands in Redis, in events and in every answer in JSON."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=256)
def stamp(at: datetime | None) -> str:
    """Return a time in UTC to the second, such as ``2026-11-22T09:30:00Z``; nothing for none."""
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
