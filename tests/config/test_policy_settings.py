"""An operator writes what differs from the default policy; what breaks a promise is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bounced.config import build, load
from bounced.core.policy import DEFAULT_POLICY, Then
from bounced.core.terms import Category, Class

Write = Callable[[str], Path]
Complaints = Callable[[str], list[str]]

MAIN = """
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""


def test_without_a_word_the_default_policy_is_in_force(write: Write) -> None:
    """The defaults stand in one place."""
    assert build.policy(load(write(MAIN)).lists["main"]) == DEFAULT_POLICY


def test_a_changed_figure_leaves_the_rest_of_its_rule_alone(write: Write) -> None:
    """Patience with full mailboxes does not make their holds shorter."""
    config = load(write(MAIN + "[lists.main.policy.rules.mailbox_full]\nfailures = 5"))
    rule = build.policy(config.lists["main"]).rules[Category.MAILBOX_FULL]
    assert (rule.failures, rule.over_days, rule.hold_days) == (5, 15, (30, 60, 120))


def test_a_category_without_a_rule_of_its_own_starts_from_that_of_its_class(write: Write) -> None:
    """``expired`` is soft."""
    config = load(write(MAIN + '[lists.main.policy.rules.expired]\nfinally = "hold"'))
    policy = build.policy(config.lists["main"])
    assert policy.rules[Category.EXPIRED].finally_ is Then.HOLD
    assert policy.rules[Category.EXPIRED].failures == policy.rules[Class.SOFT].failures
    assert policy.rules[Class.SOFT].finally_ is Then.SUPPRESS


def test_the_cadence_of_a_list_reaches_its_policy(write: Write) -> None:
    """A monthly list waits longer before a streak is over."""
    config = load(write(MAIN + "cadence_days = 30\npolicy.caution_hours = 48"))
    policy = build.policy(config.lists["main"])
    assert (policy.cadence_days, policy.caution_hours) == (30, 48)


@pytest.mark.parametrize("name", ["network", "undetermined", "transient"])
def test_a_failure_of_the_path_cannot_be_made_to_suppress(complaints: Complaints, name: str) -> None:
    """Invariant 4: transient and undetermined never take an address beyond held."""
    (complaint,) = complaints(MAIN + f'[lists.main.policy.rules.{name}]\nthen = "suppress"')
    assert complaint.startswith(f"lists.main.policy.rules.{name} must keep what the daemon promises")
    assert complaint.endswith('then can be "hold" (with finally = "hold") or "nothing"')


@pytest.mark.parametrize("line", ['then = "hold"', 'then = "suppress"', "failures = 2"])
def test_a_rule_for_all_hard_failures_is_refused_with_the_names_to_use(complaints: Complaints, line: str) -> None:
    """Each hard category has a rule of its own, so that this one would do nothing."""
    (complaint,) = complaints(MAIN + f"[lists.main.policy.rules.hard]\n{line}")
    assert complaint == (
        "lists.main.policy.rules.hard must be one of the hard categories, which have a rule each: "
        'bad_address, domain_invalid, mailbox_inactive, mailbox_moved, mailbox_unknown, got "hard"'
    )


@pytest.mark.parametrize("name", ["spam_content", "block", "complaint", "auto_reply", "nonsense"])
def test_what_never_counts_can_have_no_rule(complaints: Complaints, name: str) -> None:
    """Invariant 4: block never touches an address."""
    (complaint,) = complaints(MAIN + f"[lists.main.policy.rules.{name}]\nfailures = 1")
    assert complaint.startswith(f"lists.main.policy.rules.{name} must be a class or category that counts: bad_address")
