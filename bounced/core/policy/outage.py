"""Providers that are wrong about everybody: one that calls far more addresses unknown than usual is not believed.

How it works.  The counters of an hour tell how many addresses each known provider called unknown.  The present hour and
the one before are compared with the highest two consecutive hours of the past weeks.  The last three days are left out
of the past: an outage that comes back on the next day is no usual hour.  What a provider says for longer than that is
believed, else a dead mailbox would be mailed for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from bounced.core.meaning.providers import KNOWN_PROVIDERS, provider_of
from bounced.core.policy.dispute import UNKNOWN, failed, is_known
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Engagement, OptIn, Profile, State, Word

SCOPE = "provider:"
"""How a disputed provider begins among the disputed domains, and the scope of its alarm."""

USUAL_DAYS = 32
"""How far back usual hours are looked for: a mailing of once a month is compared with the last one."""

DOUBTED_DAYS = 3
"""How many of the last days tell nothing of what is usual."""

TAKES_BACK = timedelta(hours=24)
"""From how long before the dispute all is taken back: an outage may begin too slowly to be seen."""

NEW_FOR_ONE = 20
"""How many imported addresses and first mails count as much as one other address."""


class Standing(Word):
    """What the sender knew of an address that is called unknown."""

    KNOWN = "known"
    OTHER = "other"
    NEW = "new"


class Unknowns(NamedTuple):
    """What one hour tells of a provider: addresses that it called unknown, by their standing; messages sent to it."""

    known: int = 0
    other: int = 0
    new: int = 0
    sent: int = 0


class Highest(NamedTuple):
    """The weight of the highest two hours of the past, and how many messages were sent in the 24 hours up to them."""

    weight: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class ProviderRule:
    """When "user unknown" of a provider is not believed, and for how long.

    A provider is disputed for ``hours`` when in two consecutive hours it calls at least ``addresses`` unknown, and more
    than ``factor`` times as many as in the highest two of the past weeks.
    """

    addresses: int = 5
    factor: float = 5
    hours: int = 24

    @property
    def lasts(self) -> timedelta:
        """How long a dispute lasts."""
        return timedelta(hours=self.hours)

    def is_wave(self, weight: int) -> bool:
        """Tell whether so many may be an outage; what is usual is to be asked then."""
        return weight >= self.addresses

    def disputed(self, weight: int, usual: float) -> bool:
        """Tell whether the provider is not believed."""
        return self.is_wave(weight) and weight > self.factor * usual


DEFAULT_PROVIDERS = ProviderRule()


def unknown_by(evidence: Evidence, domain: str) -> str:
    """Return the known provider that calls a recipient of a domain unknown; empty where there is none.

    It is the one whose server said it, else the one that has the domain.  What is doubtful suppresses nobody.
    """
    verdict = evidence.verdict
    if verdict is None or verdict.category not in UNKNOWN or verdict.doubt or not failed(evidence):
        return ""
    if not (evidence.trusted and evidence.names_recipient):
        return ""
    return _known(provider_of(verdict.remote_mta, domain))


def standing(profile: Profile) -> Standing:
    """Return how much a profile says: old lists and mistyped addresses are called unknown on all days."""
    if is_known(profile):
        return Standing.KNOWN
    new = profile.opt_in is OptIn.IMPORTED or profile.engagement is Engagement.FIRST_MAIL
    return Standing.NEW if new else Standing.OTHER


def weight(hours: Sequence[Unknowns]) -> int:
    """Return how many addresses were called unknown.

    Those that are new count little, and never more than the others: the import of an old list is no outage.
    """
    full = sum(hour.known + hour.other for hour in hours)
    return full + min(full, sum(hour.new for hour in hours) // NEW_FOR_ONE)


def highest(hours: Sequence[Unknowns]) -> Highest:
    """Return the highest two consecutive hours; ``hours`` are consecutive, the oldest first."""
    weights = [weight(pair) for pair in pairwise(hours)]
    if not any(weights):
        return Highest()
    last = weights.index(max(weights)) + 1
    return Highest(max(weights), sum(hour.sent for hour in hours[max(0, last - 23) : last + 1]))


def usual(past: Highest, sent: int) -> float:
    """Return what is usual now, where ``sent`` messages went to the provider in the last 24 hours.

    It grows and shrinks with what is sent, where the sender told that then and now.
    """
    return past.weight * sent / past.sent if past.sent and sent else past.weight


def disputed_provider(disputed: str) -> str:
    """Return the provider that a member of the disputed domains stands for; empty for a domain."""
    return disputed.removeprefix(SCOPE) if disputed.startswith(SCOPE) else ""


def to_take_back(event: Mapping[str, str], provider: str) -> bool:
    """Tell whether an event of the stream says that a provider called an address unknown and was believed.

    Events of older versions name no provider: the domain of the address does.
    """
    if event["type"] not in (EvidenceType.REPORT, EvidenceType.REJECTED) or event.get("category") not in UNKNOWN:
        return False
    if event.get("doubt") or event.get("reason") == "disputed" or event.get("after") in (None, State.ACTIVE):
        return False
    domain = event.get("address", "").rpartition("@")[2]
    return (event.get("provider") or _known(provider_of(None, domain))) == provider


def _known(provider: str) -> str:
    return provider if provider in KNOWN_PROVIDERS else ""
