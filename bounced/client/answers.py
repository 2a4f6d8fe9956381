"""What the suppression list answers, as values."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from bounced.core.contract.state_hash import from_fields
from bounced.core.contract.writes import past_events
from bounced.core.state import AddressState
from bounced.core.terms import Category


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One event of an address.  A field is empty where the event has no value for it."""

    at: datetime
    type: str
    category: str = ""
    status: str = ""
    diagnostic: str = ""
    campaign: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """What is known of one address.  ``history`` has its last events, the newest first."""

    address: str
    state: AddressState
    history: tuple[PastEvent, ...] = ()

    @property
    def suppressed(self) -> bool:
        """Whether the address must not be mailed now."""
        return self.state.state.on_suppression_list

    @property
    def category(self) -> Category | None:
        """What happened, or None where nothing did."""
        return self.state.category


def why(address: str, fields: Mapping[str | bytes, str | bytes], history: Iterable[str | bytes]) -> Why:
    """Return what the state hash and the history of an address say."""
    state = from_fields({text_of(name): text_of(value) for name, value in fields.items()})
    return Why(address, state, tuple(_past_events(history)))


def text_of(reply: str | bytes) -> str:
    """Return a reply as text, whether or not the connection decodes."""
    return reply if isinstance(reply, str) else reply.decode("utf-8", "replace")


def _past_events(history: Iterable[str | bytes]) -> Iterator[PastEvent]:
    for entry in past_events(map(text_of, history)):
        known = {name: value for name in PastEvent.__slots__ if name != "at" and (value := entry.get(name))}
        with suppress(ValueError):  # an event without its time is none of ours
            yield PastEvent(at=datetime.fromisoformat(entry.get("at", "")), **known)
