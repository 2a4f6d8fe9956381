"""Suppression lists as files: our own, and what the hosted services export."""

from bounced.core.exchange.formats import Format, Unrecognised, detect
from bounced.core.exchange.merge import merge
from bounced.core.exchange.own import COLUMNS, exported
from bounced.core.exchange.reading import Reader, read_rows
from bounced.core.exchange.rows import Row, SkippedRow, SkipReason
from bounced.core.exchange.services import FORMATS

__all__ = [
    "COLUMNS",
    "FORMATS",
    "Format",
    "Reader",
    "Row",
    "SkipReason",
    "SkippedRow",
    "Unrecognised",
    "detect",
    "exported",
    "merge",
    "read_rows",
]
