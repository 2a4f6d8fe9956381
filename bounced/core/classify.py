"""What one recipient's evidence means: the words first, then the codes.

The order is that of the taxonomy: the remote server's reply, the notice's explanation, the enhanced status code in the
reply, the Status field, the reply code.  Expiry is the reason only where nothing better is found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bounced.core import reply as smtp
from bounced.core.rules import Circumstances, Match, Rule, RuleSet, Stage, Where
from bounced.core.terms import Action, Category, Kind, PerRecipientFields, Report, Verdict

MAX_TEXT_CHARS = 4000
MAX_DIAGNOSTIC_CHARS = 200

_NO_FIELDS = PerRecipientFields()
_NO_REPORT = Report(Kind.BOUNCE, "reply")
# How notices say to which command of the dialogue a reply came, by the first words that betray it.
_STAGES = (
    (
        Stage.DATA,
        ("DATA", "end of data", "sent the message"),
        re.compile(
            r"end of (?:data|DATA)|in reply to DATA|final DATA|after I sent the message"
            r"|>>> DATA\s+<<< [45]|SMTP command\s+DATA\b|\(DATA\)|\[DATA\]"
        ),
    ),
    (
        Stage.SENDER,
        ("MAIL F", "was rejected", "initial connection", "HELO", "EHLO", "to talk to me", "greeting"),
        re.compile(
            r"(?:after (?:pipelined )?|in reply to |not like our |SMTP command\s+)(?:MAIL FROM|HELO|EHLO)"
            r"|but (?:sender|my name) was rejected|but greeting failed|refused to talk to me"
            r"|error from remote mail server after initial connection"
            r"|>>> (?:MAIL F(?:ROM|rom)|HELO|EHLO)[^\n]*\s+<<< 5"
        ),
    ),
)
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])\s*\(?([^)]*)")
_SUCCESSES = (Action.DELIVERED, Action.RELAYED, Action.EXPANDED)
_ACTIONS = {
    Kind.BOUNCE: Action.FAILED,
    Kind.DELAYED: Action.DELAYED,
    Kind.DELIVERED: Action.DELIVERED,
    Kind.RELAYED: Action.RELAYED,
    Kind.EXPANDED: Action.EXPANDED,
}
_NO_BOUNCES = {
    Kind.AUTO_REPLY: Category.AUTO_REPLY,
    Kind.CHALLENGE: Category.CHALLENGE,
    Kind.SUBSCRIPTION: Category.SUBSCRIPTION,
    Kind.OTHER: Category.UNDETERMINED,
}
# RFC 5965 section 7.3, RFC 6591 and RFC 6430; a type that nobody registered is no complaint.
_FEEDBACK = {
    "abuse": Category.COMPLAINT,
    "fraud": Category.COMPLAINT,
    "opt-out": Category.COMPLAINT,
    "opt-out-list": Category.COMPLAINT,
    "virus": Category.VIRUS,
    "auth-failure": Category.AUTH_FAILURE,
    "dmarc": Category.AUTH_FAILURE,
    "not-spam": Category.SUCCESS,
}


@dataclass(frozen=True, slots=True)
class Words:
    """Words that may hold the reason: ``place`` names where they stood, ``text`` is neutral."""

    place: str
    where: Where
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """All that is known of one recipient: codes, and the texts in the order of their weight, as they stood."""

    circumstances: Circumstances
    reply_status: str | None
    field_status: str | None
    diagnostic: str
    texts: tuple[tuple[str, Where, str], ...]

    def words(self) -> Iterator[Words]:
        """Yield the words in the order of their weight; the names in them follow each text."""
        for place, where, text in self.texts:
            neutral = smtp.neutral(text)
            yield Words(place, where, neutral.text)
            if neutral.names:
                yield Words(place, Where.NAME, neutral.names)


def classify(fields: PerRecipientFields, report: Report, rules: RuleSet) -> Verdict:
    """Return what a report means for one of its recipients."""
    action = fields.action or _ACTIONS.get(report.kind)
    heard = hear(fields, report)
    category, rule, place = _of_kind(action, report) or _reason(heard, rules)
    return Verdict(
        category=category,
        rule=rule,
        evidence=place,
        action=action,
        status=heard.circumstances.status,
        reply_code=heard.circumstances.code,
        remote_mta=fields.remote_mta,
        diagnostic=escaped(heard.diagnostic),
    )


def classify_reply(line: str, rules: RuleSet) -> Verdict:
    """Return what a bare SMTP reply means, such as one that the sender's own MTA was given."""
    return classify(PerRecipientFields(action=Action.FAILED, diagnostic_code=line), _NO_REPORT, rules)


def classify_example(rule: Rule, rules: RuleSet) -> Verdict:
    """Return what a row's own example leads to; anything but that row says that the row is wrong, or never reached."""
    example = rule.example
    said = {"text": example.text} if rule.where is Where.TEXT else {"diagnostic_code": example.text}
    if rule.stage:
        said["text"] = f"(in reply to {rule.stage.command} command)"
    fields = PerRecipientFields(
        action=Action.FAILED, status=example.status or None, remote_mta=example.mta or None, **said
    )
    return classify(fields, _NO_REPORT, rules)


