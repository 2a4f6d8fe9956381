"""What the pipeline asks of a store, and a door of the pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

from bounced.core.keys import Keyspace
from bounced.core.return_path import Cause
from bounced.core.state import AddressState, ReportId, Transition
from bounced.core.terms import Destination, Envelope

T = TypeVar("T")
Decide = Callable[[AddressState], Transition]
Explain = Callable[[], Cause | None]


class NoServer(Exception):  # noqa: N818 - says what is so; the message says what to do about it
    """There is no server program here that would do, or it does not run."""


class StoreUnavailable(Exception):  # noqa: N818 - the name says what is so, not what went wrong
    """The store cannot say that something is written: the outcome is unknown, the peer has to come again."""


class PathRefused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A forward-path that gets no mail here.

    ``foreign`` tells another domain's (550 5.7.1) from a bad path (550 5.1.1); ``for_now`` is one that may be good
    (451): a clock is wrong, or the server has lost what it knew, and a permanent refusal would lose the bounce.
    ``reason`` is for our own log and metrics only, never for the peer: malformed, unsigned, tampered, expired, ...
    ``issued`` is the day on which one was made that is only too early or too late; ``explain`` returns what a sender
    has likely done wrong, as far as the path looks like one of ours.
    """

    def __init__(
        self,
        reason: str,
        *,
        foreign: bool = False,
        for_now: bool = False,
        issued: date | None = None,
        explain: Explain = lambda: None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.foreign = foreign
        self.for_now = for_now
        self.issued = issued
        self.explain = explain


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit came to.  ``transition`` is None for a duplicate, which changed nothing.

    ``wave`` is how many addresses of the same domain and with a good profile were called unknown within the hour;
    0 where this one was not.
    """

    event_id: str
    transition: Transition | None
    wave: int = 0

    @property
    def duplicate(self) -> bool:
        """Whether this report had been counted before."""
        return self.transition is None


class Turns(Protocol):
    """Who reads next, where many messages wait to be read."""

    async def take(self, lane: str, read: Callable[[], T], *, last: bool = False) -> T:
        """Return what ``read`` returns, called when it is this lane's turn; a ``last`` lane gets what others leave."""


class AtOnce:
    """Turns where nobody waits: for one who reads one message after another."""

    async def take(self, lane: str, read: Callable[[], T], *, last: bool = False) -> T:  # noqa: ARG002 - Turns
        """Read now."""
        return read()


AT_ONCE = AtOnce()


class Receiver(Protocol):
    """What a door (SMTP, LMTP, ingest) asks of the pipeline."""

    async def admit(self, forward_path: str) -> Destination:
        """Return whom a forward-path stands for.  Raises PathRefused, StoreUnavailable."""

    async def process(self, destination: Destination, envelope: Envelope) -> Committed:
        """Read, classify, decide and commit one message.  Raises StoreUnavailable."""


class Store(Protocol):
    """Where states live."""

    def keyspace(self, list_: str) -> Keyspace:
        """Return the names of a list's keys, and in which form they carry addresses.  Raises KeyError."""

    async def commit(self, report_id: ReportId, address: str | None, decide: Decide) -> Committed:
        """Write what ``decide`` makes of the address's state, and that this report was counted, atomically.

        ``decide`` is pure and may be called again on conflict.  ``address`` is normalised; None where a report
        belongs to no address: then only the event is written; nothing is where the transition is idle.
        Raises StoreUnavailable on any doubt.
        """

    async def load(self, list_: str, address: str) -> AddressState:
        """Return the state of one address as it stands.  Raises StoreUnavailable."""

    async def doubt(self, list_: str, now: datetime) -> str:
        """Return why the server of a list may be wrong about a path that seems spent or unknown; empty for no reason.

        It is one where its clock and ours are more than a day apart, or where it is not the server that the list was
        kept on.  Raises StoreUnavailable.
        """

    async def token(self, list_: str, token: str) -> dict[str, str] | None:
        """Return the fields of a registered return path, or None.  Raises StoreUnavailable."""
