"""Disputed domains: when a domain calls many good addresses unknown within an hour, it is not believed.

A gateway that lost its directory answers "user unknown" for everybody.  A list would lose all readers of that domain in
an hour.  Such an hour is a *wave*.  The wave's addresses, and those that follow for some hours, are held instead of
suppressed.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from bounced.core.meaning.providers import SHARED_DOMAINS
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Action, Category, Engagement, Kind, OptIn, Profile, State

WAVE = timedelta(hours=1)
"""How long a wave lasts."""

USUAL_DAYS = 7
"""How many days before a wave are counted to know a usual hour of the domain."""

UNKNOWN = frozenset({Category.MAILBOX_UNKNOWN, Category.BAD_ADDRESS, Category.MAILBOX_MOVED})
"""What gateways and providers answer for everybody when they are wrong."""


@dataclass(frozen=True, slots=True)
class DisputeRule:
    """When "user unknown" of a domain is not believed, and for how long.

    A domain is disputed for ``hours`` when it calls ``addresses`` known recipients unknown within an hour, and at least
    ``factor`` times as many as in its usual hour.  Domains of ``shared``, such as gmail.com, are never disputed.
    """

    addresses: int = 5
    factor: float = 10
    hours: int = 24
    shared: AbstractSet[str] = SHARED_DOMAINS

    @property
    def lasts(self) -> timedelta:
        """How long a dispute lasts."""
        return timedelta(hours=self.hours)

    def is_wave(self, domain: str, addresses: int) -> bool:
        """Tell whether so many unknown addresses of a domain within an hour may be a wave."""
        return addresses >= self.addresses and domain not in self.shared

    def disputed(self, domain: str, addresses: int, usual: float) -> bool:
        """Tell whether they are not believed; ``usual`` is how many the domain calls unknown in a usual hour."""
        return self.is_wave(domain, addresses) and addresses >= self.factor * usual


DEFAULT_DISPUTES = DisputeRule()


def is_known(profile: Profile) -> bool:
    """Tell whether the sender knew that somebody reads mail at the address: confirmed or active, and not imported."""
    if profile.opt_in is OptIn.IMPORTED:
        return False
    return profile.opt_in is OptIn.CONFIRMED or profile.engagement is Engagement.ACTIVE


def may_be_of_wave(evidence: Evidence) -> bool:
    """Tell whether evidence calls a known recipient unknown.  Such addresses are counted for each domain.

    What is doubtful suppresses nobody, so there is nothing to dispute.  A refusal after DATA is a part of the wave.
    """
    verdict = evidence.verdict
    if verdict is None or verdict.category not in UNKNOWN or verdict.doubt or not failed(evidence):
        return False
    return evidence.trusted and evidence.names_recipient and not evidence.shared_from and is_known(evidence.profile)


def suppressed_as_unknown(event: Mapping[str, str], domain: str) -> bool:
    """Tell whether an event of the stream says that an address of a domain was suppressed because it is unknown."""
    if event["type"] not in (EvidenceType.REPORT, EvidenceType.REJECTED) or event.get("after") != State.SUPPRESSED:
        return False
    unknown = event.get("category") in UNKNOWN and not event.get("doubt")
    return unknown and event.get("address", "").endswith(f"@{domain}")


def failed(evidence: Evidence) -> bool:
    """Tell whether evidence says that a message was not delivered and never will be."""
    verdict = evidence.verdict
    if verdict is None or evidence.type not in (EvidenceType.REPORT, EvidenceType.REJECTED):
        return False
    return evidence.kind in (None, Kind.BOUNCE) and verdict.action in (None, Action.FAILED)
