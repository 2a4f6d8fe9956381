"""How a webhook stands in a list: how far it is behind, and what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bounced.core.contract.hooks import HookState

BEHIND_FROM = timedelta(hours=1)
"""A receiver that is away for less is nothing that somebody has to look at."""
TRIMMED_FOR = timedelta(days=1)
"""How long it is told that events were trimmed: nothing can be done that would bring them back."""


class Trouble(StrEnum):
    """What is wrong with a webhook, the worst first."""

    STOPPED = "stopped"
    TRIMMED = "trimmed"
    SET_ASIDE = "set aside"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class HookStanding:
    """What Redis tells of a webhook in a list.

    ``unread`` is how many events the deliverer has not read yet, ``pending`` how many it has read and not settled.
    ``oldest_at`` is when the oldest event came that is not settled, None where all are.  ``kept`` is how many events
    were set aside and are kept, ``again`` how many of those that were kept are being sent again.  ``holder`` is the
    deliverer that works for it, empty where none does.
    """

    state: HookState
    unread: int = 0
    pending: int = 0
    oldest_at: datetime | None = None
    kept: int = 0
    again: int = 0
    holder: str = ""

    @property
    def behind(self) -> int:
        """How many events are not delivered yet."""
        return self.unread + self.pending + self.again

    def behind_for(self, now: datetime) -> timedelta:
        """Return how old the oldest event is that is not delivered yet."""
        return max(timedelta(), now - self.oldest_at) if self.oldest_at else timedelta()

    def troubles(self, now: datetime) -> tuple[Trouble, ...]:
        """Return what is wrong, the worst first; one that was stopped is behind of course."""
        state = self.state
        wrong = {
            Trouble.STOPPED: bool(state.stopped),
            Trouble.TRIMMED: state.trimmed_at is not None and now - state.trimmed_at < TRIMMED_FOR,
            Trouble.SET_ASIDE: self.kept > 0,
            Trouble.BEHIND: not state.stopped and self.behind_for(now) >= BEHIND_FROM,
        }
        return tuple(each for each in Trouble if wrong[each])
