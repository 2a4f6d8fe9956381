"""What one recipient's evidence means: the words first, then the codes.

The order is that of the taxonomy: the remote server's reply, the notice's explanation, the enhanced status code in the
reply, the Status field, the reply code.  Expiry is the reason only where nothing better is found.
"""

from collections.abc import Iterator

from bounced.core.escape import escaped
from bounced.core.meaning.rules import Match, Rule, RuleSet, Where
from bounced.core.meaning.words import Heard, Words, hear
from bounced.core.reading.border import attempt
from bounced.core.terms import Action, Category, Kind, PerRecipientFields, Report, Verdict

_NO_REPORT = Report(Kind.BOUNCE, "reply")
UNREAD = "unread"
"""What stands for a rule where a message or a reply could not be read."""
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


def classify(fields: PerRecipientFields, report: Report, rules: RuleSet) -> Verdict:
    """Return what a report means for one of its recipients."""
    action = fields.action or _ACTIONS.get(report.kind)
    heard = hear(fields, report)
    category, rule, place = _of_kind(action, report) or _reason(heard, rules)
    return Verdict(
        category=category,
        rule=rule,
        place=place,
        action=action,
        status=heard.circumstances.status,
        reply_code=heard.circumstances.code,
        remote_mta=fields.remote_mta,
        diagnostic=escaped(heard.diagnostic),
    )


def classify_reply(line: str, rules: RuleSet) -> Verdict:
    """Return what a bare SMTP reply means, such as one that the sender's own MTA was given.  Raises nothing."""
    fields = PerRecipientFields(action=Action.FAILED, diagnostic_code=line)
    return attempt(
        lambda: classify(fields, _NO_REPORT, rules),
        lambda _fault: Verdict(Category.UNDETERMINED, UNREAD, "none", Action.FAILED, diagnostic=escaped(line)),
    )


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


def matches(heard: Heard, rules: RuleSet) -> Iterator[tuple[Words, list[Match]]]:
    """Yield each place of evidence with the rows that fit its words, the first being what counts.  For people."""
    for words in heard.words():
        yield words, rules.matches(words.where, words.text, heard.circumstances)


def _of_kind(action: Action | None, report: Report) -> tuple[Category, str, str] | None:
    """Return the category where the kind of the report says it all, and no words are needed."""
    if report.fault:
        return Category.UNDETERMINED, UNREAD, "none"
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
