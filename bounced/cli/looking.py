"""How far a search has come, for people who wait at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console

from bounced.cli.times import shown, zone_name

Looked = Callable[[int, datetime | None], None]
"""Hears how many more were looked through, and of what time, where that is known."""


@contextmanager
def looking(what: str) -> Iterator[Looked]:
    """Give what is told how many more were looked through, and of what time; it shows that on a terminal only."""
    console, count = Console(stderr=True, highlight=False, markup=False, emoji=False), 0
    if not (console.is_terminal and sys.stdout.isatty()):
        yield lambda _count, _at: None
        return

    def looked(more: int, at: datetime | None) -> None:
        nonlocal count
        count += more
        when = f", at {shown(at)} {zone_name()}" if at else ""
        status.update(f"{count:,} {what} looked through{when}")

    with console.status(f"looking through {what}") as status:
        yield looked
