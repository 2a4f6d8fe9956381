"""Some four hundred things that servers say, and what they mean: what a new row must leave as it is."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bounced.core.meaning.classify import classify
from bounced.core.terms import Action, Category, Class, Kind, PerRecipientFields, Report, Verdict
from bounced.explain import packaged_rules

RULES = packaged_rules()
SAID = tomllib.loads((Path(__file__).parent / "replies.toml").read_text(encoding="utf-8"))
REPORT = Report(Kind.BOUNCE, "rfc3464")
RECIPIENT = "bob@example.com"


def _verdicts(said: dict[str, list[str]]) -> Iterator[tuple[str, Verdict]]:
    for reply in said.get("replies", []):
        group = PerRecipientFields(action=Action.FAILED, final_recipient=RECIPIENT, diagnostic_code=reply)
        yield reply, classify(group, REPORT, RULES)
    for text in said.get("texts", []):
        group = PerRecipientFields(action=Action.FAILED, final_recipient=RECIPIENT, text=text)
        yield text, classify(group, REPORT, RULES)


@pytest.mark.parametrize("category", [category for category in Category if category in SAID])
def test_what_servers_say_is_understood(category: Category):
    """Each in its category, whatever row said so, and without a doubt."""
    verdicts = dict(_verdicts(SAID[category]))
    assert {said: verdict.rule for said, verdict in verdicts.items() if verdict.category is not category} == {}
    assert {said: verdict.doubt for said, verdict in verdicts.items() if verdict.doubt} == {}


def test_what_is_said_of_somebody_else_never_makes_an_address_hard():
    """A sender, a host, a user who logs in may be unknown too."""
    hard = {said: verdict.rule for said, verdict in _verdicts(SAID["never_hard"]) if verdict.class_ is Class.HARD}
    assert hard == {}
