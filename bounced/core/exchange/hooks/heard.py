"""What an event of a service says: entries of the intake, nothing about an address, or nothing that we understand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256

from bounced.core.contract.intake import MAX_ID_CHARACTERS, UNREADABLE
from bounced.core.limits import MAX_INTAKE_CHARS
from bounced.core.state import EvidenceType
from bounced.core.terms import Action, Category, Word


class Silence(Word):
    """Why an event says nothing about an address."""

    NOT_SENT = "not_sent"
    """The service had a reason of its own and did not even try."""
    NO_EVIDENCE = "no_evidence"
    """Something that is no evidence, such as a test or a message that was queued."""
    NOBODY = "nobody"
    """One of several recipients did it, and nothing tells which."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a service's name of an event means.

    ``type`` is None where it says nothing about an address, and then ``silence`` says why.  ``category`` is what the
    name means by the taxonomy: it is asked only where the reply says nothing.  ``action`` is DELAYED where the service
    will try again, FAILED where it has given up, whatever the reply begins with.
    """

    type: EvidenceType | None
    category: Category | None = None
    action: Action | None = None
    silence: Silence | None = None


DELIVERED = Means(EvidenceType.DELIVERED)
ENGAGED = Means(EvidenceType.ENGAGED)
COMPLAINED = Means(EvidenceType.COMPLAINED)
UNSUBSCRIBED = Means(EvidenceType.UNSUBSCRIBED)
SUBSCRIBED = Means(EvidenceType.SUBSCRIBED)
SENT = Means(EvidenceType.SENT)
NOT_SENT = Means(None, silence=Silence.NOT_SENT)
NO_EVIDENCE = Means(None, silence=Silence.NO_EVIDENCE)


def failed(category: Category = Category.UNDETERMINED) -> Means:
    """Return the meaning of a name under which a service gives up; ``category`` is that of the name."""
    return Means(EvidenceType.REJECTED, category, Action.FAILED)


def delayed(category: Category = Category.UNDETERMINED) -> Means:
    """Return the meaning of a name under which a service says that it will try again."""
    return Means(EvidenceType.REJECTED, category, Action.DELAYED)


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that an event says about one address, as the service wrote it.  Empty is what it did not say.

    ``at`` and ``sent_at`` (when the message was handed to the service) are unix times or ISO 8601.  ``id`` is what the
    service calls the event; an empty one is made of the event as a whole.  ``reply`` is the remote server's, ``mta`` is
    that server, ``stage`` the SMTP command.  ``return_path`` is where ours stands: it need not be one.  ``more`` are
    fields of the intake as they stand.  ``among`` are the addresses of which one is meant, where the service does not
    know which.
    """

    means: Means
    address: str = ""
    at: str = ""
    id: str = ""
    reply: str = ""
    mta: str = ""
    stage: str = ""
    campaign: str = ""
    sent_at: str = ""
    return_path: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """Fields of an entry of the intake.  (docs/contract.md, section 2)

    Where ``among`` has addresses it counts for the one of the return path, if that is among them, and else for nobody.
    """

    fields: Mapping[str, str]
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Silent:
    """An event that says nothing about an address."""

    why: Silence


@dataclass(frozen=True, slots=True)
class Unclear:
    """An event that is not understood, as it came, and what is wrong with it."""

    raw: str
    why: str


Heard = Entry | Silent | Unclear

_OF_EACH_MESSAGE = (EvidenceType.DELIVERED, EvidenceType.ENGAGED, EvidenceType.SENT)
"""What is told of every message has no id: to remember each for weeks takes more memory than all states together.

A delivery and an opening that come again are as old as they were, and change nothing.  A request that says that a
message was sent is remembered as a whole, for as long as services repeat one that nobody answered.
"""

_HALVES = re.compile(r"[\ud800-\udfff]")
_COPIED = tuple(each.name for each in fields(Said) if each.name not in ("means", "id", "more", "among"))


def entry(said: Said, service: str, raw: str, place: int) -> Entry:
    """Return what is said as an entry of the intake.

    ``raw`` is the event as it came and ``place`` which of its sayings this is: they name an event that has no name.
    Without a time too it stays nameless: what reads the same next month is another event.
    """
    means = said.means
    assert means.type is not None
    given = {name: cleaned(getattr(said, name), MAX_INTAKE_CHARS) for name in _COPIED}
    nameless = means.type in _OF_EACH_MESSAGE or not (said.id or given["at"] or said.more.get("at"))
    named = {"type": str(means.type), "id": "" if nameless else _id(said.id, service, raw, place)}
    if means.type is EvidenceType.REJECTED:
        named |= {"category": str(means.category or ""), "action": str(means.action or "")}
    elif means.type is EvidenceType.SENT:
        named |= {"count": "1", "domain": given.pop("address").rpartition("@")[2]}
    more = {name: cleaned(text, MAX_INTAKE_CHARS) for name, text in said.more.items()}
    return Entry({name: text for name, text in {**named, **given, **more}.items() if text}, said.among)


def _id(given: str, service: str, raw: str, place: int) -> str:
    """Return what the event is called: unlike those of other services, and never longer than an entry allows."""
    if not given:
        return f"{service}:{sha256(f'{place} {raw}'.encode('utf-8', 'surrogatepass')).hexdigest()}"
    named = cleaned(f"{service}:{given}", MAX_INTAKE_CHARS)
    return named if len(named) <= MAX_ID_CHARACTERS else f"{service}:{sha256(named.encode()).hexdigest()}"


def cleaned(text: str, most: int) -> str:
    """Return the beginning of a text as UTF-8 can hold it: JSON may name halves of characters.

    They become what the intake takes in no address: a question mark in its place may be the address of somebody else.
    """
    beginning = text[:most]
    return beginning if beginning.isascii() else _HALVES.sub(UNREADABLE, beginning)
