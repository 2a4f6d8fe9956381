"""Suppression lists as files: our own, and what the hosted services export."""

from bounced.core.exchange.formats import FORMATS, Format, Unrecognised, detect
from bounced.core.exchange.merge import merge
from bounced.core.exchange.reading import Reader, read
from bounced.core.exchange.rows import COLUMNS, Fault, Row, Why, exported

__all__ = [
    "COLUMNS",
    "FORMATS",
    "Fault",
    "Format",
    "Reader",
    "Row",
    "Unrecognised",
    "Why",
    "detect",
    "exported",
    "merge",
    "read",
]
