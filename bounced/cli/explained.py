"""An explanation for people: the evidence in a message, the verdict, and rules that matched as well."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from bounced.cli.mailboxes import Stored
from bounced.cli.output import printable
from bounced.core.meaning.attribute import group_for
from bounced.core.meaning.rules import Rule, RuleSet
from bounced.core.terms import Category, Class, Kind, PerRecipientFields, Report, ReturnPath, Verdict
from bounced.explain import ExplainedRecipient, Explanation, Step, steps

_COLOURS = {
    Class.HARD: "bold red",
    Class.SOFT: "yellow",
    Class.BLOCK: "magenta",
    Class.TRANSIENT: "cyan",
    Class.COMPLAINT: "bold red",
    Class.NONE: "green",
    Class.UNDETERMINED: "dim",
}
_CONSEQUENCES = {
    Class.HARD: "the address itself is bad",
    Class.SOFT: "the mailbox cannot take mail now",
    Class.BLOCK: "the sender was refused; the address is not touched",
    Class.TRANSIENT: "the path failed; the address may be fine",
    Class.COMPLAINT: "the recipient called it spam",
    Class.NONE: "no bounce",
    Class.UNDETERMINED: "no reason was given",
}
_PLACES = {
    "diagnostic": "server's reply",
    "text": "notice's words",
    "status": "Status",
    "reply_code": "reply code",
    "action": "Action",
    "kind": "kind of message",
    "none": "nothing",
}
_SHOWN_TEXT_CHARS = 160
_SHOWN_MATCHES = 4
_DOT = " \u00b7 "
_MARK = "\u2190"


def show(
    console: Console, stored: Stored, explanation: Explanation, return_path: ReturnPath | None, rule_set: RuleSet
) -> None:
    """Print what one message means, and why."""
    report = explanation.report
    heading = [str(report.kind), f"read as {report.reader}"]
    heading += [f"reported by {report.reporting_mta}"] if report.reporting_mta else []
    console.print(Text(printable(stored.file), style="bold"), Text(printable(_DOT.join(heading))))
    if return_path:
        console.print(Text(printable(f"  {_whose(return_path, report)}")))
    for finding in explanation.findings or _unnamed(explanation):
        for line in _lines(finding, stored.content, explanation, rule_set):
            console.print(Text("  ").append(line))
    console.print()


def _whose(return_path: ReturnPath, report: Report) -> str:
    attribution = group_for(report, return_path.recipient)
    named = "named here" if attribution.names_recipient else "not named here: hard counts as soft"
    return f"return path of {return_path.recipient}, list {return_path.list}, {named}"


class MessageTotals:
    """How many messages there were of each kind, and recipients of each category."""

    def __init__(self) -> None:
        """Start with none."""
        self._kinds: Counter[Kind] = Counter()
        self._categories: Counter[Category] = Counter()

    def add(self, explanation: Explanation) -> None:
        """Count one message."""
        self._kinds[explanation.kind] += 1
        self._categories.update(finding.verdict.category for finding in explanation.findings)

    def show(self, console: Console) -> None:
        """Print the numbers, where there was more than one message."""
        if self._kinds.total() < 2:  # noqa: PLR2004 - of one message all is said
            return
        kinds = ", ".join(f"{number} {kind}" for kind, number in self._kinds.most_common())
        console.print(Text(f"{self._kinds.total()} messages: {kinds}"))
        for category, number in self._categories.most_common():
            console.print(Text(f"{number:>8}  {category}"))


def _unnamed(explanation: Explanation) -> tuple[ExplainedRecipient, ...]:
    return (ExplainedRecipient(PerRecipientFields(), explanation.unnamed),) if explanation.unnamed else ()


def _lines(finding: ExplainedRecipient, content: bytes, explanation: Explanation, rule_set: RuleSet) -> Iterator[Text]:
    verdict = finding.verdict
    colour = _COLOURS[verdict.class_]
    yield Text.assemble(
        (printable(finding.address or "(names nobody)"), "bold"),
        "  ",
        (f"{verdict.category} ({verdict.class_})", colour),
        (f"  {_CONSEQUENCES[verdict.class_]}", "dim"),
    )
    yield Text(printable("    " + _DOT.join(_codes(verdict))))
    if verdict.diagnostic:
        yield Text.assemble("    ", (f"{_where(content, verdict.diagnostic)}", "dim"), printable(verdict.diagnostic))
    yield Text.assemble(
        "    ", (f"{_PLACES.get(verdict.place, verdict.place)} \u2192 ", "dim"), (f"rule {verdict.rule}", "bold")
    )
    for step in steps(finding, explanation.report, rule_set):
        yield from _weighed(step, verdict)


def _codes(verdict: Verdict) -> list[str]:
    found = [str(verdict.action or "no action"), *(code for code in (verdict.reply_code, verdict.status) if code)]
    return found + ([f"remote MTA {verdict.remote_mta}"] if verdict.remote_mta else [])


def _where(content: bytes, diagnostic: str) -> str:
    """Return the number of the line on which evidence begins, where it is not encoded."""
    start = max(content.lower().find(b"diagnostic-code:"), 0)
    beginning = diagnostic[:20].encode()
    at = content.find(beginning, start)
    at = at if at >= 0 else content.find(beginning)
    number = content.count(b"\n", 0, at) + 1
    return f"line {number}  " if at >= 0 else ""


def _weighed(step: Step, verdict: Verdict) -> Iterator[Text]:
    """Yield a line for the rule that decided, and for each other rule that fits but gives another category."""
    place = _PLACES.get(step.words.place, step.words.place)
    told = [match for match in step.matches if _tells(match.rule, step, verdict)]
    for match in told[:_SHOWN_MATCHES]:
        decided = _decided(match.rule, step, verdict)
        fragment = " ".join(step.words.text[match.start : match.end].split())[:_SHOWN_TEXT_CHARS]
        line = f"      {place}: \u201c{fragment}\u201d fits {match.rule.id} \u2192 {match.rule.category}  {_MARK} "
        why = "decides" if decided else _why_not(match.rule, verdict)
        yield Text.assemble((printable(line), "" if decided else "dim"), (why, "bold" if decided else "dim"))


def _tells(rule: Rule, step: Step, verdict: Verdict) -> bool:
    return rule.category is not verdict.category or _decided(rule, step, verdict)


def _decided(rule: Rule, step: Step, verdict: Verdict) -> bool:
    return rule.id == verdict.rule and step.words.place == verdict.place


def _why_not(rule: Rule, verdict: Verdict) -> str:
    if rule.weak:
        return "weak: a code says more"
    if rule.category is Category.EXPIRED:
        return "expiry is no reason where a better one is found"
    if verdict.place == "diagnostic":
        return "stands behind what the server's reply says"
    return "stands behind"
