"""What each room asks of another one that it may not know: the doors, the pipeline, the jobs, those who watch.

In this order: how a store refuses; what a door asks of the pipeline; what the pipeline asks of a store; what each job
asks of it beside that; what others ask of the watch over the servers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

from bounced.core.contract.hook_standing import HookStanding
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.server_facts import ClockAndIdentity
from bounced.core.mailbox import AddressId
from bounced.core.policy.outage import Unknowns
from bounced.core.return_path import Cause
from bounced.core.state import AddressState, ReportId, Transition
from bounced.core.terms import Destination, Envelope

T = TypeVar("T")
Decide = Callable[[AddressState], Transition]
Explain = Callable[[], Cause | None]

Clock = Callable[[], datetime]
"""What time it is, in UTC.  A process has one, which ``service.py`` hands to all that ask."""


class NoServer(Exception):  # noqa: N818 - says what is so; the message says what to do about it
    """There is no server program here that would do, or it does not run."""


class Misconfigured(Exception):  # noqa: N818 - says what is so, and whose fault it is: the operator's
    """The server cannot give the durability that was asked for, whatever we do."""


class StoreUnavailable(Exception):  # noqa: N818 - the name says what is so, not what went wrong
    """The store cannot say whether something is written.  Whoever asked has to ask again; a duplicate does no harm."""


class StoreTimedOut(StoreUnavailable):
    """The store did not answer in time."""


class WrongType(StoreUnavailable):
    """A key of ours holds a value of another type.  Somebody else wrote it, and it is so until somebody mends it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Redis answers, but its key {key} holds a value of another type, which bounced did not write")


class WrongTypeOfAddress(WrongType):
    """Such a key that one address has for itself, its state or its history: no other address is concerned."""


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


# What a door asks of the pipeline, and the pipeline of its door.


class Receiver(Protocol):
    """What a door (SMTP, LMTP, ingest) asks of the pipeline."""

    async def admit(self, forward_path: str) -> Destination:
        """Return whom a forward-path stands for.  Raises PathRefused, StoreUnavailable."""

    async def process(self, destination: Destination, envelope: Envelope) -> Committed:
        """Read, classify, decide and commit one message.  Raises StoreUnavailable."""


class Turns(Protocol):
    """Who reads next, where many messages wait to be read."""

    async def take(self, lane: str, read: Callable[[], T], *, last: bool = False) -> T:
        """Return what ``read`` returns, called when it is this lane's turn; a ``last`` lane gets what others leave."""


class AtOnce:
    """Turns of a caller that reads one message after another: nobody waits."""

    async def take(self, lane: str, read: Callable[[], T], *, last: bool = False) -> T:  # noqa: ARG002 - Turns
        """Read now."""
        return read()


AT_ONCE = AtOnce()


# What the pipeline asks of a store.


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


# What the jobs ask of a store.


class DueAddresses(Protocol):
    """The releaser asks whose time has come.  All methods raise StoreUnavailable."""

    async def due(self, list_: str, now: datetime, limit: int) -> list[AddressId]:
        """Return addresses that time alone brings back, those first that are due for longest."""

    async def postpone(self, list_: str, address: AddressId, until: datetime) -> None:
        """Do not return an address again before a time, unless it has become due at another one."""


class Disputed(Protocol):
    """Several jobs ask who is disputed.  All methods raise StoreUnavailable."""

    async def disputed(self, list_: str, beyond: datetime) -> list[str]:
        """Return the domains, and the providers as ``provider:NAME``, that are disputed beyond a time."""


class Disputes(Disputed, Protocol):
    """Both disputers note what is disputed.  All methods raise StoreUnavailable."""

    async def dispute(self, list_: str, disputed: str, now: datetime, until: datetime, addresses: int) -> bool:
        """Note that a domain or ``provider:NAME`` is disputed, and tell so; False where it was, and nothing is told."""


class Waves(Disputes, Protocol):
    """The disputer asks what the domains of a list call unknown.  All methods raise StoreUnavailable."""

    async def unknowns(self, list_: str, domain: str, since: datetime) -> list[AddressId]:
        """Return the addresses with a good profile that a domain called unknown since a time."""

    async def suppressed_by(self, list_: str, domain: str, since: datetime) -> list[AddressId]:
        """Return the addresses that were suppressed since a time because a domain called them unknown.

        As far as the stream of events tells: not where it holds no addresses, and not beyond its last entries.
        """

    async def usual_unknowns(self, list_: str, domain: str, now: datetime) -> float:
        """Return how many addresses the domain called unknown in an hour of the week before the present wave."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some addresses of a long row, and where the next page begins; empty where this is the last."""

    addresses: Sequence[AddressId]
    next: str


