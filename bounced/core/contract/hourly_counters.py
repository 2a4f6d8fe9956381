"""What is counted by the hour: reports by what they say, and what the sender's rates are made of.

The counters of an hour are one hash.  Names that others choose (recipient domains, campaigns, providers) each have a
quota of the fields in it.  However many such names come, the list's own counters, which are few, are always counted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from bounced.core.contract.times import hour
from bounced.core.escape import visible
from bounced.core.meaning.providers import KNOWN_PROVIDERS, known_provider, provider_of
from bounced.core.numbers import whole
from bounced.core.policy.dispute import USUAL_DAYS, failed
from bounced.core.policy.failure import counts_as
from bounced.core.policy.outage import DOUBTED_DAYS, Standing, Unknowns
from bounced.core.policy.outage import USUAL_DAYS as USUAL_DAYS_OF_PROVIDERS
from bounced.core.policy.settings import COUNTED
from bounced.core.state import Evidence, EvidenceType, Transition
from bounced.core.terms import Category, Class, Kind, Origin, Verdict, Word

SENT = "sent"
HARD = "hard"
COMPLAINT = "complaint"
DELIVERED = "delivered"
"""A delivery that somebody reported, in the counters of a campaign."""
FAILED = "failed"
"""A failure of a class that never counts, as it is remembered of a return path."""
MAILED_WHILE_SUPPRESSED = "mailed_while_suppressed"
"""Mail that was sent to an address a day after it was suppressed, or later."""
UNATTRIBUTED = "unattributed"
"""A complaint at a feedback address that brought no return path of ours."""

ATTRIBUTED = "attributed"
"""A complaint that brought one."""
FEEDBACK, FEEDBACK_OF_OTHERS = "feedback", "feedback_of"
"""How the counters of complaints by provider begin: those of known providers, which are few, and of any domain."""

KEPT_DAYS = 35
"""How long the counters of an hour are kept: COUNTS_TTL_S in commit.lua."""

DAYS_KEPT = 400
"""How long the counters of a day are kept: DAYS_TTL_S in commit.lua."""

COMMANDS = (
    (Origin.INGEST, EvidenceType.REPORT),
    (Origin.OPERATOR, EvidenceType.SUPPRESS),
    (Origin.OPERATOR, EvidenceType.RELEASE),
)
"""What commands commit, by origin and type; they have counters of their own, for the daemon does not see it done."""
_OF_COMMANDS = frozenset(origin for origin, _ in COMMANDS)

FIELDS_IN_USE = "~fields:"
"""How the fields begin that tell how much of a quota is in use."""

_RATES = "rate"
_RATE = f"{_RATES}:"
_BY_DAY = frozenset(
    (
        f"kind:{Kind.UNPROVEN}",
        f"kind:{Kind.OTHER}",
        f"{_RATE}{SENT}:list",
        f"{_RATE}{UNATTRIBUTED}:list",
        MAILED_WHILE_SUPPRESSED,
    )
)
_BEGIN_BY_DAY = ("category:", "doubtful:", "transition:")


class Quota(Word):
    """After what a counter is named, and so with which others it shares a number of fields of an hour."""

    OWN = ""
    DOMAINS = "domains"
    CAMPAIGNS = "campaigns"
    PROVIDERS = "providers"
    UNSIGNED = "unsigned"

    @property
    def in_use(self) -> str:
        """The field that tells how many fields of this quota are in use."""
        return f"{FIELDS_IN_USE}{self}"

    @property
    def overflow(self) -> str:
        """The field that counts what came when the quota was used up."""
        return f"~other:{self}"


MAX_FIELDS = MappingProxyType(
    {Quota.DOMAINS: 10_000, Quota.CAMPAIGNS: 4_000, Quota.PROVIDERS: 1_000, Quota.UNSIGNED: 4_000}
)
"""How many fields of an hour each quota has; the list's own counters are always counted.

