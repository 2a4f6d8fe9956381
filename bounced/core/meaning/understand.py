"""What one message says about the recipient that its return path stands for."""

from datetime import UTC
from functools import partial
from typing import NamedTuple

from bounced.core.meaning.attribute import Attribution, group_for
from bounced.core.meaning.classify import classify
from bounced.core.meaning.rules import RuleSet
from bounced.core.reading.border import attempt
from bounced.core.reading.report import unread
from bounced.core.return_path import POSTMASTER
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import (
    UNKNOWN_PROFILE,
    Category,
    Destination,
    Envelope,
    Kind,
    PerRecipientFields,
    Report,
    ReturnPath,
    RoleAddress,
    Verdict,
)

_NOBODY = Attribution(None, names_recipient=False)


class Understood(NamedTuple):
    """The evidence in a report, and the report: one that says nothing where the evidence could not be read from it."""

    report: Report
    evidence: Evidence


def understand(
    report: Report,
    return_path: ReturnPath | None,
    envelope: Envelope,
    rules: RuleSet,
    *,
    trust_unsigned: bool,
) -> Understood:
    """Return the evidence in a report for the recipient of its return path, or for nobody where there is none.

    Raises nothing: what cannot be understood is a bounce that gives no reason.
    """
    evidence = partial(
        _evidence, return_path=return_path, envelope=envelope, rules=rules, trust_unsigned=trust_unsigned
    )

    def nothing(fault: Exception) -> Understood:
        return Understood(unread(fault), evidence(unread(fault)))

    return attempt(lambda: Understood(report, evidence(report)), nothing)


def _evidence(
    report: Report,
    return_path: ReturnPath | None,
    envelope: Envelope,
    rules: RuleSet,
    *,
    trust_unsigned: bool,
) -> Evidence:
    """Return what a report says, as far as it could be read.

    The return path says who, the report says why; mail that is no report says nothing.  An identity that nobody signed
    is trusted only where the list says so *and* the report names the same recipient.  A request to leave at a signed
    path is an unsubscription.
    (docs/contract.md, sections 3 and 4; docs/rules.md)
    """
    attribution = group_for(report, return_path.recipient) if return_path and not report.fault else _NOBODY
    verdict = _verdict(attribution, report, rules)
    signed = return_path is not None and return_path.signed
    if verdict and signed and report.kind is Kind.SUBSCRIPTION and report.fields.get("request") == "unsubscribe":
        verdict = verdict._replace(category=Category.UNSUBSCRIBED)
    return Evidence(
        type=EvidenceType.REPORT,
        at=envelope.received_at.astimezone(UTC).replace(microsecond=0),
        origin=envelope.origin,
        kind=report.kind,
        verdict=verdict,
        sent_on=return_path.issued if return_path else None,
        profile=return_path.profile if return_path else UNKNOWN_PROFILE,
        campaign=return_path.tag if return_path else "",
        peer=envelope.peer,
        reporting_mta=report.reporting_mta or report.fields.get("author-domain", ""),
        names_recipient=attribution.names_recipient,
        trusted=signed or (trust_unsigned and attribution.names_recipient),
    )


def _verdict(attribution: Attribution, report: Report, rules: RuleSet) -> Verdict | None:
    """Return what a report means.  `undetermined` is a bounce that gives no reason; other mail is none."""
    if report.kind in (Kind.OTHER, Kind.UNPROVEN):
        return None
    return classify(attribution.fields or PerRecipientFields(), report, rules)


def worth_keeping(destination: Destination, kind: Kind | None, verdict: Verdict | None) -> bool:
    """Tell whether a message goes to `unrecognised`, to be looked at and read again.

    A bounce that gave no reason, what may be a bounce and is not proven to be one, and the postmaster's mail.
    """
    if isinstance(destination, RoleAddress) and destination.local_part == POSTMASTER:
        return True
    if kind is Kind.UNPROVEN:
        return True
    failed = kind in (Kind.BOUNCE, Kind.DELAYED)
    return failed and verdict is not None and verdict.category is Category.UNDETERMINED
