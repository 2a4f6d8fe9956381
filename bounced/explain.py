"""What a message means and why: the one function to use from Python.

``explain(content)`` returns an Explanation: ``kind``, the ``report`` that was read, and a Finding for each recipient
with its ``address`` and ``verdict`` (``category``, ``class_``, ``rule``, ``status``, ``diagnostic``).
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from bounced import rules
from bounced.core.exchange.names import names_as_json
from bounced.core.limits import MAX_HEADER_BYTES
from bounced.core.meaning.account import Account, account
from bounced.core.meaning.bare import NOTHING_KNOWN, Known, as_reported
from bounced.core.meaning.classify import classify, classify_reply
from bounced.core.meaning.rules import RuleSet
from bounced.core.reading import report as reports
from bounced.core.reading.border import attempt
from bounced.core.reading.message.limits import MAX_WORK
from bounced.core.return_path import Directory
from bounced.core.terms import Kind, PerRecipientFields, Report, ReturnPath, Verdict

Json = Mapping[str, object]


class ExplainedRecipient(NamedTuple):
    """What a report means for one recipient: the fields that were read, and the verdict on them."""

    fields: PerRecipientFields
    verdict: Verdict

    @property
    def address(self) -> str | None:
        """The original recipient where the report names one, else the final one."""
        return self.fields.address


class Explanation(NamedTuple):
    """What a message is, what it reports, and what that means.

    ``unnamed`` is the verdict on a bounce that names nobody: it speaks of whom the return path was made for.
    """

    report: Report
    findings: tuple[ExplainedRecipient, ...]
    unnamed: Verdict | None = None

    @property
    def kind(self) -> Kind:
        """What the message is: a bounce, a delay, a complaint, ..."""
        return self.report.kind


def explain(
    content: bytes, rule_set: RuleSet | None = None, *, reverse_path: str | None = None, work: int = MAX_WORK
) -> Explanation:
    """Return what a message means.

    ``content`` is a whole message, header and body, with any line ends; what lies beyond 1 MiB is not looked at.
    ``rule_set`` comes from ``bounced.rules.load``; without one the packaged rules are used.  ``reverse_path`` is the
    envelope's, empty for the null one; without it nobody knows which it was, and less is proven.  ``work`` is how much
    reading may make (bounced.core.reading.message.limits).  Whatever comes, this
    raises nothing: what nobody understands has the kind ``other``, and what could not be read is a bounce that gives no
    reason (``report.fault`` says why).
    """
    rule_set = rule_set or packaged_rules()
    report = reports.parse(content, work=work, reverse_path=reverse_path)
    return attempt(lambda: _explained(report, rule_set), lambda fault: _explained(reports.unread(fault), rule_set))


def explain_reply(reply: str, rule_set: RuleSet | None = None, known: Known = NOTHING_KNOWN) -> Explanation:
    """Return what a bare SMTP reply means, with what is known of it beside its words.  Raises nothing."""
    fields, report = as_reported(reply, known)
    verdict = classify_reply(reply, rule_set or packaged_rules(), known)
    return Explanation(report, (ExplainedRecipient(fields, verdict),))


def statements(finding: ExplainedRecipient, report: Report, rule_set: RuleSet | None = None) -> tuple[Account, ...]:
    """Return who said what of one recipient, in the order of weight, which counted, and why the others did not."""
    return account(finding.fields, report, rule_set or packaged_rules(), finding.verdict)


def return_path_in(content: bytes, report: Report, directory: Directory, today: date) -> ReturnPath | None:
    """Return the return path of ours that a message was sent to, or that stands in the message it returns."""
    header = content[:MAX_HEADER_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    found = directory.find(f"{header}\n{report.traces or report.returned_header}", today)
    return found if isinstance(found, ReturnPath) else None


def _explained(report: Report, rule_set: RuleSet) -> Explanation:
    findings = tuple(ExplainedRecipient(fields, classify(fields, report, rule_set)) for fields in report.recipients)
    unnamed = None if findings else classify(PerRecipientFields(), report, rule_set)
    return Explanation(report, findings, unnamed)


def as_json(
    file: str, explanation: Explanation, return_path: str | None = None, rule_set: RuleSet | None = None
) -> Json:
    """Return what ``explain --json`` prints for one message.  (docs/contract.md, section 7)

    ``return_path`` is whom the return path was made for, where one of ours was found; ``rule_set`` are the rules by
    which it was explained.
    """
    report = explanation.report
    return {
        "file": file,
        "kind": str(report.kind),
        "return_path": return_path,
        "reporting_mta": report.reporting_mta,
        "recipients": [_recipient(finding, report, rule_set) for finding in explanation.findings],
    }


def reply_as_json(reply: str, explanation: Explanation, rule_set: RuleSet | None = None) -> Json:
    """Return what ``explain --json`` prints for a bare reply.  (docs/contract.md, section 7)"""
    (finding,) = explanation.findings
    verdict = finding.verdict
    return {
        "reply": reply,
        "status": verdict.status,
        "reply_code": verdict.reply_code,
        **_meaning(finding, explanation.report, rule_set),
    }


def packaged_rules() -> RuleSet:
    """Return the rules that come with the package, read once."""
    return rules.packaged()


def _recipient(finding: ExplainedRecipient, report: Report, rule_set: RuleSet | None) -> Json:
    fields, verdict = finding.fields, finding.verdict
    return {
        "address": fields.address,
        "original_recipient": fields.original_recipient,
        "final_recipient": fields.final_recipient,
        "action": str(verdict.action) if verdict.action else None,
        "status": verdict.status,
        "reply_code": verdict.reply_code,
        "remote_mta": verdict.remote_mta,
        "diagnostic": verdict.diagnostic,
        **_meaning(finding, report, rule_set),
    }


def _meaning(finding: ExplainedRecipient, report: Report, rule_set: RuleSet | None) -> Json:
    """Return what a recipient and a bare reply have in common: the verdict, and the statements behind it."""
    verdict = finding.verdict
    return {
        "category": str(verdict.category),
        "class": str(verdict.class_),
        "rule": verdict.rule,
        "proof": verdict.proof or None,
        "doubt": verdict.doubt or None,
        "names": names_as_json(verdict.category, verdict.class_),
        "statements": [each.as_fields() for each in statements(finding, report, rule_set)],
    }