class ProviderWaves(Disputes, Protocol):
    """The provider disputer asks what providers call unknown in a list.  All methods raise StoreUnavailable."""

    async def provider_hours(self, list_: str, provider: str, hours: Sequence[str]) -> Sequence[Unknowns]:
        """Return what each of these hours tells of a provider."""

    async def called_unknown(self, list_: str, provider: str, since: datetime, newest: str) -> Page:
        """Return addresses that a provider called unknown since a time, and was believed, a page of events at a time.

        ``newest`` is where the page begins: "+" for the first.  The newest come first.
        """


class Alarms(Protocol):
    """Every job that raises alarms asks which stand, and replaces them.  All methods raise StoreUnavailable."""

    async def standing(self, list_: str) -> Mapping[str, str]:
        """Return the alarms now standing, as JSON by their scope."""

    async def replace_alarm(self, list_: str, scope: str, before: str, after: str, event: Mapping[str, str]) -> bool:
        """Replace an alarm and tell ``event``, if there is one; False where another worker has replaced it before.

        An empty text stands for no alarm.
        """


class HourlyCounters(Alarms, Disputed, Protocol):
    """The job of the rates asks for the hourly counters, the disputes and the webhooks beside the alarms.

    All methods raise StoreUnavailable.
    """

    async def counts(self, list_: str, now: datetime, hours: int) -> Sequence[Mapping[str, int]]:
        """Return the counters of the last hours, this one among them."""

    async def hook_standing(self, list_: str, hook: str) -> HookStanding:
        """Return how a webhook stands in a list."""


class CommandHours(Protocol):
    """The parent asks what commands committed, for its metrics.  Raises StoreUnavailable."""

    async def command_hours(self, list_: str, hours: Sequence[str]) -> Sequence[Sequence[int]]:
        """Return what commands committed in each of these hours, in the order of ``COMMANDS``."""


@dataclass(frozen=True, slots=True)
class IntakeEntry:
    """One entry of an intake stream."""

    id: str
    fields: Mapping[str, str]


class Intake(Protocol):
    """The intake reader asks for what senders told, as one consumer among several.

    All methods raise StoreUnavailable.
    """

    async def next_entries(self, list_: str, limit: int) -> Sequence[IntakeEntry]:
        """Return entries that no consumer has had."""

    async def abandoned(self, list_: str, idle_s: float, limit: int) -> Sequence[IntakeEntry]:
        """Return entries that a consumer, perhaps this one, has had for ``idle_s`` and did not settle."""

    async def set_aside(self, list_: str, entry: IntakeEntry, error: str) -> None:
        """Move an entry to those that failed; nothing where it is gone already."""


class Servers(Protocol):
    """The watch over Redis asks the server of each list who it is.  All methods raise StoreUnavailable."""

    async def server_facts(self, list_: str) -> ClockAndIdentity:
        """Return what the server of a list says of itself."""

    async def name_server(self, list_: str, identity: str) -> None:
        """Give the server of a list an identity, unless it has one."""


class KnownServers(Protocol):
    """The watch over Redis asks this host which server it has met, by the key of the identity."""

    def known(self, key: str) -> str:
        """Return the identity that a key is known to have; empty where none is known."""

    def remember(self, identities: Mapping[str, str]) -> None:
        """Know these from now on.  Raises OSError where they cannot be kept; this process knows them then."""


# What others ask of the watch over the servers.


@dataclass(frozen=True, slots=True)
class Findings:
    """What the last look at the server of one list found.  A fault is empty where there is none."""

    apart_s: float
    faults: Mapping[str, str]


class ServerWatch(Protocol):
    """What is known of the servers that keep the lists, for those who ask whether all is well."""

    @property
    def found(self) -> Mapping[str, Findings]:
        """What the last look at each list found."""

    @property
    def faults(self) -> Sequence[str]:
        """Everything that is wrong now, for people."""

    def use(self, keys: Mapping[str, Keyspace]) -> None:
        """Know these lists from now on."""

    async def look(self) -> None:
        """Look at every list once.  Raises StoreUnavailable."""


class CommandTotals(Protocol):
    """What commands, which are processes of their own, committed since the daemon started."""

    @property
    def total(self) -> Mapping[tuple[str, ...], int]:
        """How many commits there were, by list, origin and type."""

    def use(self, lists: Sequence[str]) -> None:
        """Know these lists from now on."""
