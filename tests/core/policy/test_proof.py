"""What a proof is worth: what is doubtful counts as soft, a refusal after DATA like an inactive mailbox."""

import pytest

from bounced.core.policy import FailureRule, Policy, Then
from bounced.core.policy.settings import DEFAULT_RULES
from bounced.core.terms import CLASS_OF, Category, Class, Engagement, OptIn, Profile, Proof, State, Verdict

HARD = [category for category, class_ in CLASS_OF.items() if class_ is Class.HARD]
GUESS = "it is a guess"
NEW = [Profile(OptIn.IMPORTED), Profile(OptIn.SINGLE, Engagement.FIRST_MAIL)]
PROFILES = [
    *NEW,
    Profile(),
    Profile(OptIn.SINGLE, Engagement.ACTIVE),
    Profile(OptIn.CONFIRMED, Engagement.ACTIVE),
]
DAYS = (0, 0.5, 1, 8, 16, 40, 50, 80, 120, 130, 260, 300)
"""Days of failures: twice within a day, then often enough to use up every hold."""


def with_rule(key: Category | Class, rule: FailureRule) -> Policy:
    """Return the default policy with another rule."""
    return Policy(rules={**DEFAULT_RULES, key: rule})


def life(story, category, **facts):
    """Return what becomes of an address that fails again and again."""
    return [(story.fails(category, day, **facts), story.reasons[-1], story.state.until) for day in DAYS]


@pytest.mark.parametrize("category", HARD)
def test_what_is_doubtful_is_soft(category):
    """Whatever its category; without a doubt it is hard."""
    verdict = Verdict(category, "test", "text")
    assert (verdict.class_, verdict._replace(doubt=GUESS).class_) == (Class.HARD, Class.SOFT)


@pytest.mark.parametrize("category", [each for each in Category if each not in HARD])
def test_only_what_looks_hard_can_be_doubtful(category):
    """A doubt about anything else changes nothing."""
    assert Verdict(category, "test", "text", doubt=GUESS).class_ is CLASS_OF[category]


@pytest.mark.parametrize("profile", PROFILES, ids=str)
@pytest.mark.parametrize("category", HARD)
def test_what_is_doubtful_follows_the_rule_of_soft(told, category, profile):
    """An address fares as if it had been refused without a reason, step by step to the last hold."""
    expected = life(told(profile=profile), "recipient_refused")
    assert life(told(profile=profile), category, doubt=GUESS) == expected
    assert expected[0][0] is State.BOUNCING


@pytest.mark.parametrize("category", HARD)
def test_the_rule_of_its_category_is_not_asked_for_what_is_doubtful(told, category):
    """Nothing that is set for the hard category can condemn by a guess."""
    story = told(policy=with_rule(category, FailureRule(1, then=Then.SUPPRESS)))
    assert story.fails(category, day=0, doubt=GUESS) is State.BOUNCING
    assert (story.state.category, story.state.class_) == (category, Class.SOFT)


def test_what_soft_failures_suppress_is_suppressed_as_soft(told):
    """Where soft suppresses, a doubtful reason has the rank of soft: a proven one replaces it."""
    story = told(policy=with_rule(Class.SOFT, FailureRule(1, then=Then.SUPPRESS)))
    story.fails("mailbox_unknown", day=0, doubt=GUESS)
    assert (story.state.state, story.state.class_) == (State.SUPPRESSED, Class.SOFT)
    story.fails("mailbox_inactive", day=2, doubt=GUESS)
    assert (story.state.category, story.reasons[-1]) == (Category.MAILBOX_UNKNOWN, "already_suppressed")
    story.fails("mailbox_unknown", day=4, proof=Proof.WORDS)
    assert (story.state.state, story.state.class_) == (State.SUPPRESSED, Class.HARD)


def test_a_cautious_rule_of_soft_holds_as_soft(told):
    """Held for a day instead of suppressed, and not called hard by it."""
    cautious = FailureRule(1, then=Then.SUPPRESS, cautious=True)
    story = told(policy=with_rule(Class.SOFT, cautious), profile=Profile(OptIn.CONFIRMED))
    assert story.fails("mailbox_unknown", day=0, doubt=GUESS) is State.HELD
    assert story.state.class_ is Class.SOFT


def test_doubtful_and_proven_failures_have_streaks_of_their_own(story):
    """A guess brings an address no nearer to the second failure of an inactive mailbox."""
    story.fails("mailbox_inactive", day=0, doubt=GUESS)
    assert story.fails("mailbox_inactive", day=2) is State.BOUNCING
    assert {class_: streak.count for class_, streak in story.state.streaks.items()} == {Class.SOFT: 1, Class.HARD: 1}
    story.fails("mailbox_inactive", day=4, doubt=GUESS)
    assert story.state.class_ is Class.HARD, "of two reasons the stronger one is shown"


