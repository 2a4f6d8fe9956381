"""How a verdict was reached: who said what of one recipient, which statement counted, and why the others did not.

Nothing is decided here.  ``classify`` has decided, and its verdict tells the place, the row and the proof; the first
statement with all three is the one that counted.  What the other statements lack is asked of the same functions.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from bounced.core.escape import escaped
from bounced.core.meaning.bare import READER
from bounced.core.meaning.classify import UNREAD
from bounced.core.meaning.parties import Parties
from bounced.core.meaning.proof import Missing, of_words
from bounced.core.meaning.rules import Rule, RuleSet, Stage, Where
from bounced.core.meaning.statements import Heard, Speaker, Statement, hear
from bounced.core.meaning.subject import About, claims
from bounced.core.meaning.weigh import of_codes
from bounced.core.reading.report.origin import PROVES, ReversePath
from bounced.core.terms import Category, PerRecipientFields, Proof, Report, Verdict

_WITHOUT_WORDS = ("kind", "action")
"""The places of a verdict for which no words were heard: what kind of message it is says it all."""
_TOLD = (About.SENDER, About.RECIPIENT, About.DOMAIN, About.MESSAGE, About.OTHER)
"""Of several that a statement finds fault with, the first of these is named."""


class Fate(StrEnum):
    """What became of a row that fits."""

    COUNTED = "counts"
    UNPROVEN = "not proven"
    WEAK = "a weak row"
    EXPIRY = "expiry is no reason where a better one is found"
    SAYS_NOTHING = "gives no reason"
    LATE = "another row read these words first"
    OUTWEIGHED = "a weightier one spoke first"


class Form(StrEnum):
    """What a statement is."""

    WORDS = "words"
    NAMES = "names and links"
    CODE = "code"


class Reading(NamedTuple):
    """A row that fits a statement, the words that it read, and what came of it.

    ``proof`` and ``doubt`` are those of a row of class hard.
    """

    rule: Rule
    words: str
    fate: Fate
    proof: str = ""
    doubt: str = ""


class Account(NamedTuple):
    """One statement about a recipient: whose it is, where it stood, and the rows that fit, the first being asked first.

    ``about`` is whom it is about, None where nothing tells; ``text`` are its words as they stood, or a code.
    ``rule`` and ``category`` are what it says: the verdict's own where it counted, None where no row fits.
    """

    place: str
    speaker: Speaker
    about: About | None
    stage: Stage | None
    text: str
    form: Form
    readings: tuple[Reading, ...]
    rule: str | None
    category: Category | None

    @property
    def decisive(self) -> Reading | None:
        """The row that counted, else the first that fits."""
        return next((each for each in self.readings if each.fate is Fate.COUNTED), next(iter(self.readings), None))

    @property
    def counted(self) -> bool:
        """Whether the verdict is what this statement says."""
        return self.decisive is not None and self.decisive.fate is Fate.COUNTED

    def as_fields(self) -> dict[str, str | bool | None]:
        """Return the statement as ``explain --json`` prints it.  (docs/contract.md, section 7)"""
        read = self.decisive
        return {
            "place": self.place,
            "speaker": str(self.speaker),
            "about": str(self.about) if self.about else None,
            "stage": str(self.stage) if self.stage else None,
            "text": escaped(self.text),
            "rule": self.rule,
            "category": str(self.category) if self.category else None,
            "proof": read.proof or None if read else None,
            "doubt": read.doubt or None if read else None,
            "counted": self.counted,
        }


def account(fields: PerRecipientFields, report: Report, rules: RuleSet, verdict: Verdict) -> tuple[Account, ...]:
    """Return the statements about one recipient in the order of their weight, and what each came to.

    ``verdict`` is what ``classify`` made of the same.  There is none where the kind of the message said it all: the
    words of a person, of an automatic answer or of a complaint are nobody's statement about an address.
    """
    if verdict.place in _WITHOUT_WORDS or verdict.rule == UNREAD:
        return ()
    heard, who = hear(fields, report), Parties(fields, report)
    said = [*_in_words(heard, rules, who, report), *_in_codes(heard, rules, who)]
    counted = _counted(said, verdict)
    evidence = _Evidence(heard, who, verdict)
    return tuple(_account(each, at, counted, evidence) for at, each in enumerate(said))


def lacking(signs: Collection[str], path: ReversePath) -> tuple[tuple[str, ...], ...]:
    """Return what would prove that a mail system wrote a message: each alternative with the signs that are not there.

    Nothing is returned where the signs prove it.
    """
    wanted = [tuple(sign for sign in together if sign not in signs) for together in PROVES[path]]
    return () if () in wanted else tuple(sorted(wanted, key=len))


class _Said(NamedTuple):
    """A statement and the rows that fit it, each with the words that it read and its proof, or what it lacks."""

    statement: Statement
    form: Form
    rows: tuple[tuple[Rule, str, Proof | Missing | None], ...]


class _Evidence(NamedTuple):
    """What is known of one recipient, and what was made of it."""

    heard: Heard
    who: Parties
    verdict: Verdict


def _in_words(heard: Heard, rules: RuleSet, who: Parties, report: Report) -> Iterator[_Said]:
    for statement in heard.statements():
        rows = tuple(
            (
                match.rule,
                " ".join(statement.text[match.start : match.end].split()),
                of_words(match.rule, statement, heard, who),
            )
            for match in rules.matches(statement.where, statement.text, heard.circumstances)
        )
        stands_for_command = report.reader == READER and statement.place == "text"
        if rows or not (stands_for_command or statement.where is Where.NAME):
            yield _Said(statement, Form.NAMES if statement.where is Where.NAME else Form.WORDS, rows)


def _in_codes(heard: Heard, rules: RuleSet, who: Parties) -> Iterator[_Said]:
    for rule, place, proof, _, code in of_codes(heard, rules, who):
        speaker = Speaker.REPORTER if place == "status" else Speaker.SERVER
        yield _Said(Statement(place, Where.ANY, speaker, code, raw=code), Form.CODE, ((rule, code, proof),))


def _counted(said: Sequence[_Said], verdict: Verdict) -> tuple[int, int] | None:
    """Return which statement, and which of its rows, has the place, the row and the proof of the verdict.

    Weak rows are asked behind all others.
    """
    found = [
        (rule.weak, at, number)
        for at, each in enumerate(said)
        for number, (rule, _, proof) in enumerate(each.rows)
        if each.statement.place == verdict.place and _says(rule, proof, verdict)
    ]
    return min(found)[1:] if found else None


def _says(rule: Rule, proof: Proof | Missing | None, verdict: Verdict) -> bool:
    """Tell whether a row with its proof is the reason of a verdict."""
    if not isinstance(proof, Missing):
        return (rule.id, str(proof or ""), "") == (verdict.rule, verdict.proof, verdict.doubt)
    about_another = f"about.{proof.name.lower()}"
    return verdict.rule == about_another or (rule.id, str(proof)) == (verdict.rule, verdict.doubt)


def _account(said: _Said, at: int, counted: tuple[int, int] | None, evidence: _Evidence) -> Account:
    """Return one statement with what became of the rows that fit."""
    number = counted[1] if counted and counted[0] == at else None
    otherwise = Fate.OUTWEIGHED if counted and counted[0] < at else Fate.LATE
    readings = tuple(
        Reading(rule, words, Fate.COUNTED if place == number else _fate(rule, proof, otherwise), *_proof(proof))
        for place, (rule, words, proof) in enumerate(said.rows)
    )
    statement = said.statement
    first = readings[0] if readings else None
    return Account(
        place=statement.place,
        speaker=statement.speaker,
        about=None if said.form is Form.CODE else _about(statement, said, evidence.who),
        stage=evidence.heard.circumstances.stage,
        text=statement.text if said.form is Form.NAMES else " ".join(statement.raw.split()),
        form=said.form,
        readings=readings,
        rule=evidence.verdict.rule if number is not None else first.rule.id if first else None,
        category=evidence.verdict.category if number is not None else first.rule.category if first else None,
    )


def _fate(rule: Rule, proof: Proof | Missing | None, otherwise: Fate) -> Fate:
    """Return why a row that fits did not count: by what it is, ``otherwise`` because another was asked before it."""
    if isinstance(proof, Missing):
        return Fate.UNPROVEN
    if rule.weak:
        return Fate.WEAK
    if rule.category is Category.EXPIRED:
        return Fate.EXPIRY
    if rule.category is Category.UNDETERMINED:
        return Fate.SAYS_NOTHING
    return otherwise


def _proof(proof: Proof | Missing | None) -> tuple[str, str]:
    """Return a proof and a doubt, of which one is empty."""
    return ("", str(proof)) if isinstance(proof, Missing) else (str(proof or ""), "")


def _about(statement: Statement, said: _Said, who: Parties) -> About | None:
    """Return whom a statement is about: as other words tell, as a row found, or as its own claims say."""
    if statement.about or any(proof is Missing.SENDER for _, _, proof in said.rows):
        return statement.about or About.SENDER
    found = [claim.about for claim in claims(who.marked(statement.text))]
    return next((about for about in _TOLD if about in found), None)
