"""How far a search has come, for people who wait at a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.status import Status

from bounced.cli.times import shown, zone_name


class Looked:
    """Hears how many more were looked through, and of what time, where that is known; shows it while nothing is found.

    ``status`` is None where nobody watches.
    """

    def __init__(self, what: str, status: Status | None) -> None:
        self._what = what
        self._status = status
        self._count = 0

    def __call__(self, more: int, at: datetime | None) -> None:
        """Count, and show it."""
        self._count += more
        if self._status:
            when = f", at {shown(at)} {zone_name()}" if at else ""
            self._status.update(f"{self._count:,} {self._what} looked through{when}")

    def stop(self) -> None:
        """Show no more: what was found is printed in its place."""
        if self._status:
            self._status.stop()


@contextmanager
def looking(what: str) -> Iterator[Looked]:
    """Give what hears of a search; it shows how far the search has come on a terminal only."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    if not (console.is_terminal and sys.stdout.isatty()):
        yield Looked(what, None)
        return
    with console.status(f"looking through {what}") as status:
        yield Looked(what, status)
