"""What a kept message and an event leave unknown."""

from pathlib import Path

import pytest

from bounced import rules
from bounced.learning.evidence import Judge
from bounced.learning.groups import Why

JUDGE = Judge(rules.packaged())
EVENT = {"type": "report", "kind": "bounce", "address": "alice@example.org", "at": "2026-11-21T10:00:00Z"}
UNDETERMINED = EVENT | {"category": "undetermined", "class": "undetermined", "rule": "none"}
QUUX = "550 the wizard's tower is quuxed"
OWN = """
[[rule]]
id = "own.quux"
pattern = 'quuxed'
category = "undetermined"
example = "550 quuxed"
source = "us"
"""


def test_words_that_a_row_understands_today_are_known() -> None:
    """After an upgrade, or a row of one's own."""
    assert JUDGE.of_event("main", UNDETERMINED | {"diagnostic": QUUX}) is not None
    assert JUDGE.of_event("main", UNDETERMINED | {"diagnostic": "552 5.2.2 mailbox is over quota"}) is None


def test_a_row_of_ones_own_may_say_that_words_give_no_reason(tmp_path: Path) -> None:
    """Then nobody is asked again."""
    (tmp_path / "own.toml").write_text(OWN)
    judge = Judge(rules.load([tmp_path / "own.toml"]))
    assert judge.of_event("main", UNDETERMINED | {"diagnostic": QUUX}) is None
    assert judge.of_event("main", UNDETERMINED | {"diagnostic": QUUX, "rule": "own.quux"}) is None


@pytest.mark.parametrize("doubt", [{"doubt": "a guess"}, {"class": "soft"}])
def test_what_looked_hard_and_counted_as_soft_is_doubtful(doubt: dict[str, str]) -> None:
    """Events of older versions do not say what was missing."""
    event = EVENT | {"category": "mailbox_unknown", "rule": "mailbox.x", "diagnostic": "550 perhaps quuxed"} | doubt
    one = JUDGE.of_event("main", event)
    assert one is not None
    assert (one.why, one.category, one.doubt) == (Why.DOUBTFUL, "mailbox_unknown", doubt.get("doubt", ""))


def test_a_hard_verdict_that_was_proven_is_known() -> None:
    """It is not in question."""
    event = EVENT | {"category": "mailbox_unknown", "class": "hard", "proof": "words", "diagnostic": "550 perhaps"}
    assert JUDGE.of_event("main", event) is None


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xff\xfe: \r\n\r\n\xff", b"Content-Type: multipart/report"])
@pytest.mark.parametrize("kind", ["bounce", "unproven", ""])
def test_what_nobody_can_read_raises_nothing(kind: str, content: bytes) -> None:
    """Anybody may have sent it, and it is passed over or grouped without words."""
    one = JUDGE.of_message("main", "1-0", {"kind": kind, "address": "alice@example.org"}, content)
    assert one is None or not one.example
