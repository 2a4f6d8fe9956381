"""What each piece of evidence says of a recipient, weightiest first, with the proof of each row or what it lacks."""

from collections.abc import Iterator
from typing import NamedTuple

from bounced.core.meaning.parties import Parties
from bounced.core.meaning.proof import Missing, of_code, of_words
from bounced.core.meaning.rules import Rule, RuleSet
from bounced.core.meaning.statements import Heard, Statement
from bounced.core.terms import Category, Proof

REPLY_CODE = "reply_code"
"""The place of the three digits, which say less than anything else."""


class Candidate(NamedTuple):
    """A row that fits, where, and the proof of a hard one or what it lacks.

    ``said`` is the statement whose words it read, None where it is about a code, which then is ``code``.
    """

    rule: Rule
    place: str
    proof: Proof | Missing | None
    said: Statement | None = None
    code: str = ""


def candidates(heard: Heard, rules: RuleSet, who: Parties) -> Iterator[Candidate]:
    """Yield the rows that may decide: those of the words, of the status codes, weak ones, of the reply code.

    Of one statement no row follows one that is proven, or needs no proof, and gives a reason.
    """
    weak: list[Candidate] = []
    for said in heard.statements():
        for rule in rules.fitting(said.where, said.text, heard.circumstances):
            proof = of_words(rule, said, heard, who)
            candidate = Candidate(rule, said.place, proof, said)
            if rule.weak:
                weak.append(candidate)
                continue
            yield candidate
            if rule.category is not Category.EXPIRED and not isinstance(proof, Missing):
                break
    for candidate in of_codes(heard, rules, who):
        if candidate.place == REPLY_CODE:
            yield from weak
            weak = []
        yield candidate
    yield from weak


def of_codes(heard: Heard, rules: RuleSet, who: Parties) -> Iterator[Candidate]:
    """Yield the codes about which there is a row: the reply's own status code, the Status field, the reply code."""
    code, servers = heard.circumstances.code, heard.circumstances.mta
    for status, place in ((heard.reply_status, "diagnostic"), (heard.field_status, "status")):
        if status and (rule := rules.for_status(status, servers)) and rule.may_speak(heard.circumstances):
            yield Candidate(rule, place, of_code(rule, status, heard, who), code=status)
    if code and (rule := rules.for_code(code, servers)) and rule.may_speak(heard.circumstances):
        yield Candidate(rule, REPLY_CODE, of_code(rule, "", heard, who), code=code)
