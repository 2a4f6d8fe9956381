"""What a stored message's header says of its delivery: to which forward-path, and when."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime

from bounced.core.reading.border import attempt
from bounced.core.reading.message import Header, read

DELIVERED_TO = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "apparently-to")
"""Where MTAs write the forward-path when they store a message; none of these is standardised."""


def forward_paths(content: bytes) -> list[str]:
    """Return the addresses that a message may have been delivered to, the likeliest first, each once.

    A notice is addressed to the return path it reports to, so To comes after what the storing MTA wrote.  None where
    its header cannot be read.
    """
    return attempt(lambda: _forward_paths(content), lambda _fault: [])


def _forward_paths(content: bytes) -> list[str]:
    header = read(content).header
    fields = [value for name in (*DELIVERED_TO, "to") for value in header.every(name)]
    return list(dict.fromkeys(address for _, address in getaddresses(fields) if "@" in address))


def return_path(content: bytes) -> str | None:
    """Return the reverse path that the storing MTA wrote into the header: empty for the null one, None if none.

    Anybody can write this field: it is the envelope's only where every message passed an MTA that sets it.
    (RFC 5321 section 4.4)
    """
    return attempt(lambda: _return_path(content), lambda _fault: None)


def _return_path(content: bytes) -> str | None:
    header = read(content).header
    return header.get("return-path").strip("<> ") if "return-path" in header else None


def received_at(content: bytes, now: datetime) -> datetime:
    """Return when a message was taken in: the date of its newest Received field, else its Date, else ``now``.

    Never later than ``now``, which it is where the header cannot be read.  (RFC 5321 section 4.4)
    """
    return attempt(lambda: _received_at(content, now), lambda _fault: now)


def _received_at(content: bytes, now: datetime) -> datetime:
    return next((moment for moment in _moments(read(content).header) if moment <= now), now)


def _moments(header: Header) -> Iterator[datetime]:
    for text in (header.get("received").rpartition(";")[2], header.get("date")):
        try:
            moment = parsedate_to_datetime(text.strip())
            yield (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, IndexError, OverflowError):
            continue
