"""An explanation for people: the evidence in a message, the verdict, and rules that matched as well."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from bounced.cli.mailboxes import Stored
from bounced.cli.output import printable
from bounced.core.escape import escaped
from bounced.core.meaning.account import Account, Fate, Form, Reading, lacking
from bounced.core.meaning.attribute import group_for
from bounced.core.meaning.bare import READER
from bounced.core.meaning.rules import RuleSet, Stage
from bounced.core.meaning.statements import Speaker
from bounced.core.meaning.subject import About
from bounced.core.reading.report.origin import ReversePath
from bounced.core.reading.report.unsubscription import at_unsubscribe_path
from bounced.core.terms import Class, Kind, PerRecipientFields, Report, ReturnPath, Verdict
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
_CONSEQUENCES = {
    Class.HARD: "the address itself is bad",
    Class.SOFT: "the mailbox cannot take mail now",
    Class.BLOCK: "the sender was refused; the address is not touched",
    Class.TRANSIENT: "the path failed; the address may be fine",
    Class.COMPLAINT: "the recipient called it spam",
    Class.NONE: "no bounce",
    Class.UNDETERMINED: "no reason was given",
}
_VOICES = {
    ("diagnostic", Speaker.SERVER): "server's reply",
    ("diagnostic", Speaker.PROGRAM): "program's output",
    ("diagnostic", Speaker.RELAY): "relay's words before the reply",
    ("text", Speaker.REPORTER): "notice's words",
    ("status", Speaker.REPORTER): "Status",
    ("reply_code", Speaker.SERVER): "reply code",
}
_SUBJECTS = {About.DOMAIN: "about a domain", About.OTHER: "about something else"}
_STAGES = {Stage.SENDER: "before a recipient was named", Stage.DATA: "after DATA"}
_SIGNS = {
    "structure": "a form that mail systems alone write",
    "author": "a mail system as author",
    "phrase": "a fixed phrase of a known MTA",
    "returned": "our message returned",
    "announced": "words that announce a failure",
    "attached": "a report that was handed on",
}
_PATHS = {
    ReversePath.SYSTEM: "the null reverse path or a mail system's own",
    ReversePath.UNKNOWN: "an unknown reverse path",
    ReversePath.SOMEBODY: "somebody's reverse path",
}
_WITHOUT_WORDS = {"kind": "the kind of message", "action": "Action", "none": "nothing that was said"}
_PROOFS = {"code": "its code", "form": "its form", "after_data": "words after DATA"}
_SHOWN_TEXT_CHARS = 160
_SHOWN_READINGS = 4
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
        page.write(2, _whose(return_path, report, reverse_path))
    if report.kind is Kind.UNPROVEN:
        for line in _unproven(report, ReversePath.of(reverse_path)):
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


def _unproven(report: Report, path: ReversePath) -> Iterator[str]:
    """Yield which signs speak for a mail system, and what would prove it."""
    yield f"signs of a mail system: {', '.join(_SIGNS[sign] for sign in report.signs)}; no proof"
    wanted = "; or ".join(" and ".join(_SIGNS[sign] for sign in together) for together in lacking(report.signs, path))
    yield f"missing by {_PATHS[path]}: {wanted}"


def unsubscribes(return_path: ReturnPath | None, report: Report, reverse_path: str | None) -> bool | None:
    """Return whether a message unsubscribes that came to an unsubscribe path; None for any other message."""
    if return_path is None or not return_path.unsubscribes or report.kind is Kind.COMPLAINT:
        return None
    return at_unsubscribe_path(report, reverse_path).kind is Kind.SUBSCRIPTION


def _whose(return_path: ReturnPath, report: Report, reverse_path: str | None) -> str:
    asked = unsubscribes(return_path, report, reverse_path)
    if asked is not None:
        effect = "unsubscribes" if asked else "changes nothing: nobody asks for it by a reverse path of a person"
        return f"unsubscribe path of {return_path.recipient}, list {return_path.list}, {effect}"
    attribution = group_for(report, return_path.recipient)
    named = "named here" if attribution.names_recipient else "not named here: hard counts as soft"
    return f"return path of {return_path.recipient}, list {return_path.list}, {named}"


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
    """Return whom it is about, the category and its class, with the proof of a hard one or what is missing."""
    verdict = finding.verdict
    proof = f", proven by {_PROOFS.get(verdict.proof, verdict.proof)}" if verdict.proof else ""
    class_ = f"looks hard, counts as soft: {verdict.doubt}" if verdict.doubt else f"{verdict.class_}{proof}"
    return Text.assemble(
        (whom, "bold"),
        "  " if whom else "",
        (f"{verdict.category} ({class_})", _COLOURS[verdict.class_]),
        ("" if verdict.doubt else f"  {_CONSEQUENCES[verdict.class_]}", "dim"),
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
    page.write(6, _DOT.join(_codes(verdict)))
    said = statements(finding, explanation.report, rule_set)
    if not said and verdict.diagnostic and not shown:
        page.write(6, f"{_line(content, verdict.diagnostic)}{verdict.diagnostic}")
    if not any(each.counted for each in said):
        page.write(6, f"by {_WITHOUT_WORDS.get(verdict.place, verdict.place)} \u2192 rule {verdict.rule}")
    for each in said:
        if each.form is Form.CODE:
            page.write(6, Text(f"{_voice(each)} {each.text} ").append(next(_readings(each))))
            continue
        quoted = "" if each.text in shown else f": \u201c{escaped(each.text, _SHOWN_TEXT_CHARS)}\u201d"
        page.write(6, f"{_line(content, each.text)}{_voice(each)}{quoted}")
        for line in _readings(each):
            page.write(10, line)


def _voice(said: Account) -> str:
    """Return who speaks, about whom, and at which stage."""
    voice = _VOICES.get((said.place, said.speaker), f"{said.speaker}, {said.place}")
    if said.form is Form.CODE:
        return f"{voice}: status code" if said.place == "diagnostic" else voice
    about = f", {_SUBJECTS.get(said.about, f'about the {said.about}')}" if said.about else ""
    stage = f", {_STAGES[said.stage]}" if said.stage else ""
    return f"{'names in the ' if said.form is Form.NAMES else ''}{voice}{about}{stage}"


def _readings(said: Account) -> Iterator[Text]:
    """Yield a line for the row that counts, and for each other that says something else."""
    if not said.readings:
        yield Text("no row fits", "dim")
    told = [each for each in said.readings if each is said.decisive or each.rule.category is not said.category]
    for each in told[:_SHOWN_READINGS]:
        words = "" if said.form is Form.CODE else f"\u201c{escaped(each.words, _SHOWN_TEXT_CHARS)}\u201d "
        counts = each.fate is Fate.COUNTED
        line = Text(f"{words}fits {each.rule.id} \u2192 {each.rule.category}  {_MARK} ", "" if counts else "dim")
        yield line.append(_outcome(each, said), "bold" if counts else "dim")


def _outcome(read: Reading, said: Account) -> str:
    """Return why a row counts, or why not."""
    if read.fate is Fate.UNPROVEN:
        return f"{read.fate}: {read.doubt}"
    if not read.doubt:
        return read.fate
    instead = f", counts as {said.category} by {said.rule}" if said.rule != read.rule.id else ", counts as soft"
    return f"{read.doubt}{instead}"


def _codes(verdict: Verdict) -> list[str]:
    found = [str(verdict.action or "no action"), *(code for code in (verdict.reply_code, verdict.status) if code)]
    return found + ([f"remote MTA {verdict.remote_mta}"] if verdict.remote_mta else [])


def _line(content: bytes, words: str) -> str:
    """Return the number of the line on which words begin, where they are not encoded."""
    start = max(content.lower().find(b"diagnostic-code:"), 0)
    beginning = words[:20].encode()
    at = content.find(beginning, start)
    at = at if at >= 0 else content.find(beginning)
    number = content.count(b"\n", 0, at) + 1
    return f"line {number}  " if at >= 0 and content else ""
