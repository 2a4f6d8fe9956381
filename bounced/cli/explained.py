"""An explanation for people: the evidence in a message, the verdict, and rules that matched as well."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from bounced.cli.mailboxes import Stored
from bounced.cli.output import printable
from bounced.core.meaning.account import Account, Fate, Form
from bounced.core.meaning.bare import READER
from bounced.core.meaning.in_words import (
    codes,
    consequence,
    fitting,
    outcome,
    quoted,
    told_readings,
    unproven,
    verdict_in_words,
    voice,
    whose,
    without_words,
)
from bounced.core.meaning.rules import RuleSet
from bounced.core.reading.report.origin import ReversePath
from bounced.core.terms import Class, Kind, PerRecipientFields, ReturnPath, Verdict
from bounced.explain import ExplainedRecipient, Explanation, statements

_COLOURS = {
    Class.HARD: "bold red",
    Class.SOFT: "yellow",
    Class.BLOCK: "magenta",
    Class.TRANSIENT: "cyan",
    Class.COMPLAINT: "bold red",
    Class.NONE: "green",
    Class.UNDETERMINED: "dim",
}
_LEAST_WIDTH = 20
_DOT = " \u00b7 "
_MARK = "\u2190"


def show(
    console: Console,
    stored: Stored,
    explanation: Explanation,
    return_path: ReturnPath | None,
    rule_set: RuleSet,
    *,
    reverse_path: str | None,
) -> None:
    """Print what one message means, and why."""
    report = explanation.report
    heading = [str(report.kind), f"read as {report.reader}"]
    heading += [f"reported by {report.reporting_mta}"] if report.reporting_mta else []
    console.print(Text(printable(stored.file), style="bold"), Text(printable(_DOT.join(heading))))
    page = _Page(console)
    if return_path:
        page.write(2, whose(return_path, report, reverse_path))
    if report.kind is Kind.UNPROVEN:
        for line in unproven(report, ReversePath.of(reverse_path)):
            page.write(2, line)
    for finding in explanation.findings or _unnamed(explanation):
        page.write(2, _verdict(finding, printable(finding.address or "(names nobody)")))
        _show_evidence(page, finding, explanation, rule_set, content=stored.content)
    console.print()


def show_reply(console: Console, reply: str, explanation: Explanation, rule_set: RuleSet) -> None:
    """Print what a bare reply means, and why."""
    (finding,) = explanation.findings
    page = _Page(console)
    page.write(0, Text(printable(reply), style="bold"))
    page.write(2, _verdict(finding, printable(finding.address or "")))
    _show_evidence(page, finding, explanation, rule_set, shown=" ".join(reply.split()))
    page.write(0, "")


class _Page:
    """Lines that keep their indentation where a terminal is narrow; in a pipe no line is cut."""

    def __init__(self, console: Console) -> None:
        """Take what prints."""
        self._console, self._is_terminal = console, console.is_terminal

    def write(self, indent: int, line: str | Text) -> None:
        text = Text(printable(line)) if isinstance(line, str) else line
        if not self._is_terminal:
            self._console.file.write(f"{' ' * indent}{text.plain}\n")  # a file of replies is long, and rich slow
            return
        for number, part in enumerate(text.wrap(self._console, max(self._console.width - indent - 2, _LEAST_WIDTH))):
            part.rstrip()
            self._console.print(Text(" " * (indent if number == 0 else indent + 2)).append(part))


class Totals:
    """How many messages there were of each kind, or how many replies, and recipients of each category."""

    def __init__(self) -> None:
        """Start with none."""
        self._kinds: Counter[Kind] = Counter()
        self._replies = 0
        self._categories: Counter[str] = Counter()

    def add(self, explanation: Explanation) -> None:
        """Count one message, or one reply."""
        if explanation.report.reader == READER:
            self._replies += 1
        else:
            self._kinds[explanation.kind] += 1
        self._categories.update(_counted_as(finding.verdict) for finding in explanation.findings)

    def show(self, console: Console) -> None:
        """Print the numbers, where there was more than one."""
        if self._kinds.total() + self._replies < 2:  # noqa: PLR2004 - of one all is said
            return
        kinds = ", ".join(f"{number} {kind}" for kind, number in self._kinds.most_common())
        console.print(Text(f"{self._kinds.total()} messages: {kinds}" if kinds else f"{self._replies} replies"))
        for category, number in self._categories.most_common():
            console.print(Text(f"{number:>8}  {category}"))


def _counted_as(verdict: Verdict) -> str:
    return f"{verdict.category} (not proven, counts as soft)" if verdict.doubt else verdict.category


def _unnamed(explanation: Explanation) -> tuple[ExplainedRecipient, ...]:
    told = explanation.unnamed if explanation.kind is not Kind.UNPROVEN else None
    return (ExplainedRecipient(PerRecipientFields(), told),) if told else ()


def _verdict(finding: ExplainedRecipient, whom: str) -> Text:
    """Return whom it is about, and what is said of them."""
    verdict = finding.verdict
    return Text.assemble(
        (whom, "bold"),
        "  " if whom else "",
        (verdict_in_words(verdict), _COLOURS[verdict.class_]),
        (f"  {consequence(verdict)}" if consequence(verdict) else "", "dim"),
    )


def _show_evidence(
    page: _Page,
    finding: ExplainedRecipient,
    explanation: Explanation,
    rule_set: RuleSet,
    *,
    content: bytes = b"",
    shown: str = "",
) -> None:
    """Print the codes, and each statement with what came of it.  Words that were ``shown`` are not printed again."""
    verdict = finding.verdict
    page.write(6, _DOT.join(codes(verdict)))
    said = statements(finding, explanation.report, rule_set)
    if not said and verdict.diagnostic and not shown:
        page.write(6, f"{_line(content, verdict.diagnostic)}{verdict.diagnostic}")
    if not any(each.counted for each in said):
        page.write(6, without_words(verdict))
    for each in said:
        if each.form is Form.CODE:
            page.write(6, Text(f"{voice(each)} {each.text} ").append(next(_readings(each))))
            continue
        words = "" if each.text in shown else f": {quoted(each.text)}"
        page.write(6, f"{_line(content, each.text)}{voice(each)}{words}")
        for line in _readings(each):
            page.write(10, line)


def _readings(said: Account) -> Iterator[Text]:
    """Yield a line for each row that is told of."""
    if not said.readings:
        yield Text("no row fits", "dim")
    for each in told_readings(said):
        counts = each.fate is Fate.COUNTED
        line = Text(f"{fitting(each, said)}  {_MARK} ", "" if counts else "dim")
        yield line.append(outcome(each, said), "bold" if counts else "dim")


def _line(content: bytes, words: str) -> str:
    """Return the number of the line on which words begin, where they are not encoded."""
    start = max(content.lower().find(b"diagnostic-code:"), 0)
    beginning = words[:20].encode()
    at = content.find(beginning, start)
    at = at if at >= 0 else content.find(beginning)
    number = content.count(b"\n", 0, at) + 1
    return f"line {number}  " if at >= 0 and content else ""
