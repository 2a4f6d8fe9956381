"""How far a command is, and how fast, on the terminal of whoever waits for it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

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
        (shown,) = progress.tasks

        def reached(done: int, count: int) -> None:
            progress.update(task, completed=done, description=pace(what, count, shown.elapsed))

        yield reached


def pace(what: str, count: int, elapsed_s: float | None) -> str:
    """Return how many things are done, and how many of them in a second."""
    return f"{count:,} {what}, {count / elapsed_s:,.0f} a second" if elapsed_s else f"{count:,} {what}"
