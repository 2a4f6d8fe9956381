"""The page about the policy says what the policy does."""

import re
from pathlib import Path

import pytest

from bounced.core.contract.alarms import Alarm
from bounced.core.policy import DEFAULT_POLICY, FailureRule, Then
from bounced.core.policy.document import ARROWS, diagram, sentence
from bounced.core.policy.settings import COUNTED
from bounced.core.state import EvidenceType
from bounced.core.terms import CLASS_OF, Category, Class, State
from bounced.simulation.outages import scenes
from docs.generate import pages

PAGE = Path(__file__).parents[2] / "docs/policy.md"
RULES = PAGE.with_name("rules.md")


def test_the_page_is_what_the_data_say() -> None:
    """Tables and diagram are written by `make docs`; nobody changes them by hand, and nobody forgets to."""
    assert PAGE.read_text("utf-8") == pages()[PAGE]


@pytest.mark.parametrize("arrow", ARROWS, ids=lambda arrow: arrow.cause)
def test_each_arrow_is_drawn(arrow) -> None:
    """From each state that it begins at."""
    for before in arrow.before:
        assert f"{before} --> {arrow.after} : {arrow.cause}" in diagram()


def test_each_scene_of_the_simulation_has_a_row() -> None:
    """With profiles and without, before and after."""
    text = PAGE.read_text("utf-8")
    for scene in scenes(members=1, imported=1):
        assert f"| {scene.name} | {'told' if scene.profiles else 'none'} | " in text


def test_no_arrow_lifts_a_suppression_for_a_sign_of_life() -> None:
    """Neither interest of the recipient nor a delivery is a subscription."""
    lifting = [arrow.evidence for arrow in ARROWS if State.SUPPRESSED in arrow.before]
    assert not frozenset.union(*lifting) & {EvidenceType.ENGAGED, EvidenceType.DELIVERED}


@pytest.mark.parametrize("key", DEFAULT_POLICY.rules)
def test_each_default_stands_on_the_page(key) -> None:
    """With its category or class in the row."""
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if f"`{key}`" in line]
    assert any(sentence(DEFAULT_POLICY.rules[key]) in row for row in rows)


def test_each_category_has_its_class_on_the_page() -> None:
    """Nobody has to look into the code to know what a soft bounce is."""
    text = PAGE.read_text("utf-8")
    for category in Category:
        assert re.search(rf"^\| `{CLASS_OF[category]}` \|.*`{category}`", text, re.MULTILINE), category


def test_each_category_that_words_can_mean_is_on_the_page_about_rules() -> None:
    """Whoever writes a row knows from the page which there are."""
    text = RULES.read_text("utf-8")
    meant = [category for category in Category if CLASS_OF[category] in (*COUNTED, Class.BLOCK)]
    assert [category for category in meant if f"`{category}`" not in text] == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (FailureRule(3, over_days=15), "3 consecutive ones, more than 15 days from first to last: held 30, then 60"),
        (FailureRule(2, then=Then.SUPPRESS), "2 of them, at least 24 hours apart: suppressed"),
        (FailureRule(1, then=Then.NOTHING), "nothing"),
        (FailureRule(5, finally_=Then.HOLD, last_hold_days=90), "then held 90 days each time"),
    ],
)
def test_a_rule_as_a_sentence(rule: FailureRule, said: str) -> None:
    """As the page puts it."""
    assert said in sentence(rule)


def test_the_alarm_on_the_page_is_one() -> None:
    """Senders in other languages copy it."""
    (line,) = re.findall(r"^```json\n(.*)\n```", PAGE.read_text("utf-8"), re.MULTILINE)
    assert Alarm.from_json(line).to_json() == line