``unsigned`` is for whatever a report names that nobody signed: anybody can send one.
"""

_QUOTAS = {
    "domain": Quota.DOMAINS,
    "campaign": Quota.CAMPAIGNS,
    "provider": Quota.PROVIDERS,
    FEEDBACK_OF_OTHERS: Quota.PROVIDERS,
}


class HourlyCounter(NamedTuple):
    """One counter, and the quota that its field belongs to."""

    name: str
    quota: Quota


def with_quotas(names: tuple[str, ...], *, trusted: bool) -> tuple[HourlyCounter, ...]:
    """Return counters with their quotas; ``trusted`` is false where nobody signed what they are named after."""
    quotas = map(_quota_of if trusted else _quota_of_unsigned, names)
    return tuple(map(HourlyCounter, names, quotas))


def counters(domain: str, transition: Transition) -> tuple[str, ...]:
    """Return the names of the counters that a transition of an address of ``domain`` (or of none) counts up."""
    if transition.unsubscribes_again:
        return ()
    evidence, verdict = transition.evidence, transition.evidence.verdict
    names = [f"type:{evidence.type}"]
    if evidence.kind:
        names.append(f"kind:{evidence.kind}")
    if evidence.type is EvidenceType.SENT:
        names += rate_counters(SENT, evidence.campaign, evidence.domain)
    if evidence.campaign and (evidence.type is EvidenceType.DELIVERED or evidence.kind is Kind.DELIVERED):
        names.append(f"campaign:{evidence.campaign}:{DELIVERED}")
    if verdict:
        names += _of_verdict(domain, evidence, verdict)
        if evidence.kind is Kind.COMPLAINT:
            names += _of_complaint(domain, evidence, verdict)
    if transition.after.state is not transition.before.state:
        names.append(f"transition:{transition.before.state}:{transition.after.state}")
    if transition.mailed_while_suppressed:
        names.append(MAILED_WHILE_SUPPRESSED)
    if evidence.origin in _OF_COMMANDS:
        names.append(command_counter(evidence.origin, evidence.type))
    return tuple(names)


def by_day(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of these counters are counted by the day too: few, and named after nothing that others choose."""
    return tuple(name for name in names if name in _BY_DAY or name.startswith(_BEGIN_BY_DAY))


def command_counter(origin: str, type_: str) -> str:
    """Return the counter of what commands, which are processes of their own, committed."""
    return f"command:{origin}:{type_}"


def measure_of(transition: Transition) -> str:
    """Return as what a report about an address is remembered of its return path: the first of each is always taken.

    It is ``complaint``, the class as which a failure counts, ``failed`` for a failure that never counts, and empty for
    anything else.
    """
    evidence, verdict = transition.evidence, transition.evidence.verdict
    if not evidence.trusted:
        return ""
    if evidence.type is EvidenceType.COMPLAINED or (verdict and verdict.category is Category.COMPLAINT):
        return COMPLAINT
    if verdict is None or not failed(evidence):
        return ""
    class_ = counts_as(evidence, verdict)
    return class_ if class_ in COUNTED else FAILED


def measured_rates(measure: str, evidence: Evidence, domain: str) -> tuple[str, ...]:
    """Return the counters of the rates in which a measure counts: those of hard failures and of complaints.

    What another list shares counts in that one's rates.
    """
    if measure not in (HARD, COMPLAINT) or evidence.shared_from:
        return ()
    return rate_counters(measure, evidence.campaign, domain)


def rate_counters(measure: str, campaign: str, domain: str) -> tuple[str, ...]:
    """Return the counters of one measure: for the list, and for a campaign and a domain where they are known."""
    names = [f"{_RATE}{measure}:list"]
    if campaign:
        names.append(f"{_RATE}{measure}:campaign:{campaign}")
    if domain:
        names.append(f"{_RATE}{measure}:domain:{domain}")
    return tuple(names)


def scope_of(counter: str) -> tuple[str, str] | None:
    """Return the measure and the scope (``list``, ``campaign:C``, ``domain:D``) of a counter of ``rate_counters``."""
    if not counter.startswith(_RATE):
        return None
    measure, _, scope = counter.removeprefix(_RATE).partition(":")
    return measure, scope


