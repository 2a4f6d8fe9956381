"""Stored mail down the one path: the same as if it came by SMTP, only at the time at which it was stored."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bounced.core.stored import forward_paths, received_at
from bounced.core.terms import Destination, Envelope, Origin
from bounced.pipeline import Pipeline
from bounced.ports import Committed, PathRefused

KEPT_CONTENT_BYTES = 1024 * 1024
NOWHERE = "no_forward_path"


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one stored message: committed, or refused for a reason."""

    forward_path: str
    committed: Committed | None
    refused: str = ""


async def ingest(pipeline: Pipeline, content: bytes, now: datetime, forward_path: str = "") -> Ingested:
    """Take one stored message in.  Safe to repeat: what was counted is a duplicate.

    Without ``forward_path`` the first return path of ours in its header is taken.  Return paths have to be as young as
    at RCPT, seen from the time at which the message was stored.  Raises StoreUnavailable.
    """
    at = received_at(content, now)
    as_then = replace(pipeline, clock=lambda: at)
    found = await _admitted(as_then, [forward_path] if forward_path else forward_paths(content))
    if isinstance(found, str):
        return Ingested(forward_path, None, found)
    path, destination = found
    envelope = Envelope("", "", path, content[:KEPT_CONTENT_BYTES], at, Origin.INGEST)
    return Ingested(path, await as_then.process(destination, envelope))


async def _admitted(pipeline: Pipeline, candidates: Iterable[str]) -> tuple[str, Destination] | str:
    """Return the first forward-path that stands for somebody, or why none does."""
    reason = NOWHERE
    for candidate in candidates:
        try:
            return candidate, await pipeline.admit(candidate)
        except PathRefused as refused:
            reason = refused.reason if not refused.foreign or reason == NOWHERE else reason
    return reason
