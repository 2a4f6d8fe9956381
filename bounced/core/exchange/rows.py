"""One row of a suppression list in a file."""

from collections.abc import Mapping
from dataclasses import dataclass

from bounced.core.state import AddressState
from bounced.core.terms import CLASS_OF, Category, Class, State

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

COUNTED = frozenset({Class.HARD, Class.SOFT})
SUPPRESSING = frozenset(
    {
        *(category for category, class_ in CLASS_OF.items() if class_ is Class.HARD),
        Category.COMPLAINT,
        Category.UNSUBSCRIBED,
        Category.OPERATOR,
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """An address that a file calls held or suppressed, and the state that says so, why, and since when.

    ``address`` stands as in the file; ``said`` is the state of an address of which nothing else is known.
    """

    line: int
    address: str
    said: AddressState

    @property
    def suppresses(self) -> bool:
        """Whether the reason is one for which an address may be off the list without having been seen to fail here."""
        state, category, class_ = self.said.state, self.said.category, self.said.class_
        counted = class_ in COUNTED or state is State.HELD
        return counted or category in SUPPRESSING


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of a file that was not taken, and why."""

    line: int
    text: str


def exported(address: str, state_hash: Mapping[str, str]) -> list[str]:
    """Return the row of our own format for an address off the list, a value for each of COLUMNS."""
    get = state_hash.get
    return [address, *[get(column, "") for column in COLUMNS[1:]]]
