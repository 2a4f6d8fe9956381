"""The account of a verdict: the statement that counted is the verdict's, and the others say why they did not."""

from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounced.core.escape import escaped
from bounced.core.limits import MAX_STORED_CHARS
from bounced.core.meaning.account import Account, Fate, account, lacking
from bounced.core.meaning.bare import Command, Known, as_reported
from bounced.core.meaning.classify import classify
from bounced.core.reading.report import parse
from bounced.core.reading.report.origin import ReversePath, Signs
from bounced.core.terms import PerRecipientFields, Report, Verdict
from bounced.explain import packaged_rules

RULES = packaged_rules()
CORPUS = sorted((Path(__file__).parents[2] / "corpus" / "mta").glob("*.eml"))
WITHOUT_STATEMENTS = ("kind", "action", "none")
REPLIES = (
    "550 5.1.1 User unknown",
    "550 no such user (in reply to RCPT TO)",
    "554 5.4.0 error: 550 5.1.1 unknown user",
    "550 Sender address rejected: mx.example said: 550 5.1.1 User unknown",
    "550 It might be that the mailbox does not exist",
    "550 5.7.1 sender's mailbox does not exist",
    "550 invalid mailbox server",
    "550 mailbox unavailable",
    "550 5.1.1",
    "550",
    "552",
    "421 4.4.1 connection timed out",
    "452 4.2.2 Mailbox full",
    "Service unavailable",
    "550 rejected, see https://postmaster.gmx.net/en/case",
    "",
)
WORDS = ("550", "5.1.1", "4.2.2", "said:", "user", "unknown", "mailbox", "sender", "does not exist", "rejected", "may")


def judged(fields: PerRecipientFields, report: Report) -> tuple[Verdict, tuple[Account, ...]]:
    """Return a verdict and its account."""
    verdict = classify(fields, report, RULES)
    return verdict, account(fields, report, RULES, verdict)


def of_reply(reply: str, known: Known) -> tuple[Verdict, tuple[Account, ...]]:
    """Return the same of a bare reply."""
    return judged(*as_reported(reply, known))


def assert_agrees(verdict: Verdict, said: tuple[Account, ...]) -> None:
    """Check that exactly one statement counted, and that it says what the verdict says."""
    counted = [each for each in said if each.counted]
    if verdict.place in WITHOUT_STATEMENTS:
        assert not counted
        return
    (only,) = counted
    assert (only.place, only.rule, only.category) == (verdict.place, verdict.rule, verdict.category)
    assert only.decisive is not None
    assert only.decisive.proof == verdict.proof
    if verdict.doubt:
        assert only.decisive.doubt == verdict.doubt


def recipients(file: Path) -> Iterator[tuple[PerRecipientFields, Report]]:
    """Yield what a message says of each recipient, or of nobody."""
    report = parse(file.read_bytes())
    for fields in report.recipients or (PerRecipientFields(),):
        yield fields, report


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_the_statement_that_counted_is_the_verdict_s(file: Path) -> None:
    """In every notice of a real MTA."""
    for fields, report in recipients(file):
        assert_agrees(*judged(fields, report))


@pytest.mark.parametrize("command", [None, *Command])
@pytest.mark.parametrize("reply", REPLIES)
def test_the_statement_that_counted_is_the_verdict_s_of_bare_replies_too(reply: str, command: Command | None) -> None:
    """Whatever they answer."""
    assert_agrees(*of_reply(reply, Known(about="zoe@example.net", command=command)))


@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), st.sampled_from([None, *Command]))
def test_it_is_so_whatever_is_said(reply: str, command: Command | None) -> None:
    """However little sense it makes."""
    assert_agrees(*of_reply(reply, Known(command=command)))


def test_what_stands_for_the_command_is_a_statement_only_where_it_gives_the_reason() -> None:
    """Nobody said it, but a refusal of MAIL is one of the sender."""
    verdict, said = of_reply("550 Denied", Known(command=Command.MAIL))
    assert (verdict.class_, said[1].text, said[1].counted) == ("block", "(in reply to MAIL FROM command)", True)
    _, said = of_reply("550 5.1.1 User unknown", Known(command=Command.DATA))
    assert not [each for each in said if "in reply to" in each.text]
    assert {each.stage for each in said} == {"data"}


@pytest.mark.parametrize(
    ("reply", "row", "fate"),
    [
        ("550 5.1.1 User unknown. Rejected", "last.rejected", Fate.WEAK),
        ("550 5.1.1 User unknown", "iana.5.1.1", Fate.OUTWEIGHED),
        ("550 5.7.1 sender's mailbox does not exist", "mailbox.user-not-found", Fate.UNPROVEN),
        ("550 User unknown", "smtp.550", Fate.SAYS_NOTHING),
    ],
)
def test_a_row_that_fits_tells_why_it_did_not_count(reply: str, row: str, fate: Fate) -> None:
    """So that nobody has to guess."""
    _, said = of_reply(reply, Known())
    assert fate in {each.fate for one in said for each in one.readings if each.rule.id == row}


def test_a_relay_is_told_from_the_server_that_it_quotes() -> None:
    """And the quoted reply is about whom the relay's words are about."""
    _, said = of_reply("550 Sender address rejected: mx.example said: 550 5.1.1 User unknown", Known())
    assert [(each.speaker, each.about) for each in said if each.form == "words"] == [
        ("server", "sender"),
        ("relay", "sender"),
    ]


def test_what_is_printed_is_bounded_and_escaped() -> None:
    """A peer wrote it."""
    _, said = of_reply("550 5.1.1 User unknown \x1b[2J" + "x" * 1000, Known())
    text = said[0].as_fields()["text"]
    assert isinstance(text, str)
    assert len(text) == MAX_STORED_CHARS
    assert text == escaped(text)


SIGNS = tuple(chain.from_iterable(combinations(Signs.NAMES, count) for count in range(len(Signs.NAMES) + 1)))


@pytest.mark.parametrize("path", ReversePath)
def test_what_lacks_for_a_proof_is_what_the_reader_asks_for(path: ReversePath) -> None:
    """Nothing where the signs prove a notice; else each alternative, added to the signs, proves it."""
    for signs in SIGNS:
        missing = lacking(signs, path)
        assert (missing == ()) == proven(signs, path)
        assert all(proven((*signs, *each), path) for each in missing)


def proven(signs: tuple[str, ...], path: ReversePath) -> bool:
    """Return what the reader of messages says."""
    there = SimpleNamespace(**{name: name in signs for name in Signs.NAMES})
    return Signs.prove(there, path)  # type: ignore[arg-type]  # it has the same signs
