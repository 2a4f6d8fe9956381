"""Stored mail takes the same path as mail by SMTP, at the time at which it was stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bounced.core.limits import MAX_CONTENT_BYTES
from bounced.core.reading.stored import forward_paths, received_at
from bounced.core.terms import Destination, Envelope, Origin, ReturnPath
from bounced.pipeline import Pipeline
from bounced.ports import Committed, PathRefused

NOWHERE = "no_forward_path"


_TOMORROW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one stored message: committed, or refused for a reason.

    ``for_now`` is a refusal that somebody can put right: a clock is wrong, or nobody said for whom the message is.
    """

    forward_path: str
    committed: Committed | None
    refused: str = ""
    for_now: bool = False


async def ingest(
    pipeline: Pipeline, content: bytes, now: datetime, forward_path: str = "", reverse_path: str | None = None
) -> Ingested:
    """Take one stored message in.  Safe to repeat: what was counted is a duplicate.

    Without ``forward_path`` the first return path of ours in its header is taken.  ``reverse_path`` is the envelope's,
    where somebody knows it: a Return-Path field may be anybody's.  Return paths have to be as young as
    at RCPT, seen from the time at which the message was stored.  A message cannot be older than the mail that it is
    about: where its date says so, the path's day counts instead.  Raises StoreUnavailable.
    """
    at = received_at(content, now)
    found = await _admitted(pipeline, [forward_path] if forward_path else forward_paths(content), at, now)
    if isinstance(found, PathRefused):
        return Ingested(forward_path, None, found.reason, found.for_now)
    path, destination = found
    issued = destination.issued if isinstance(destination, ReturnPath) else None
    envelope = Envelope(
        "",
        reverse_path,
        path,
        content[:MAX_CONTENT_BYTES],
        _not_before(issued, at, now) if issued else at,
        Origin.INGEST,
    )
    return Ingested(path, await pipeline.process(destination, envelope))


async def _admitted(
    pipeline: Pipeline, candidates: Iterable[str], at: datetime, now: datetime
) -> tuple[str, Destination] | PathRefused:
    """Return the first forward-path that stands for somebody, or why none does: rather what somebody can put right."""
    refusals = []
    for candidate in candidates:
        try:
            return candidate, await _admit(pipeline, candidate, at, now)
        except PathRefused as refused:
            refusals.append(refused)
    return min(refusals, key=_weight, default=PathRefused(NOWHERE, for_now=True))


async def _admit(pipeline: Pipeline, forward_path: str, at: datetime, now: datetime) -> Destination:
    """Return whom a path stands for at the later of a message's date and the day on which the path was made."""
    try:
        return await pipeline.admit(forward_path, at)
    except PathRefused as refused:
        if not refused.for_now or refused.issued is None or refused.issued > now.date() + _TOMORROW:
            raise
        later = _not_before(refused.issued, at, now)
    return await pipeline.admit(forward_path, later)


def _not_before(issued: date, at: datetime, now: datetime) -> datetime:
    return min(max(at, datetime.combine(issued, time(), UTC)), now)


def _weight(refused: PathRefused) -> tuple[bool, bool]:
    return not refused.for_now, refused.foreign
