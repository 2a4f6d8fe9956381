"""Gives memory that is free back to the system: the C library would keep it for later.

A reload has two sets of compiled rules in memory for a moment, and each set grows by tens of megabytes with the texts
that it is asked about.  What was freed among things that live on is kept without this, and counts as the process' own.
"""

import ctypes
from typing import Final

_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Of glibc; other C libraries have none."""


def give_back() -> None:
    """Give back what is free now.  Takes milliseconds, during which other threads run but may wait for memory."""
    if _TRIM is not None:
        _TRIM(0)
