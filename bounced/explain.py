"""What a message means and why: the one function to use from Python.

``explain(content)`` returns an Explanation: ``kind``, the ``report`` that was read, and a Finding for each recipient
with its ``address`` and ``verdict`` (``category``, ``class_``, ``rule``, ``status``, ``diagnostic``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from bounced import rules
from bounced.core.meaning.classify import classify, matches
from bounced.core.meaning.rules import Match, RuleSet
from bounced.core.meaning.words import Words, hear
from bounced.core.reading import report as reports
from bounced.core.reading.border import attempt
from bounced.core.terms import Kind, PerRecipientFields, Report, Verdict

JsonValue = str | None | list[dict[str, str | None]]


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


@dataclass(frozen=True, slots=True)
class Step:
    """One place of evidence that was looked at, with the rules that fit its words; the first one counts."""

    words: Words
    matches: tuple[Match, ...]


def explain(content: bytes, rule_set: RuleSet | None = None) -> Explanation:
    """Return what a message means.

    ``content`` is a whole message, header and body, with any line ends; what lies beyond 1 MiB is not looked at.
    ``rule_set`` comes from ``bounced.rules.load``; without one the packaged rules are used.  Whatever comes, this
    raises nothing: what nobody understands has the kind ``other``, and what could not be read is a bounce that gives no
    reason (``report.fault`` says why).
    """
    rule_set = rule_set or packaged_rules()
    report = reports.parse(content)
    return attempt(lambda: _explained(report, rule_set), lambda fault: _explained(reports.unread(fault), rule_set))


def steps(finding: ExplainedRecipient, report: Report, rule_set: RuleSet | None = None) -> Iterator[Step]:
    """Return the evidence on one recipient in the order in which it was weighed, and which rules fit it."""
    for words, found in matches(hear(finding.fields, report), rule_set or packaged_rules()):
        yield Step(words, tuple(found))


def _explained(report: Report, rule_set: RuleSet) -> Explanation:
    findings = tuple(ExplainedRecipient(fields, classify(fields, report, rule_set)) for fields in report.recipients)
    unnamed = None if findings else classify(PerRecipientFields(), report, rule_set)
    return Explanation(report, findings, unnamed)


def as_json(file: str, explanation: Explanation, return_path: str | None = None) -> dict[str, JsonValue]:
    """Return what ``explain --json`` prints for one message.  (docs/contract.md, section 7)

    ``return_path`` is whom the return path was made for, where one of ours was found.
    """
    report = explanation.report
    return {
        "file": file,
        "kind": str(report.kind),
        "return_path": return_path,
        "reporting_mta": report.reporting_mta,
        "recipients": [_recipient(finding) for finding in explanation.findings],
    }


@cache
def packaged_rules() -> RuleSet:
    """Return the rules that come with the package, read once."""
    return rules.load()


def _recipient(finding: ExplainedRecipient) -> dict[str, str | None]:
    fields, verdict = finding.fields, finding.verdict
    return {
        "address": fields.address,
        "original_recipient": fields.original_recipient,
        "final_recipient": fields.final_recipient,
        "action": str(verdict.action) if verdict.action else None,
        "status": verdict.status,
        "reply_code": verdict.reply_code,
        "remote_mta": verdict.remote_mta,
        "category": str(verdict.category),
        "class": str(verdict.class_),
        "rule": verdict.rule,
        "diagnostic": verdict.diagnostic,
    }
