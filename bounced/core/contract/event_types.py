"""Which types of event there are, what each is about, and which events somebody asks for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from bounced.core.contract.summary import Summary
from bounced.core.state import EvidenceType

TRANSITION = "transition"
MAILED_WHILE_SUPPRESSED = "mailed_while_suppressed"
ALARM = "alarm"
DISPUTED = MappingProxyType({"domain.disputed": "domain", "provider.disputed": "provider"})
"""The types of event that say who is not believed, and the field that names it."""

TYPES: tuple[str, ...] = (
    *(type_ for type_ in EvidenceType if type_ is not EvidenceType.SENT),
    TRANSITION,
    MAILED_WHILE_SUPPRESSED,
    ALARM,
    *DISPUTED,
    *Summary,
)
"""Every type that an event may have.  (docs/contract.md, section 1)"""


class Wanted(NamedTuple):
    """Which events are asked for: of some types, of one address in the form that keys carry, of a campaign.

    What is empty does not matter.
    """

    types: tuple[str, ...] = ()
    address: str = ""
    campaign: str = ""

    def covers(self, fields: Mapping[str, str]) -> bool:
        """Whether an event is one of them."""
        of_type = not self.types or fields.get("type") in self.types
        of_campaign = not self.campaign or fields.get("campaign") == self.campaign
        return of_type and of_campaign and (not self.address or fields.get("address") == self.address)


def about(fields: Mapping[str, str]) -> str:
    """Return what an event is about: an address, the scope of an alarm, a domain, a provider, the list, or nobody."""
    type_ = fields.get("type", "")
    if address := fields.get("address"):
        return address
    if type_ == ALARM:
        return fields.get("scope", "")
    if type_ in DISPUTED:
        return fields.get(DISPUTED[type_], "")
    if type_ == Summary.ACCEPTED:
        return "redis"
    return "the list" if type_ in tuple(Summary) else "nobody"


def told_by_next(fields: Mapping[str, str]) -> bool:
    """Whether the next event is this event's transition, which says the same again."""
    return fields.get("type") != TRANSITION and fields.get("before") != fields.get("after")
