"""The border around everything that reads what a peer wrote: whatever is raised there, the bounce is not lost."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def attempt(read: Callable[[], T], otherwise: Callable[[Exception], T]) -> T:
    """Return what ``read`` returns, or what ``otherwise`` makes of the exception that it raised.

    A message whose reading raises would raise again with each resend: a peer that hears 451 keeps it until it gives up,
    and the bounce is lost.  MemoryError passes: the size of what is read is bounded, so it speaks of the machine, and
    the same message may be read when it comes again.
    """
    try:
        return read()
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - one of the three borders (docs/reading.md)
        return otherwise(error)
