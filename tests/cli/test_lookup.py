"""``bounced lookup`` answers whether an address may be mailed, of all lists, since one that says no is enough."""

import json

import pytest

from .conftest import MAIN, Call

NEWS = """
[lists.news]
domains = ["news.example.com"]
keys = [{ id = "a", file = "a.key" }]
fold_local_part = false
"""
ALICE = "Alice@example.org"


@pytest.fixture
def lists() -> str:
    """Return two lists, which spell addresses in different ways."""
    return MAIN + NEWS


def test_an_address_that_another_list_suppressed_is_not_called_mailable(call: Call) -> None:
    """Each list answers."""
    assert call("suppress", ALICE, "--list", "news").exit_code == 0
    done = call("lookup", ALICE)
    assert done.exit_code == 0
    assert "alice@example.org in main: active, may be mailed\n" in done.stdout
    assert "\n\nAlice@example.org in news: suppressed, must not be mailed\n" in done.stdout


def test_json_has_an_object_for_each_list(call: Call) -> None:
    """With the address in the form in which that list has it."""
    call("suppress", ALICE, "--list", "news")
    told = [json.loads(line) for line in call("lookup", ALICE, "--json").stdout.splitlines()]
    assert [(each["list"], each["address"], each["state"]) for each in told] == [
        ("main", "alice@example.org", "active"),
        ("news", "Alice@example.org", "suppressed"),
    ]


@pytest.mark.parametrize(("list_", "code"), [("main", 1), ("news", 0)])
def test_with_a_list_named_that_one_alone_answers(call: Call, list_: str, code: int) -> None:
    """Also in the exit code."""
    call("suppress", ALICE, "--list", "news")
    done = call("lookup", ALICE, "--list", list_)
    assert (done.exit_code, done.stdout.count(" in "), f" in {list_}: " in done.stdout) == (code, 1, True)


def test_the_exit_code_says_whether_any_list_knows_anything(call: Call) -> None:
    """Of a state, or of the past."""
    assert call("lookup", ALICE).exit_code == 1
    call("suppress", ALICE, "--list", "main")
    call("release", ALICE, "--list", "main")
    done = call("lookup", ALICE)
    assert (done.exit_code, "an operator released it" in done.stdout) == (0, True)


def test_a_list_that_is_not_there_is_a_mistake(call: Call) -> None:
    """And the message names those that are."""
    done = call("lookup", ALICE, "--list", "other")
    assert (done.exit_code, "there is main, news" in done.stderr) == (2, True)
