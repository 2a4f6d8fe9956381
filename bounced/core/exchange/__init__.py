"""Suppression lists as files: our own, and what the hosted services export."""

from bounced.core.exchange.formats import FORMATS, Format, Unrecognised, detect
from bounced.core.exchange.merge import merge
from bounced.core.exchange.own import COLUMNS, exported
from bounced.core.exchange.reading import Reader, read
from bounced.core.exchange.rows import Fault, Row, Why

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
