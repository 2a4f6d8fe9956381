"""Not believed yet: when a whole domain calls good addresses unknown at once, the domain is in doubt, not they."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from bounced.core.meaning.providers import SHARED_DOMAINS
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Action, Category, Engagement, Kind, OptIn, Profile, State

WAVE = timedelta(hours=1)
"""The time in which unknown users of one domain are one wave."""

USUAL_DAYS = 7
"""The days before a wave that tell what a usual hour is."""

_UNKNOWN = frozenset({Category.MAILBOX_UNKNOWN, Category.BAD_ADDRESS, Category.MAILBOX_MOVED})


@dataclass(frozen=True, slots=True)
class DisputeRule:
    """When "user unknown" of a domain is not believed, and for how long.

    ``addresses`` of it with a good profile, within an hour, and ``factor`` times its usual hour; never a domain of
    ``shared``, in which anybody may have a mailbox.
    """

    addresses: int = 5
    factor: float = 10
    hours: int = 24
    shared: AbstractSet[str] = SHARED_DOMAINS

    @property
    def lasts(self) -> timedelta:
        """How long a dispute lasts."""
        return timedelta(hours=self.hours)

    def wave(self, domain: str, addresses: int) -> bool:
        """Tell whether so many unknown addresses of a domain within an hour are worth a look at its usual hour."""
        return addresses >= self.addresses and domain not in self.shared

    def disputed(self, domain: str, addresses: int, usual: float) -> bool:
        """Tell whether they are not believed, ``usual`` being what the domain calls unknown in an hour."""
        return self.wave(domain, addresses) and addresses >= self.factor * usual


DEFAULT_DISPUTES = DisputeRule()


def good(profile: Profile) -> bool:
    """Tell whether the sender knew of somebody at the address: confirmed, or recently active, and not imported."""
    if profile.opt_in is OptIn.IMPORTED:
        return False
    return profile.opt_in is OptIn.CONFIRMED or profile.engagement is Engagement.ACTIVE


def doubtful(evidence: Evidence) -> bool:
    """Tell whether evidence calls an address unknown of which the sender knew better: a part of a wave, perhaps."""
    verdict = evidence.verdict
    if verdict is None or verdict.category not in _UNKNOWN or not failed(evidence):
        return False
    return evidence.trusted and evidence.names_recipient and not evidence.shared_from and good(evidence.profile)


def suppressed_as_unknown(event: Mapping[str, str], domain: str) -> bool:
    """Tell whether an event of the stream says that an address of a domain was suppressed because it is unknown."""
    if event["type"] not in (EvidenceType.REPORT, EvidenceType.REJECTED) or event.get("after") != State.SUPPRESSED:
        return False
    return event.get("category") in _UNKNOWN and event.get("address", "").endswith(f"@{domain}")


def failed(evidence: Evidence) -> bool:
    """Tell whether evidence says that a message was not delivered and never will be."""
    verdict = evidence.verdict
    if verdict is None or evidence.type not in (EvidenceType.REPORT, EvidenceType.REJECTED):
        return False
    return evidence.kind in (None, Kind.BOUNCE) and verdict.action in (None, Action.FAILED)
