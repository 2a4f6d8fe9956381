"""What one recipient's evidence means: the words first, then the codes.

The order is that of the taxonomy: the remote server's reply, the notice's explanation, the enhanced status code in the
reply, the Status field, the reply code.  Expiry is the reason only where nothing better is found.
"""

from typing import NamedTuple

from bounced.core.escape import escaped
from bounced.core.limits import MAX_STORED_CHARS, MAX_WORDS_CHARS
from bounced.core.meaning.bare import NOTHING_KNOWN, Known, as_reported
from bounced.core.meaning.parties import Parties
from bounced.core.meaning.proof import INSTEAD, Missing
from bounced.core.meaning.rules import Rule, RuleSet, Where
from bounced.core.meaning.statements import Heard, Speaker, Statement, hear
from bounced.core.meaning.weigh import REPLY_CODE, candidates
from bounced.core.reading.border import attempt
from bounced.core.terms import CLASS_OF, Action, Category, Class, Kind, PerRecipientFields, Report, Verdict

_NO_REPORT = Report(Kind.BOUNCE, "reply")
UNREAD = "unread"
"""What stands for a rule where a message or a reply could not be read."""
SIEVE = "sieve"
"""The reader of a refusal by somebody's own filter: a person wrote its words, unless a system told that it is full."""
_SUCCESSES = (Action.DELIVERED, Action.RELAYED, Action.EXPANDED)
_ACTIONS = {
    Kind.BOUNCE: Action.FAILED,
    Kind.DELAYED: Action.DELAYED,
    Kind.DELIVERED: Action.DELIVERED,
    Kind.RELAYED: Action.RELAYED,
    Kind.EXPANDED: Action.EXPANDED,
}
_NO_BOUNCES = {
    Kind.UNPROVEN: Category.UNDETERMINED,
    Kind.AUTO_REPLY: Category.AUTO_REPLY,
    Kind.CHALLENGE: Category.CHALLENGE,
    Kind.SUBSCRIPTION: Category.SUBSCRIPTION,
    Kind.OTHER: Category.UNDETERMINED,
}
# RFC 5965 section 7.3, RFC 6591 and RFC 6430; a type that nobody registered is no complaint.
_FEEDBACK = {
    "abuse": Category.COMPLAINT,
    "fraud": Category.COMPLAINT,
    "opt-out": Category.UNSUBSCRIBED,
    "opt-out-list": Category.UNSUBSCRIBED,
    "virus": Category.VIRUS,
    "auth-failure": Category.AUTH_FAILURE,
    "dmarc": Category.AUTH_FAILURE,
    "not-spam": Category.SUCCESS,
}


class _Reason(NamedTuple):
    """A category, the row that said so and where it stood, and what speaks against it."""

    category: Category
    rule: str
    place: str
    proof: str = ""
    doubt: str = ""


def classify(fields: PerRecipientFields, report: Report, rules: RuleSet) -> Verdict:
    """Return what a report means for one of its recipients."""
    action = fields.action or _ACTIONS.get(report.kind)
    heard = hear(fields, report)
    reason = _of_kind(action, report) or _reason(heard, rules, Parties(fields, report))
    diagnostic = heard.diagnostic
    said_nothing = reason.category is Category.UNDETERMINED or CLASS_OF[reason.category] is Class.HARD
    if said_nothing and report.reader == SIEVE:
        reason, diagnostic = _Reason(Category.RECIPIENT_REFUSED, "sieve.reject", "kind"), ""
    return Verdict(
        category=reason.category,
        rule=reason.rule,
        place=reason.place,
        action=action,
        status=heard.circumstances.status,
        reply_code=heard.circumstances.code,
        remote_mta=fields.remote_mta,
        diagnostic=escaped(diagnostic),
        proof=reason.proof,
        doubt=reason.doubt,
        words=escaped(diagnostic, MAX_WORDS_CHARS) if len(diagnostic) > MAX_STORED_CHARS else "",
    )


def classify_reply(reply: str, rules: RuleSet, known: Known = NOTHING_KNOWN) -> Verdict:
    """Return what a bare SMTP reply means, such as one that the sender's own MTA was given.  Raises nothing."""
    return attempt(
        lambda: classify(*as_reported(reply, known), rules),
        lambda _fault: Verdict(Category.UNDETERMINED, UNREAD, "none", Action.FAILED, diagnostic=escaped(reply)),
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


def _of_kind(action: Action | None, report: Report) -> _Reason | None:
    """Return the category where the kind of the report says it all, and no words are needed."""
    if report.fault:
        return _Reason(Category.UNDETERMINED, UNREAD, "none")
    if report.kind is Kind.COMPLAINT:
        feedback = report.fields.get("feedback-type", "abuse").strip().lower()
        return _Reason(_FEEDBACK.get(feedback, Category.UNDETERMINED), f"feedback.{feedback}"[:64], "kind")
    if report.kind in _NO_BOUNCES:
        return _Reason(_NO_BOUNCES[report.kind], f"kind.{report.kind}", "kind")
    if action in _SUCCESSES:
        return _Reason(Category.SUCCESS, f"action.{action}", "action")
    return None


def _reason(heard: Heard, rules: RuleSet, who: Parties) -> _Reason:
    """Return the first reason that is no mere expiry; else a doubtful one; else expiry; else what knew nothing.

    That nobody answered in time is expiry too: a bare 4.4.1 or 421 beside it adds nothing.
    """
    fallback: _Reason | None = None
    doubtful: _Reason | None = None
    doubted: Statement | None = None
    for rule, place, proof, said, _ in candidates(heard, rules, who):
        if isinstance(proof, Missing):
            if doubtful is None:
                doubtful, doubted = _in_doubt(rule, place, proof), said
            if doubtful.category is not rule.category:
                break  # the words are about something else: what stands behind is no better
            continue
        if doubtful and (place == REPLY_CODE or (proof and said is not doubted and not _is_servers(place, doubted))):
            continue  # whoever speaks behind what is in doubt repeats it, and three digits say less than words in doubt
        expired = fallback is not None and fallback.category is Category.EXPIRED
        adds_nothing = expired and not rule.pattern and (rule.codes or rule.category is Category.NETWORK)
        if rule.category not in (Category.EXPIRED, Category.UNDETERMINED) and not adds_nothing:
            return _Reason(rule.category, rule.id, place, proof=str(proof or ""))
        if fallback is None or (not expired and rule.category is Category.EXPIRED):
            fallback = _Reason(rule.category, rule.id, place)
    return doubtful or fallback or _Reason(Category.UNDETERMINED, "none", "none")


def _is_servers(place: str, doubted: Statement | None) -> bool:
    """Tell the code of a server's own reply from what others said in doubt before it."""
    return place == "diagnostic" and doubted is not None and doubted.speaker is not Speaker.SERVER


def _in_doubt(rule: Rule, place: str, missing: Missing) -> _Reason:
    """Return what a hard row means that is not proven: the other thing that the words are about, or itself in doubt."""
    instead = INSTEAD.get(missing)
    if instead and (rule.pattern or missing is Missing.SENDER):
        return _Reason(instead, f"about.{missing.name.lower()}", place)
    return _Reason(rule.category, rule.id, place, doubt=str(missing))
