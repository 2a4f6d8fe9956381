"""One row of a suppression list in a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bounced.core.state import AddressState
from bounced.core.terms import CLASS_OF, Category, Class

COLUMNS = ("address", "state", "category", "class", "since", "until", "status", "diagnostic", "campaign", "origin")
"""The columns of our own format, named like the fields of the state hash."""

NEVER = datetime.min.replace(tzinfo=UTC)

SUPPRESSING = frozenset({Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR})


@dataclass(frozen=True, slots=True)
class Row:
    """An address that a file calls suppressed, why, and since when.  ``held_until`` is set where it is only held."""

    category: Category
    line: int = 0
    address: str = ""
    at: datetime = NEVER
    class_: Class | None = None
    held_until: datetime | None = None
    status: str = ""
    diagnostic: str = ""
    campaign: str = ""

    @property
    def suppresses(self) -> bool:
        """Whether the reason is one for which an address may be suppressed without having been seen to fail here."""
        counted = self.class_ in (Class.HARD, Class.SOFT) or self.held_until is not None
        return counted or CLASS_OF[self.category] is Class.HARD or self.category in SUPPRESSING


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of a file that was not taken, and why."""

    line: int
    text: str


def from_state(address: str, state: AddressState) -> Mapping[str, str]:
    """Return the row of our own format for an address off the list, a value for each of COLUMNS."""
    return {
        "address": address,
        "state": state.state,
        "category": state.category or "",
        "class": state.class_ or "",
        "since": _stamp(state.since),
        "until": _stamp(state.until),
        "status": state.status,
        "diagnostic": state.diagnostic,
        "campaign": state.campaign,
        "origin": state.origin or "",
    }


def _stamp(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
