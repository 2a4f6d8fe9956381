"""What today's rules make of evidence that was kept.

Two kinds are looked at: the reply by which an address is on the suppression list, and messages that nobody understood
when they came.  The first can only release: of the message itself no more is left than its reply, so nothing is made
worse by it.  The second is complete, and counts like a report that came at its time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bounced.core.meaning.attribute import Attribution, group_for
from bounced.core.meaning.bare import Known
from bounced.core.meaning.classify import classify, classify_reply
from bounced.core.meaning.rules import RuleSet
from bounced.core.reading import reply as smtp
from bounced.core.reading.border import attempt
from bounced.core.reading.patterns import span
from bounced.core.reading.report import parse
from bounced.core.state import AddressState, Evidence, EvidenceType
from bounced.core.terms import (
    CLASS_OF,
    UNKNOWN_PROFILE,
    Category,
    Class,
    Kind,
    Origin,
    PerRecipientFields,
    Profile,
    Report,
    Verdict,
)

FROM_REPORTS = (Origin.SMTP, Origin.LMTP, Origin.INGEST, Origin.INTAKE)
_PROVEN, _NULL = frozenset({Kind.BOUNCE, Kind.DELAYED}), ""
"""The reverse path is not kept: what was proven to be a mail system's when it came is read as if by the null one."""
_FAULTLESS = frozenset({Class.BLOCK, Class.NONE})
_NO_LONGER: Mapping[Class | None, frozenset[Class]] = {
    Class.HARD: frozenset({*_FAULTLESS, Class.SOFT, Class.TRANSIENT}),
    Class.SOFT: _FAULTLESS,
    Class.TRANSIENT: _FAULTLESS,
    Class.UNDETERMINED: _FAULTLESS,
}
"""By the class for which an address is on the suppression list: those that would not have put it there."""


@dataclass(frozen=True, slots=True)
class Reclassifier:
    """Today's rules."""

    rules: RuleSet

    def acquitted(self, state: AddressState, address: str = "") -> Verdict | None:
        """Return what the reply that suppressed an address means today, where that is no longer a reason.

        Only words count: that a code alone means something else may be because the words stood elsewhere in the
        message.  So may what a reply alone does not prove, or the name of the server to which a hard row is bound.
        What people said is never asked again.  ``address`` is empty where the list keeps none.
        """
        if not state.state.on_suppression_list or state.origin not in FROM_REPORTS or not state.diagnostic:
            return None
        verdict = classify_reply(state.diagnostic, self.rules, Known(about=address))
        worded = verdict.place == "diagnostic" and verdict.rule in self._worded()
        if not worded or verdict.doubt or verdict.class_ not in _NO_LONGER.get(state.class_, frozenset()):
            return None
        return None if self._condemned_by_a_server(state) else verdict

    def _condemned_by_a_server(self, state: AddressState) -> bool:
        """Tell whether a reply is hard where one of the servers said it to which rows are bound."""
        if state.class_ is not Class.HARD:
            return False
        reply = smtp.split(state.diagnostic)
        words = smtp.neutral(reply.text).text
        bound = (rule for rule in self.rules.rules if rule.mta and CLASS_OF[rule.category] is Class.HARD)
        return any(
            span(rule.pattern, words) is not None if rule.pattern else (reply.status or "") in rule.statuses
            for rule in bound
        )

    def understood(self, entry: Mapping[str, str], content: bytes) -> Evidence | None:
        """Return the evidence in a message of `unrecognised` about its address, None where it still says nothing.

        Raises ValueError for an entry that nobody wrote.
        """
        if not entry.get("address") or entry.get("reason") == "untrusted":
            return None
        report = parse(content, reverse_path=_NULL if entry.get("kind") in _PROVEN else None)
        judged = attempt(lambda: self._judged(report, entry["address"]), lambda _fault: None)
        if judged is None:
            return None
        attribution, verdict = judged
        if verdict.category is Category.UNDETERMINED or report.kind in (Kind.OTHER, Kind.UNPROVEN):
            return None
        return Evidence(
            EvidenceType.REPORT,
            datetime.fromisoformat(entry["at"]),
            Origin.read(entry["origin"]),
            report.kind,
            verdict,
            date.fromisoformat(entry["sent_on"]) if entry.get("sent_on") else None,
            Profile.of(entry["profile"]) if entry.get("profile") else UNKNOWN_PROFILE,
            entry.get("campaign", ""),
            entry.get("peer", ""),
            report.reporting_mta or "",
            names_recipient=attribution.names_recipient,
            note="reclassified",
        )

    def _judged(self, report: Report, address: str) -> tuple[Attribution, Verdict]:
        attribution = group_for(report, address)
        return attribution, classify(attribution.fields or PerRecipientFields(), report, self.rules)

    def _worded(self) -> frozenset[str]:
        return frozenset(rule.id for rule in self.rules.rules if rule.pattern)