def feedback_of(counters: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return the complaints that are counted by provider: ``attributed`` and ``unattributed``, the latter nobody's."""
    found: dict[str, dict[str, int]] = {}
    for name, count in counters.items():
        kind, _, rest = name.partition(":")
        if kind in (FEEDBACK, FEEDBACK_OF_OTHERS):
            provider, _, measure = rest.rpartition(":")
            by_measure = found.setdefault(provider, {ATTRIBUTED: 0, UNATTRIBUTED: 0})
            by_measure[measure] = by_measure.get(measure, 0) + count
    return found


def read_counters(fields: Mapping[str, str]) -> dict[str, int]:
    """Return the counters of an hour's hash, without those of the quotas; a field that holds no count is left out."""
    return {
        visible(name): count
        for name, text in fields.items()
        if not name.startswith(FIELDS_IN_USE) and (count := whole(text)) is not None
    }


def unknowns_counter(domain: str) -> str:
    """Return the counter that tells how often a domain calls addresses unknown."""
    return f"domain:{domain}:{Category.MAILBOX_UNKNOWN}"


def provider_counter(provider: str, standing: Standing) -> str:
    """Return the counter of addresses of one standing that a known provider called unknown, each path once."""
    return f"unknown:{provider}:{standing}"


def provider_counters(provider: str) -> tuple[str, ...]:
    """Return the counters that ``unknowns`` takes: each standing, and what was sent to each of the domains."""
    sent = (f"{_RATE}{SENT}:domain:{domain}" for domain in KNOWN_PROVIDERS[provider].domains)
    return *(provider_counter(provider, standing) for standing in Standing), *sent


def unknowns(counts: Sequence[int]) -> Unknowns:
    """Return what an hour tells of a provider, by the counts of ``provider_counters`` in their order."""
    known, other, new, *sent = counts
    return Unknowns(known, other, new, sum(sent))


def of_provider(counters: Mapping[str, int], provider: str) -> Unknowns:
    """Return what the counters of an hour tell of a provider; nothing of one that this version does not know."""
    if provider not in KNOWN_PROVIDERS:
        return Unknowns()
    return unknowns([counters.get(name, 0) for name in provider_counters(provider)])


def hours_before(now: datetime, hours: int) -> list[str]:
    """Return so many hours as ``hour`` writes them, the oldest first, the present one last."""
    return [hour(now - timedelta(hours=back)) for back in reversed(range(hours))]


def usual_hours_of_providers(now: datetime) -> list[str]:
    """Return the hours that tell what is usual for a provider, the oldest first."""
    return hours_before(now, USUAL_DAYS_OF_PROVIDERS * 24)[: -DOUBTED_DAYS * 24]


def usual_hours(now: datetime) -> list[str]:
    """Return the hours, as ``hour`` writes them, that tell what is usual: a week's, before the present wave."""
    return [hour(now - timedelta(hours=back)) for back in range(2, USUAL_DAYS * 24 + 2)]


def _quota_of(name: str) -> Quota:
    kind, _, rest = name.partition(":")
    return _QUOTAS.get(rest.split(":", 2)[1] if kind == _RATES else kind, Quota.OWN)


def _quota_of_unsigned(name: str) -> Quota:
    return Quota.OWN if _quota_of(name) is Quota.OWN else Quota.UNSIGNED


def _of_complaint(domain: str, evidence: Evidence, verdict: Verdict) -> list[str]:
    """Return the counters of what feedback loops send, by the provider: ours, and what names nobody."""
    nobody = evidence.unattributed
    if nobody:
        kind = FEEDBACK if nobody.known else FEEDBACK_OF_OTHERS
        return [*rate_counters(UNATTRIBUTED, "", ""), f"{kind}:{nobody.provider}:{UNATTRIBUTED}"]
    if not domain or verdict.category not in (Category.COMPLAINT, Category.UNSUBSCRIBED):
        return []
    known = known_provider(evidence.reporting_mta, domain)
    return [f"{FEEDBACK if known else FEEDBACK_OF_OTHERS}:{known or domain}:{ATTRIBUTED}"]


def _of_verdict(domain: str, evidence: Evidence, verdict: Verdict) -> list[str]:
    names = [f"category:{verdict.category}", f"class:{verdict.class_}"]
    if evidence.campaign:
        names.append(f"campaign:{evidence.campaign}:{Class.BLOCK if verdict.refuses_sender else verdict.class_}")
    if domain:
        names.append(f"domain:{domain}:{'doubtful' if verdict.doubt else verdict.category}")
    if verdict.doubt:
        names.append(f"doubtful:{verdict.category}")
    if verdict.refuses_sender:
        names.append(f"provider:{provider_of(verdict.remote_mta, domain)}:{verdict.category}")
    return names
