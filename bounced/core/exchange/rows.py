"""One row of a suppression list in a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bounced.core.terms import CLASS_OF, Category, Class, Origin, State

COLUMNS = (
    "address",
    "state",
    "category",
    "class",
    "since",
    "until",
    "status",
    "diagnostic",
    "reporting_mta",
    "campaign",
    "origin",
)
"""The columns of our own format, all but the first named like the fields of the state hash."""

SUPPRESSING = frozenset({Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR})


@dataclass(frozen=True, slots=True)
class Row:
    """An address that a file calls held or suppressed, why, and since when.  ``address`` stands as in the file."""

    line: int
    address: str
    at: datetime
    category: Category
    class_: Class
    state: State = State.SUPPRESSED
    until: datetime | None = None
    status: str = ""
    diagnostic: str = ""
    reporting_mta: str = ""
    campaign: str = ""
    origin: Origin = Origin.OPERATOR

    @property
    def suppresses(self) -> bool:
        """Whether the reason is one for which an address may be off the list without having been seen to fail here."""
        counted = self.class_ in (Class.HARD, Class.SOFT) or self.state is State.HELD
        return counted or CLASS_OF[self.category] is Class.HARD or self.category in SUPPRESSING


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of a file that was not taken, and why."""

    line: int
    text: str


def exported(address: str, state_hash: Mapping[str, str]) -> list[str]:
    """Return the row of our own format for an address off the list, a value for each of COLUMNS."""
    get = state_hash.get
    return [address, *(get(column, "") for column in COLUMNS[1:])]
