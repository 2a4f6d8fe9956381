"""How long each step of a commit may take.  All follows from ``redis.timeout_s``, here and nowhere else.

Each step ends before the one around it, so that the innermost one gives up first and says why.  With a Redis that
hangs, the batch is given up before the session's deadline: the report is deferred with a reason, and the connection is
replaced.  The session's deadline is for what is not Redis' doing, such as a message that waited to be read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

DEFAULT_TIMEOUT_S: Final = 4.0
LEAST_STUCK_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """The steps of one commit in seconds, computed from ``timeout_s``, the time after which a peer hears 451."""

    timeout_s: float = DEFAULT_TIMEOUT_S

    @property
    def ask_s(self) -> float:
        """How long one Sentinel or node may take to say where the primary is: three can be asked in ``connect_s``."""
        return self.timeout_s * 0.15

    @property
    def connect_s(self) -> float:
        """How long a new connection may take: to find the primary, log in, check durability, load the script."""
        return self.timeout_s / 2

    @property
    def wait_ms(self) -> int:
        """How long the server may take for WAIT or WAITAOF, in milliseconds as these commands want it."""
        return int(self.timeout_s * 750)

    @property
    def flush_s(self) -> float:
        """How long one batch may take: sent, run, waited for, all replies read.  After that the connection is lost."""
        return self.timeout_s * 7 / 8

    @property
    def door_s(self) -> float:
        """How long a peer, or an MTA that asks, waits in all; a door looks at its deadlines twice a second."""
        return self.timeout_s

    @property
    def store_s(self) -> float:
        """When the store gives up for whoever has no deadline of its own: jobs and commands."""
        return self.timeout_s * 9 / 8

    @property
    def stuck_s(self) -> float:
        """How old a commit must be for its worker to count as stuck: every step above should have ended it."""
        return max(LEAST_STUCK_S, 2 * self.timeout_s)


DEFAULT_BUDGET: Final = TimeBudget()

_ROWS: tuple[tuple[str, str, Callable[[TimeBudget], float]], ...] = (
    ("one Sentinel or node says where the primary is", "0.15 T", lambda b: b.ask_s),
    (
        "a new connection is ready: primary found, logged in, durability checked, script loaded",
        "T / 2",
        lambda b: b.connect_s,
    ),
    ("`WAIT` or `WAITAOF` answers", "3 T / 4", lambda b: b.wait_ms / 1000),
    (
        "a batch of commits is written, waited for and answered; else the connection is replaced",
        "7 T / 8",
        lambda b: b.flush_s,
    ),
    (
        "a peer hears `451`, an MTA that asks the look-up server hears that Redis cannot be asked",
        "T",
        lambda b: b.door_s,
    ),
    ("a command or a job of the daemon gives up", "9 T / 8", lambda b: b.store_s),
    ("a commit under way means that its worker is stuck (`/healthz`)", "2 T, at least 15 s", lambda b: b.stuck_s),
)


def table() -> str:
    """Return the table of docs/redis.md."""
    rows = (f"| {what} | {formula} | {seconds(DEFAULT_BUDGET):g} s |" for what, formula, seconds in _ROWS)
    return "\n".join(("| what has to be done by then | formula | default |", "|---|---|---|", *rows)) + "\n"
