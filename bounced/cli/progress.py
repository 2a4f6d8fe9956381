"""How far a command is, and how fast, on the terminal of whoever waits for it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import Progress
from rich.status import Status

from bounced.cli.times import shown, zone_name

Reached = Callable[[int, int], None]
"""Shows what is done of the total, and how many things that were."""


@contextmanager
def counting(what: str, total: int | None = None, *, watched: bool = True) -> Iterator[Callable[[int], None]]:
    """Give what counts things that are done, called ``what``; it shows them only where standard error is a terminal."""
    with measuring(what, total, watched=watched) as reached:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            reached(done, done)

        yield advance


@contextmanager
def measuring(what: str, total: int | None = None, *, watched: bool = True) -> Iterator[Reached]:
    """Give what shows how much is done of something that is not measured by its things, such as octets of a file."""
    hidden = not (watched and sys.stderr.isatty())
    with Progress(console=Console(stderr=True), transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=total)
        (bar,) = progress.tasks

        def reached(done: int, count: int) -> None:
            progress.update(task, completed=done, description=pace(what, count, bar.elapsed))

        yield reached


def pace(what: str, count: int, elapsed_s: float | None) -> str:
    """Return how many things are done, and how many of them in a second."""
    return f"{count:,} {what}, {count / elapsed_s:,.0f} a second" if elapsed_s else f"{count:,} {what}"


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
