"""What is counted by the hour: reports by what they say, and what the sender's rates are made of.

The counters of an hour are one hash.  Names that others choose (recipient domains, campaigns, providers) each have a
room in it, so many fields, that they can fill; none of them can take a place of the list's own counters, which are few.
"""

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from bounced.core.contract.times import hour
from bounced.core.meaning.providers import provider_of
from bounced.core.numbers import BOOKKEEPING
from bounced.core.policy.doubt import USUAL_DAYS, failed
from bounced.core.state import Evidence, EvidenceType, Transition
from bounced.core.terms import Category, Class, Verdict, Word

SENT = "sent"
HARD = "hard"
COMPLAINT = "complaint"
FAILED = "failed"
"""A failure that speaks for no rate; the first one of a return path is taken like the first hard one."""
UNATTRIBUTED = "unattributed"
"""A complaint at a feedback address that brought no return path of ours."""

_RATE = "rate:"


class Room(Word):
    """Whose names a counter is made of, and with which others it shares a number of fields."""

    OWN = ""
    DOMAINS = "domains"
    CAMPAIGNS = "campaigns"
    PROVIDERS = "providers"
    UNSIGNED = "unsigned"

    @property
    def taken(self) -> str:
        """The field that tells how many fields of this room an hour has."""
        return f"{BOOKKEEPING}{self}"

    @property
    def other(self) -> str:
        """The field that counts what found no room."""
        return f"~other:{self}"


FIELDS_OF = MappingProxyType({Room.DOMAINS: 10_000, Room.CAMPAIGNS: 4_000, Room.PROVIDERS: 1_000, Room.UNSIGNED: 4_000})
"""How many fields of an hour each room has; the list's own counters are always counted.

``unsigned`` is for whatever a report names that nobody signed: anybody can send one.
"""

_ROOMS = {"domain": Room.DOMAINS, "campaign": Room.CAMPAIGNS, "provider": Room.PROVIDERS}


class Counted(NamedTuple):
    """One counter, and the room in which it has its place."""

    name: str
    room: Room


def placed(names: tuple[str, ...], *, trusted: bool) -> tuple[Counted, ...]:
    """Return counters with their rooms; ``trusted`` is false where nobody signed what they are named after."""
    return tuple(Counted(name, _room_of(name, trusted=trusted)) for name in names)


def counters(domain: str, transition: Transition) -> tuple[str, ...]:
    """Return the names of the counters that a transition of an address of ``domain`` (or of none) counts up."""
    evidence, verdict = transition.evidence, transition.evidence.verdict
    names = [f"type:{evidence.type}"]
    if evidence.kind:
        names.append(f"kind:{evidence.kind}")
    if evidence.type is EvidenceType.SENT:
        names += by_scope(SENT, evidence.campaign, evidence.domain)
    if verdict:
        names += _of_verdict(domain, evidence, verdict)
    if transition.after.state is not transition.before.state:
        names.append(f"transition:{transition.before.state}:{transition.after.state}")
    return tuple(names)


def measure_of(transition: Transition) -> str:
    """Return which of the sender's rates a report about an address speaks for: ``hard`` or ``complaint``.

    Another failure is ``failed``, anything else empty.
    """
    evidence, verdict = transition.evidence, transition.evidence.verdict
    if not evidence.trusted or evidence.shared_from:
        return ""
    if evidence.type is EvidenceType.COMPLAINED or (verdict and verdict.category is Category.COMPLAINT):
        return COMPLAINT
    if verdict is None or not failed(evidence):
        return ""
    return HARD if verdict.class_ is Class.HARD and evidence.names_recipient else FAILED


def rates_of(measure: str, campaign: str, domain: str) -> tuple[str, ...]:
    """Return the counters of the rates that a measure speaks for."""
    return by_scope(measure, campaign, domain) if measure in (HARD, COMPLAINT) else ()


def by_scope(measure: str, campaign: str, domain: str) -> tuple[str, ...]:
    """Return the counters of one measure: for the list, and for a campaign and a domain where they are known."""
    names = [f"{_RATE}{measure}:list"]
    if campaign:
        names.append(f"{_RATE}{measure}:campaign:{campaign}")
    if domain:
        names.append(f"{_RATE}{measure}:domain:{domain}")
    return tuple(names)


def scope_of(counter: str) -> tuple[str, str] | None:
    """Return the measure and the scope (``list``, ``campaign:C``, ``domain:D``) of a counter of ``by_scope``."""
    if not counter.startswith(_RATE):
        return None
    measure, _, scope = counter.removeprefix(_RATE).partition(":")
    return measure, scope


def unknowns_counter(domain: str) -> str:
    """Return the counter that tells how often a domain calls addresses unknown."""
    return f"domain:{domain}:{Category.MAILBOX_UNKNOWN}"


def usual_hours(now: datetime) -> list[str]:
    """Return the hours, as ``hour`` writes them, that tell what is usual: a week's, before the present wave."""
    return [hour(now - timedelta(hours=back)) for back in range(2, USUAL_DAYS * 24 + 2)]


def _room_of(name: str, *, trusted: bool) -> Room:
    kind = name.split(":", 3)[2] if name.startswith(_RATE) else name.partition(":")[0]
    room = _ROOMS.get(kind, Room.OWN)
    return room if trusted or room is Room.OWN else Room.UNSIGNED


def _of_verdict(domain: str, evidence: Evidence, verdict: Verdict) -> list[str]:
    names = [f"category:{verdict.category}", f"class:{verdict.class_}"]
    if evidence.campaign:
        names.append(f"campaign:{evidence.campaign}:{verdict.class_}")
    if domain:
        names.append(f"domain:{domain}:{verdict.category}")
    elif verdict.category is Category.COMPLAINT:
        names += by_scope(UNATTRIBUTED, "", "")
    if verdict.class_ is Class.BLOCK:
        names.append(f"provider:{provider_of(verdict.remote_mta, domain)}:{verdict.category}")
    return names