def test_a_proven_failure_counts_on_the_day_of_a_doubtful_one(story):
    """As a hard failure does on the day of a soft one."""
    story.fails("mailbox_unknown", day=0, doubt=GUESS)
    assert story.fails("mailbox_unknown", day=0.1, proof=Proof.CODE) is State.SUPPRESSED


def test_a_doubtful_failure_does_not_count_on_the_day_of_a_proven_one(story):
    """As a soft failure does not on the day of a hard one."""
    story.fails("mailbox_inactive", day=0)
    story.fails("mailbox_unknown", day=0.1, doubt=GUESS)
    assert story.reasons[-1] == "same_mail"
    story.fails("mailbox_unknown", day=0.9, doubt=GUESS)
    assert story.reasons[-1] == "within_24_hours"


@pytest.mark.parametrize("proof", [Proof.WORDS, Proof.CODE, Proof.FORM, ""])
@pytest.mark.parametrize("profile", PROFILES, ids=str)
@pytest.mark.parametrize("category", HARD)
def test_every_other_proof_leaves_a_category_its_own_rule(told, category, profile, proof):
    """What senders and files say has no proof, and needs none."""
    assert life(told(profile=profile), category, proof=proof) == life(told(profile=profile), category)


@pytest.mark.parametrize("profile", [each for each in PROFILES if each not in NEW], ids=str)
@pytest.mark.parametrize("category", HARD)
def test_a_refusal_after_data_counts_like_an_inactive_mailbox(told, category, profile):
    """Two of them, 24 hours apart; filters answer that way for living mailboxes."""
    expected = life(told(profile=profile), "mailbox_inactive")
    assert life(told(profile=profile), category, proof=Proof.AFTER_DATA) == expected


@pytest.mark.parametrize("profile", NEW, ids=str)
@pytest.mark.parametrize("category", HARD)
def test_a_refusal_after_data_needs_a_second_one_also_for_an_imported_address_and_first_mail(told, category, profile):
    """A filter that refuses a message says nothing about the list that the address came from."""
    story = told(profile=profile)
    assert story.fails(category, day=0, proof=Proof.AFTER_DATA) is State.BOUNCING
    assert story.fails(category, day=1, proof=Proof.AFTER_DATA) is State.SUPPRESSED


@pytest.mark.parametrize("category", HARD)
def test_one_refusal_after_data_suppresses_nobody(story, category):
    """Nor does another one on the same day; a second one a day later does."""
    assert story.fails(category, day=0, proof=Proof.AFTER_DATA) is State.BOUNCING
    assert story.fails(category, day=0.9, proof=Proof.AFTER_DATA) is State.BOUNCING
    assert story.fails(category, day=1, proof=Proof.AFTER_DATA) is State.SUPPRESSED
    assert (story.state.category, story.state.class_) == (category, Class.HARD)


def test_the_rule_for_a_refusal_after_data_is_the_row_of_inactive_mailboxes(told):
    """Whoever changes that row changes both."""
    policy = with_rule(Category.MAILBOX_INACTIVE, FailureRule(3, then=Then.SUPPRESS))
    story = told(policy=policy)
    assert [story.fails("mailbox_unknown", day, proof=Proof.AFTER_DATA) for day in (0, 2, 4)] == [
        State.BOUNCING,
        State.BOUNCING,
        State.SUPPRESSED,
    ]
    nothing = told(policy=with_rule(Category.MAILBOX_INACTIVE, FailureRule(1, then=Then.NOTHING)))
    assert nothing.fails("mailbox_unknown", day=0, proof=Proof.AFTER_DATA) is State.ACTIVE


def test_a_refusal_at_rcpt_suppresses_after_one_that_came_after_data(story):
    """The stronger proof follows its own rule, whatever came before."""
    story.fails("mailbox_unknown", day=0, proof=Proof.AFTER_DATA)
    assert story.fails("mailbox_unknown", day=1, proof=Proof.WORDS) is State.SUPPRESSED


def test_a_refusal_after_data_of_another_recipient_counts_as_soft(story):
    """A member who left must not suppress the address of the team."""
    assert story.fails("mailbox_unknown", day=0, proof=Proof.AFTER_DATA, names_recipient=False) is State.BOUNCING
    assert story.state.class_ is Class.SOFT
    assert story.fails("mailbox_unknown", day=2, proof=Proof.AFTER_DATA, names_recipient=False) is State.BOUNCING


def test_a_report_about_others_holds_at_most_where_soft_suppresses(told):
    """Whatever the rule of soft says, a member who left suppresses nobody else."""
    story = told(policy=with_rule(Class.SOFT, FailureRule(1, then=Then.SUPPRESS)))
    assert story.fails("mailbox_unknown", day=0, names_recipient=False) is State.HELD
    assert story.state.class_ is Class.SOFT
