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