def hear(fields: PerRecipientFields, report: Report) -> Heard:
    """Return a recipient's evidence in the order of its weight."""
    own = (fields.text or "")[:MAX_TEXT_CHARS]
    common = report.text[:MAX_TEXT_CHARS] if len(report.recipients) <= 1 else ""
    quoted = fields.diagnostic_code or smtp.find(own) or (smtp.find(common) if not own else None) or ""
    reply = smtp.split(quoted)
    field_status, comment = _status_field(fields.status)
    text_status = smtp.status_in(own or ("" if field_status else common))
    texts = (("diagnostic", Where.REPLY, reply.text), ("status", Where.TEXT, comment), ("text", Where.TEXT, own))
    return Heard(
        circumstances=Circumstances(
            code=reply.code,
            status=_most_specific(reply.status, field_status, text_status),
            mta=_servers(fields),
            stage=_stage(own or common or quoted),
        ),
        reply_status=reply.status,
        field_status=field_status or text_status,
        diagnostic=quoted or " ".join((own or common).split()),
        texts=tuple(part for part in (*texts, ("text", Where.TEXT, common if common != own else "")) if part[2]),
    )


def matches(heard: Heard, rules: RuleSet) -> Iterator[tuple[Words, list[Match]]]:
    """Yield each place of evidence with the rows that fit its words, the first being what counts.  For people."""
    for words in heard.words():
        yield words, rules.matches(words.where, words.text, heard.circumstances)


def escaped(text: str) -> str:
    """Return at most 200 characters of what a peer sent, control characters escaped."""
    short = text[: MAX_DIAGNOSTIC_CHARS + 1]
    if not short.isprintable():
        short = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in short)
    return short if len(short) <= MAX_DIAGNOSTIC_CHARS else short[: MAX_DIAGNOSTIC_CHARS - 1] + "…"


def _of_kind(action: Action | None, report: Report) -> tuple[Category, str, str] | None:
    """Return the category where the kind of the report says it all, and no words are needed."""
    if report.kind is Kind.COMPLAINT:
        feedback = report.fields.get("feedback-type", "abuse").strip().lower()
        return _FEEDBACK.get(feedback, Category.UNDETERMINED), f"feedback.{feedback}"[:64], "kind"
    if report.kind in _NO_BOUNCES:
        return _NO_BOUNCES[report.kind], f"kind.{report.kind}", "kind"
    if action in _SUCCESSES:
        return Category.SUCCESS, f"action.{action}", "action"
    return None


def _reason(heard: Heard, rules: RuleSet) -> tuple[Category, str, str]:
    """Return the first reason that is no mere expiry; else expiry; else the first row that knew nothing.

    That nobody answered in time is expiry too: a bare 4.4.1 or 421 beside it adds nothing.
    """
    fallback: tuple[Category, str, str] | None = None
    for rule, place in _candidates(heard, rules):
        expired = fallback is not None and fallback[0] is Category.EXPIRED
        adds_nothing = expired and not rule.pattern and (rule.codes or rule.category is Category.NETWORK)
        if rule.category not in (Category.EXPIRED, Category.UNDETERMINED) and not adds_nothing:
            return rule.category, rule.id, place
        if fallback is None or (not expired and rule.category is Category.EXPIRED):
            fallback = rule.category, rule.id, place
    return fallback or (Category.UNDETERMINED, "none", "none")


def _candidates(heard: Heard, rules: RuleSet) -> Iterator[tuple[Rule, str]]:
    """Yield what each piece of evidence says, the weightiest first."""
    weak: list[tuple[Rule, str]] = []
    for words in heard.words():
        for rule in rules.fitting(words.where, words.text, heard.circumstances):
            if rule.weak:
                weak.append((rule, words.place))
                continue
            yield rule, words.place
            if rule.category is not Category.EXPIRED:
                break
    for status, place in ((heard.reply_status, "diagnostic"), (heard.field_status, "status")):
        if status and (about_status := rules.for_status(status)) and about_status.may_speak(heard.circumstances):
            yield about_status, place
    yield from weak
    code = heard.circumstances.code
    if code and (about_code := rules.for_code(code)) and about_code.may_speak(heard.circumstances):
        yield about_code, "reply_code"


def _stage(text: str) -> Stage | None:
    for stage, signs, pattern in _STAGES:
        if any([sign in text for sign in signs]) and pattern.search(text):  # noqa: C419 - twice as fast as a generator
            return stage
    return None


def _status_field(field: str | None) -> tuple[str | None, str]:
    """Split ``5.1.10 (host does not accept mail)`` into the code and the comment that some MTAs add."""
    found = _STATUS.match(field or "")
    return (found[1], found[2].strip()) if found else (None, "")


def _most_specific(*statuses: str | None) -> str | None:
    """Return the first code that says something: 5.0.0 gives way to any other, however far behind."""
    general = None
    for status in statuses:
        if status and not _is_general(status):
            return status
        general = general or status
    return general


def _is_general(status: str) -> bool:
    return status.endswith(".0.0")


def _servers(fields: PerRecipientFields) -> str:
    address = fields.final_recipient or fields.original_recipient or ""
    return f"{fields.remote_mta or ''} {address.rpartition('@')[2]}".lower()
