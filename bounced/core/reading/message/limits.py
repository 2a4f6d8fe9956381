"""How many pieces of a message are looked at, and how much work it may make: each limit, and why it is so.

What lies beyond a limit is as if it had not come; limits in octets stand in ``core/limits.py``.  A message that makes
more work than ``MAX_WORK`` is read no further: ``Work`` raises, and the bounce is kept as one that gave no reason.
Work is counted, not timed, so that the same message reads the same on every machine.
"""

MAX_HEADER_LINES = 1000
"""Each field that is asked for is looked for in all lines; real headers have up to 200."""
MAX_FIELDS = 500
MAX_PARTS = 40
MAX_DEPTH = 8

MAX_WORK = 2_000_000
"""Units of work that reading one message may take.  A unit is about 20 ns at the slowest, so this is 40 ms."""
ROLE_WORK = MAX_WORK // 4
"""The same for mail to a role address: anybody may write there, without a signature."""
LIGHT_WORK = MAX_WORK // 8
"""What a message may take among all others; one that makes more is read again, behind them.

Real bounces take half of this at most.
"""

# What is paid before it is done, by the slowest text that was found for it.
SPLIT_OCTETS_A_UNIT = 8
DECODED_OCTETS_A_UNIT = 4
TAG_UNITS = 15
REFERENCE_UNITS = 60
NOTICE_UNITS_A_CHAR = 40
"""For each reader that a notice is shown to."""
LAST_RESORT_UNITS_A_CHAR = 160


class WorkSpent(Exception):  # noqa: N818 - says what is so
    """A message makes more work than any real one does."""


class Work:
    """What is left of the work that one message may make."""

    __slots__ = ("left",)

    def __init__(self, allowed: int = MAX_WORK) -> None:
        """Allow so many units."""
        self.left = allowed

    def spend(self, units: int) -> None:
        """Take units for something that is about to be done.  Raises WorkSpent where too few are left."""
        self.left -= units
        if self.left < 0:
            raise WorkSpent(f"reading stopped: {-self.left} units of work over what a message may take")
