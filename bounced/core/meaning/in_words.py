"""What a message means, in words for people: the verdict, who said what, what counted and why the rest did not."""

from collections.abc import Iterator

from bounced.core.escape import escaped
from bounced.core.meaning.account import Account, Fate, Form, Reading, lacking
from bounced.core.meaning.attribute import group_for
from bounced.core.meaning.rules import Stage
from bounced.core.meaning.statements import Speaker
from bounced.core.meaning.subject import About
from bounced.core.reading.report.origin import ReversePath
from bounced.core.reading.report.unsubscription import at_unsubscribe_path
from bounced.core.terms import Class, Kind, Report, ReturnPath, Verdict

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


def verdict_in_words(verdict: Verdict) -> str:
    """Return the category and its class, with the proof of a hard one or what is missing."""
    proof = f", proven by {_PROOFS.get(verdict.proof, verdict.proof)}" if verdict.proof else ""
    class_ = f"looks hard, counts as soft: {verdict.doubt}" if verdict.doubt else f"{verdict.class_}{proof}"
    return f"{verdict.category} ({class_})"


def consequence(verdict: Verdict) -> str:
    """Return what a verdict says of the address; nothing where it is doubted."""
    return "" if verdict.doubt else _CONSEQUENCES[verdict.class_]


def without_words(verdict: Verdict) -> str:
    """Return what a verdict was reached by that is no statement."""
    return f"by {_WITHOUT_WORDS.get(verdict.place, verdict.place)} \u2192 rule {verdict.rule}"


def unproven(report: Report, path: ReversePath) -> Iterator[str]:
    """Yield which signs speak for a mail system, and what would prove it."""
    yield f"signs of a mail system: {', '.join(_SIGNS[sign] for sign in report.signs)}; no proof"
    wanted = "; or ".join(" and ".join(_SIGNS[sign] for sign in together) for together in lacking(report.signs, path))
    yield f"missing by {_PATHS[path]}: {wanted}"


def unsubscribes(return_path: ReturnPath | None, report: Report, reverse_path: str | None) -> bool | None:
    """Return whether a message unsubscribes that came to an unsubscribe path; None for any other message."""
    if return_path is None or not return_path.unsubscribes or report.kind is Kind.COMPLAINT:
        return None
    return at_unsubscribe_path(report, reverse_path).kind is Kind.SUBSCRIPTION


def whose(return_path: ReturnPath, report: Report, reverse_path: str | None) -> str:
    """Return whom a return path was made for, and whether the report names them."""
    asked = unsubscribes(return_path, report, reverse_path)
    if asked is not None:
        effect = "unsubscribes" if asked else "changes nothing: nobody asks for it by a reverse path of a person"
        return f"unsubscribe path of {return_path.recipient}, list {return_path.list}, {effect}"
    attribution = group_for(report, return_path.recipient)
    named = "named here" if attribution.names_recipient else "not named here: hard counts as soft"
    return f"return path of {return_path.recipient}, list {return_path.list}, {named}"


def voice(said: Account) -> str:
    """Return who speaks, about whom, and at which stage."""
    voice = _VOICES.get((said.place, said.speaker), f"{said.speaker}, {said.place}")
    if said.form is Form.CODE:
        return f"{voice}: status code" if said.place == "diagnostic" else voice
    about = f", {_SUBJECTS.get(said.about, f'about the {said.about}')}" if said.about else ""
    stage = f", {_STAGES[said.stage]}" if said.stage else ""
    return f"{'names in the ' if said.form is Form.NAMES else ''}{voice}{about}{stage}"


def told_readings(said: Account) -> list[Reading]:
    """Return the row that counts, and each other that says something else."""
    told = [each for each in said.readings if each is said.decisive or each.rule.category is not said.category]
    return told[:_SHOWN_READINGS]


def quoted(words: str) -> str:
    """Return words of a statement as they are shown."""
    return f"\u201c{escaped(words, _SHOWN_TEXT_CHARS)}\u201d"


def fitting(read: Reading, said: Account) -> str:
    """Return which row fits which words, and what it says."""
    words = "" if said.form is Form.CODE else f"{quoted(read.words)} "
    return f"{words}fits {read.rule.id} \u2192 {read.rule.category}"


def outcome(read: Reading, said: Account) -> str:
    """Return why a row counts, or why not."""
    if read.fate is Fate.UNPROVEN:
        return f"{read.fate}: {read.doubt}"
    if not read.doubt:
        return read.fate
    instead = f", counts as {said.category} by {said.rule}" if said.rule != read.rule.id else ", counts as soft"
    return f"{read.doubt}{instead}"


def codes(verdict: Verdict) -> list[str]:
    """Return the action and the codes of a verdict."""
    found = [str(verdict.action or "no action"), *(code for code in (verdict.reply_code, verdict.status) if code)]
    return found + ([f"remote MTA {verdict.remote_mta}"] if verdict.remote_mta else [])
