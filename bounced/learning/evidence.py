"""What a kept message and an event say that is not understood by today's rules, without anybody's words.

Only replies of mail systems have words here.  Automatic answers, challenges and other mail are passed over, and so is
what anybody could have sent to an unsigned path.  What may be a notice and is not proven to be one has the names of its
signs in the place of words.
"""

from collections.abc import Mapping

from bounced.core.meaning.attribute import group_for
from bounced.core.meaning.classify import SIEVE, classify
from bounced.core.meaning.providers import provider_of
from bounced.core.meaning.rules import RuleSet
from bounced.core.reading import reply as smtp
from bounced.core.reading.border import attempt
from bounced.core.reading.report import parse
from bounced.core.terms import CLASS_OF, Action, Category, Class, Kind, PerRecipientFields, Report, Verdict
from bounced.learning.groups import Unknown, Why
from bounced.learning.words import Masker, Words

_NOTICES = frozenset({Kind.BOUNCE, Kind.DELAYED})
SAID = ("report", "rejected")
"""The types of event that tell what a mail system said."""
_IN_WORDS = frozenset({"diagnostic", "text"})
_NO_REPORT = Report(Kind.BOUNCE, "reply")
_NO_WORDS = Words("", (), ())
_DAY = 10
"""The length of a day as a time stamp begins with it."""
_FEWEST_LABELS = 3


class Judge:
    """Today's rules, and what is no name."""

    def __init__(self, rules: RuleSet) -> None:
        """Prepare for many pieces of evidence."""
        self._rules = rules
        self._masker = Masker(rules)
        self._worded = frozenset(rule.id for rule in rules.rules if rule.pattern)
        self._own = frozenset(rule.id for rule in rules.rules if rule.rank == 0)

    def of_message(self, list_: str, entry: str, fields: Mapping[str, str], content: bytes) -> Unknown | None:
        """Return what an entry of `unrecognised` leaves unknown."""
        if fields.get("reason") == "untrusted":
            return None
        proven = fields.get("kind") in _NOTICES
        report = parse(content, reverse_path="" if proven else None)
        if report.kind is Kind.UNPROVEN:
            words = Words("", report.signs, report.signs)
            return Unknown(Why.UNPROVEN, list_, words, entry=entry, day=fields.get("at", "")[:_DAY])
        if report.kind not in _NOTICES or report.fault or report.reader == SIEVE:
            return None
        return attempt(lambda: self._of_report(report, list_, entry, fields), lambda _fault: None)

    def of_event(self, list_: str, fields: Mapping[str, str]) -> Unknown | None:
        """Return what a report or a refusal left unknown when it came, unless a row understands its words today."""
        kind = fields.get("kind")
        if fields.get("type") not in SAID or (kind and kind not in _NOTICES) or not _is_in_question(fields):
            return None
        then = Verdict(
            Category.read(fields["category"]),
            fields.get("rule", ""),
            "",
            diagnostic=fields.get("diagnostic", ""),
            doubt=fields.get("doubt", ""),
        )
        told = PerRecipientFields(
            final_recipient=fields.get("address"),
            action=Action.DELAYED if kind == Kind.DELAYED else Action.FAILED,
            status=fields.get("status"),
            diagnostic_code=fields.get("diagnostic"),
        )
        now = attempt(lambda: classify(told, _NO_REPORT, self._rules), lambda _fault: then)
        if self._is_understood(then) or (now.rule != then.rule and self._is_understood(now)):
            return None
        return self._unknown(list_, then, told, fields)

    def _of_report(self, report: Report, list_: str, entry: str, fields: Mapping[str, str]) -> Unknown | None:
        found = group_for(report, fields.get("address", "")).fields or PerRecipientFields()
        verdict = classify(found, report, self._rules)
        in_question = verdict.category is Category.UNDETERMINED or verdict.doubt
        return (
            self._unknown(list_, verdict, found, fields, entry)
            if in_question and not self._is_understood(verdict)
            else None
        )

    def _is_understood(self, verdict: Verdict) -> bool:
        """Whether a row reads these words: an operator's, even if it says that they give no reason; or another."""
        if verdict.doubt:
            return False
        if verdict.rule in self._own:
            return True
        said = verdict.place in _IN_WORDS and verdict.rule in self._worded
        return said and verdict.category is not Category.UNDETERMINED

    def _unknown(
        self, list_: str, verdict: Verdict, told: PerRecipientFields, fields: Mapping[str, str], entry: str = ""
    ) -> Unknown:
        address, diagnostic = fields.get("address", ""), verdict.diagnostic
        names = tuple(filter(None, (address, told.final_recipient, told.original_recipient, told.actual_recipient)))
        host = told.remote_mta or _host_that_said(diagnostic)
        doubtful = verdict.category is not Category.UNDETERMINED
        return Unknown(
            why=Why.DOUBTFUL if doubtful else Why.UNDETERMINED,
            list_=list_,
            words=self._masker.mask(diagnostic, names) if diagnostic else _NO_WORDS,
            server=provider_of(host, "") or _parent(host) or provider_of(None, address.rpartition("@")[2]),
            named=bool(host),
            example=self._masker.without_people(diagnostic, address, names),
            category=str(verdict.category) if doubtful else "",
            doubt=verdict.doubt,
            entry=entry,
            day=fields.get("at", "")[:_DAY],
        )


_CONDEMNING = tuple(category for category, class_ in CLASS_OF.items() if class_ is Class.HARD)


def _is_in_question(fields: Mapping[str, str]) -> bool:
    """Whether an event gave no reason, or one that was in doubt: a category that condemns, counted as soft."""
    category = fields.get("category", "")
    if fields.get("reason") == "untrusted":
        return False
    doubted = "doubt" in fields or fields.get("class") == Class.SOFT
    return category == Category.UNDETERMINED or (category in _CONDEMNING and doubted)


def _host_that_said(reply: str) -> str:
    """Return the host that another system names as the one whose reply it hands on; empty where none does."""
    outer = smtp.layers(reply)[:-1]
    names = smtp.neutral(outer[-1]).names.split() if outer else []
    return next((name for name in names if not name.replace(".", "").isdigit() and ":" not in name), "")


def _parent(host: str | None) -> str:
    """Return the domain that a server stands in: one that has ten servers is still one."""
    labels = (host or "").lower().rstrip(".").split(".")
    return ".".join(labels[1:] if len(labels) >= _FEWEST_LABELS else labels)
