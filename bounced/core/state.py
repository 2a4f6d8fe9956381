"""What is known of one address, what can come to it, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from bounced.core.escape import escaped
from bounced.core.limits import MAX_ACTOR_CHARS, MAX_CAMPAIGN_CHARS, MAX_STORED_CHARS, MAX_WORDS_CHARS
from bounced.core.terms import UNKNOWN_PROFILE, Category, Class, Kind, Origin, Profile, State, Verdict, Word


class EvidenceType(Word):
    """Who or what speaks about an address."""

    REPORT = "report"
    REJECTED = "rejected"
    DELIVERED = "delivered"
    ENGAGED = "engaged"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    SUPPRESS = "suppress"
    RELEASE = "release"
    DUE = "due"
    DISPUTE = "dispute"
    SENT = "sent"


_OF_MAIL = frozenset({EvidenceType.REPORT, EvidenceType.REJECTED, EvidenceType.DELIVERED})


@dataclass(frozen=True, slots=True)
class Streak:
    """Consecutive failures of one class: how many, the first and the last.

    ``holds`` is how often the address was held for this class so far, through all its streaks: silence is not
    recovery.  ``held`` is whether this very streak has led to a hold.
    """

    count: int
    first: datetime
    last: datetime
    holds: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True)
class AddressState:
    """The state of one address in one list.  ``AddressState()`` is an address of which nothing is known.

    ``version`` is 0 where nothing is stored and grows by one with each write.  ``disputed_until`` belongs to the
    address's domain and ``path_failed_as`` to the PATH of the report: a store loads them beside the state and never
    writes them back.  The latter is the hardest class as which mail to the same PATH failed before.
    ``delivery_pending_since`` is a delivery that is not believed before its 72 hours are over.  ``last_released_at`` is
    the end of the last hold or suppression, ``last_lifted_at`` the last that a subscription or an operator ended.
    ``failed_mail`` is the latest UTC day whose mail failed, by the class as which that counted or led to a hold.
    ``names_others`` is true while the reason is that of a report which named only other recipients.
    ``actor`` is who suppressed it by hand, empty for everything else.
    ``shared_from`` is the list whose hard verdict the reason is, empty for a reason of the list's own.
    """

    state: State = State.ACTIVE
    category: Category | None = None
    class_: Class | None = None
    since: datetime | None = None
    until: datetime | None = None
    streaks: Mapping[Class, Streak] = field(default_factory=dict)
    last_released_at: datetime | None = None
    last_lifted_at: datetime | None = None
    last_delivered_at: datetime | None = None
    last_engaged_at: datetime | None = None
    delivery_pending_since: datetime | None = None
    status: str = ""
    diagnostic: str = ""
    reporting_mta: str = ""
    campaign: str = ""
    origin: Origin | None = None
    names_others: bool = False
    failed_mail: Mapping[Class, date] = field(default_factory=dict)
    actor: str = ""
    shared_from: str = ""
    version: int = 0
    disputed_until: datetime | None = None
    path_failed_as: Class | None = None

    @property
    def holds(self) -> int:
        """How often the address was held so far, for the class for which that happened most."""
        return max((streak.holds for streak in self.streaks.values()), default=0)


NOTHING_KNOWN = AddressState()


class Unattributed(NamedTuple):
    """A complaint that names nobody.

    ``fields`` are what may be kept of it, ``provider`` always among them.  ``known`` says that we know this provider:
    any other is named after a domain, and whoever sends the complaint chooses that.  ``kept`` is false where some list
    keeps no addresses: then the provider is counted, and nothing else is written.
    """

    fields: Mapping[str, str]
    known: bool
    kept: bool = True

    @property
    def provider(self) -> str:
        """Who sent the complaint, or whose recipient complained."""
        return self.fields["provider"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing said about one address, by a report, the sending software, an operator, or the clock.

    ``sent_on`` is the day the mail in question was sent (the day of its return path); ``names_recipient`` is false
    where the report names only *other* recipients; ``trusted`` is false for an identity that nobody signed.
    ``content`` is the message where it is worth keeping because nobody understood it.  ``count`` is of how many
    messages SENT speaks, and of which ``domain``, where it names one.  ``shared_from`` is the list whose hard failure
    counts in this one too.  ``actor`` is who made a change by hand; one whom nobody authenticated is ``claimed:NAME``.
    ``bulk`` says that the change is one of many that are made at once: it is told in the stream `bulk`.
    ``wave_began`` says of a dispute from when on its failures are taken back; by default it is the
    hour before.  ``unattributed`` is what is kept of a complaint that names nobody.
    ``follows`` says that a release or a subscription lifts the same hard verdict in the lists that share it, too.

    What others wrote is escaped and bounded here.  So no state, event, counter or log line made of it can control a
    terminal or break a line.
    """

    type: EvidenceType
    at: datetime
    origin: Origin
    kind: Kind | None = None
    verdict: Verdict | None = None
    sent_on: date | None = None
    profile: Profile = UNKNOWN_PROFILE
    campaign: str = ""
    peer: str = ""
    reporting_mta: str = ""
    names_recipient: bool = True
    trusted: bool = True
    note: str = ""
    content: bytes | None = None
    count: int = 1
    domain: str = ""
    shared_from: str = ""
    actor: str = ""
    bulk: bool = False
    wave_began: datetime | None = None
    unattributed: Unattributed | None = None
    follows: bool = False

    def __post_init__(self) -> None:
        """Escape and bound what a peer, a sender or an operator wrote."""
        texts = f"{self.campaign}{self.actor}{self.peer}{self.reporting_mta}{self.note}"
        if len(texts) > MAX_ACTOR_CHARS or not texts.isprintable():  # most are shorter together than each may be
            object.__setattr__(self, "campaign", escaped(self.campaign, MAX_CAMPAIGN_CHARS))
            object.__setattr__(self, "actor", escaped(self.actor, MAX_ACTOR_CHARS))
            for name in ("peer", "reporting_mta", "note"):
                object.__setattr__(self, name, escaped(getattr(self, name)))
        if self.verdict is not None and not _is_harmless(self.verdict):
            object.__setattr__(self, "verdict", _harmless(self.verdict))


