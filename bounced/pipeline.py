"""The one path from a message to a commit, and the Store that it asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bounced.core.state import AddressState, ReportId, Transition

Decide = Callable[[AddressState], Transition]


class StoreUnavailable(Exception):  # noqa: N818 - the name says what is so, not what went wrong
    """The store cannot say that something is written: the outcome is unknown and the peer has to come again."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit came to.  ``transition`` is None for a duplicate, which changed nothing."""

    event_id: str
    transition: Transition | None

    @property
    def duplicate(self) -> bool:
        """Whether this report had been counted before."""
        return self.transition is None


class Store(Protocol):
    """Where states live."""

    async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
        """Write what ``decide`` makes of the address's state, and that this report was counted, atomically.

        ``decide`` is pure and may be called again on conflict.  ``address`` is normalised; None where a report
        belongs to no address: then only the event is written.  Raises StoreUnavailable on any doubt.
        """

    async def load(self, list_: str, address: str) -> AddressState:
        """Return the state of one address as it stands.  Raises StoreUnavailable."""

    async def token(self, list_: str, token: str) -> dict[str, str] | None:
        """Return the fields of a registered return path, or None.  Raises StoreUnavailable."""
