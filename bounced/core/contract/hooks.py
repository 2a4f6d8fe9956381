"""What Redis holds of a webhook in a list: how far it has come, what became of its deliveries, why it stands still."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bounced.core.contract.times import past_moment
from bounced.core.numbers import whole


class Source(StrEnum):
    """The streams that a webhook is fed from, in the order in which the scripts name them."""

    EVENTS = "events"
    BULK = "bulk"
    AGAIN = "again"


class Mark(StrEnum):
    """The fields of the hash ``hook:NAME`` that are read; beside them stand ``reached:SOURCE`` and ``counted:SOURCE``.

    Times are stamps.  ``pending`` is how many events were read and not settled; ``failing_since`` is when the first of
    those failed that still fail.  ``stopped`` says in words why nothing is sent until the hook is resumed.
    """

    DELIVERED = "delivered"
    LAST_SUCCESS_AT = "last_success_at"
    LAST_FAILURE_AT = "last_failure_at"
    LAST_FAILURE = "last_failure"
    FAILING_SINCE = "failing_since"
    PENDING = "pending"
    SET_ASIDE = "set_aside"
    SET_ASIDE_AT = "set_aside_at"
    TRIMMED = "trimmed"
    TRIMMED_AT = "trimmed_at"
    STOPPED = "stopped"
    STOPPED_AT = "stopped_at"


@dataclass(frozen=True, slots=True)
class HookState:
    """What is known of a webhook in one list.

    ``delivered``, ``set_aside`` and ``trimmed`` count from the beginning; ``trimmed`` is what the streams had dropped
    before it was read.  ``delivered`` lacks what a killed deliverer had not written yet, a second's.
    ``reached`` has the id of the last entry that was read of each stream.
    """

    delivered: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure: str = ""
    failing_since: datetime | None = None
    pending: int = 0
    set_aside: int = 0
    set_aside_at: datetime | None = None
    trimmed: int = 0
    trimmed_at: datetime | None = None
    stopped: str = ""
    stopped_at: datetime | None = None
    reached: tuple[tuple[Source, str], ...] = ()

    @property
    def begun(self) -> bool:
        """Whether a deliverer has ever worked for it: then it gets every event since."""
        return bool(self.reached)


def hook_state(held: Mapping[str, str]) -> HookState:
    """Return what the fields of the hash say; what nobody can read is passed over."""

    def number(mark: Mark) -> int:
        return whole(held.get(mark)) or 0

    def time(mark: Mark) -> datetime | None:
        return past_moment(held.get(mark))

    return HookState(
        delivered=number(Mark.DELIVERED),
        last_success_at=time(Mark.LAST_SUCCESS_AT),
        last_failure_at=time(Mark.LAST_FAILURE_AT),
        last_failure=held.get(Mark.LAST_FAILURE, ""),
        failing_since=time(Mark.FAILING_SINCE),
        pending=number(Mark.PENDING),
        set_aside=number(Mark.SET_ASIDE),
        set_aside_at=time(Mark.SET_ASIDE_AT),
        trimmed=number(Mark.TRIMMED),
        trimmed_at=time(Mark.TRIMMED_AT),
        stopped=held.get(Mark.STOPPED, ""),
        stopped_at=time(Mark.STOPPED_AT),
        reached=tuple((source, id_) for source in Source if (id_ := held.get(f"reached:{source}"))),
    )