@dataclass(frozen=True, slots=True)
class Transition:
    """What follows from one piece of evidence.

    ``reason`` is a word that a reader of the history understands; ``keep`` is how long a state that neither holds
    nor suppresses has to be remembered, ``settles`` how long a delivery waits to be believed.
    """

    evidence: Evidence
    before: AddressState
    after: AddressState
    reason: str
    keep: timedelta = timedelta(days=400)
    settles: timedelta = timedelta(hours=72)

    @property
    def changed(self) -> bool:
        """Whether the state is another one now."""
        return self.after is not self.before and self.after != self.before

    @property
    def mailed_while_suppressed(self) -> bool:
        """Whether it speaks of mail that was sent to a suppressed address on a later day: the sender asks no list.

        What another list shares speaks of that one's mail, whose sender has that list to ask.
        """
        evidence, since = self.evidence, self.before.since
        if self.before.state is not State.SUPPRESSED or since is None or evidence.sent_on is None:
            return False
        return not evidence.shared_from and evidence.type in _OF_MAIL and evidence.sent_on > since.date()

    @property
    def unsubscribes_again(self) -> bool:
        """Whether somebody unsubscribes who has done so, by whichever door.  Only the time moves on."""
        evidence, verdict = self.evidence, self.evidence.verdict
        asked = evidence.type is EvidenceType.UNSUBSCRIBED or (
            evidence.kind is Kind.SUBSCRIPTION and verdict is not None and verdict.category is Category.UNSUBSCRIBED
        )
        already = (State.SUPPRESSED, Category.UNSUBSCRIBED)
        return asked and all((each.state, each.category) == already for each in (self.before, self.after))

    @property
    def idle(self) -> bool:
        """Whether nothing is to be written, not even an event.

        That is so where nothing changed and nobody waits for an acknowledgement: for the clock, for a dispute, and for
        an operator at a terminal who releases an active address.
        """
        by_hand = self.evidence.type is EvidenceType.RELEASE and self.evidence.origin is Origin.OPERATOR
        return (by_hand or self.evidence.type in (EvidenceType.DUE, EvidenceType.DISPUTE)) and not self.changed


@dataclass(frozen=True, slots=True)
class ReportId:
    """Which report this is: the list, PATH and the digest of the report.  (docs/contract.md, section 1)

    ``other_digests`` are those under which the same report may have been counted too: by an older version, or as a copy
    that says more.  They are asked for and never written.
    ``entry`` is the entry of the intake stream that it came as, which is acknowledged and deleted with the commit.
    Where the sender named the event, PATH and digest are made of that name; else the entry's id is the digest, and
    there is no PATH.
    ``good_days`` is for how long mail to PATH is taken: the report has to be remembered for longer.
    """

    list: str
    path: str
    digest: str
    entry: str = ""
    other_digests: tuple[str, ...] = ()
    good_days: int = 30

    @property
    def digests(self) -> tuple[str, ...]:
        """Every digest that says that this report was counted, the one to be written first."""
        return self.digest, *self.other_digests

    @property
    def event_id(self) -> str:
        """The id of the events that this report causes, the same each time it comes: 16 hex digits."""
        return event_id(self.list, self.path, self.digest)


def event_id(list_: str, path: str, digest: str) -> str:
    """Return the id of the events that a report causes: 16 hex digits."""
    return sha256(f"{list_}\0{path}\0{digest}".encode()).hexdigest()[:16]


def _is_harmless(verdict: Verdict) -> bool:
    texts = [text for text in verdict if text]
    return max(map(len, texts)) <= MAX_STORED_CHARS and "".join(texts).isprintable()


def _harmless(verdict: Verdict) -> Verdict:
    return verdict._replace(
        rule=escaped(verdict.rule),
        status=verdict.status and escaped(verdict.status),
        reply_code=verdict.reply_code and escaped(verdict.reply_code),
        remote_mta=verdict.remote_mta and escaped(verdict.remote_mta),
        diagnostic=escaped(verdict.diagnostic),
        words=escaped(verdict.words, MAX_WORDS_CHARS),
    )
