"""The transition table of the contract, one test a row, and the precedence of reasons."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bounced.core.policy import DEFAULT_POLICY, FailureRule, Policy, Then
from bounced.core.policy.settings import DEFAULT_RULES
from bounced.core.state import EvidenceType
from bounced.core.terms import Category, Class, Engagement, Kind, OptIn, Profile, State

ACTIVE = Profile(OptIn.SINGLE, Engagement.ACTIVE)
SUPPRESSIONS = {
    "operator": lambda story, day: story.at(day, EvidenceType.SUPPRESS),
    "complaint": lambda story, day: story.at(day, EvidenceType.COMPLAINED),
    "unsubscribed": lambda story, day: story.at(day, EvidenceType.UNSUBSCRIBED),
    "hard": lambda story, day: story.fails("mailbox_unknown", day),
    "soft": lambda story, day: [story.fails("mailbox_full", day + back) for back in (-16, -8, 0)],
}
PRECEDENCE = list(SUPPRESSIONS)
SUPPRESS_SOFT_AT_ONCE = Policy(
    rules={**DEFAULT_RULES, Category.MAILBOX_FULL: FailureRule(3, over_days=15, then=Then.SUPPRESS)}
)


def hold(story, first=0):
    """Hold the address by three failures, the last 16 days after the first."""
    for day in (0, 8, 16):
        story.fails("mailbox_full", first + day)
    assert story.state.state is State.HELD


def test_a_failure_under_its_threshold_makes_the_address_bouncing(story):
    """Mail goes on while it is counted."""
    assert story.fails("mailbox_full", day=0) is State.BOUNCING


def test_held_becomes_bouncing_when_its_time_is_over(story):
    """Streak and holds are kept, so that the next failure holds one step longer."""
    hold(story)
    streaks = story.state.streaks
    assert story.at(45, EvidenceType.DUE) is State.HELD
    assert story.at(46, EvidenceType.DUE) is State.BOUNCING
    assert (story.state.streaks, story.state.holds) == (streaks, 1)
    assert story.state.until is None


def test_a_hold_that_is_over_is_over_even_where_nobody_came_to_release_it(story):
    """A daemon that was down for weeks decides as if it had been there."""
    hold(story)
    story.fails("network", day=60)
    assert story.state.state is State.BOUNCING
    assert story.state.last_released_at is not None


def test_a_soft_failure_while_held_holds_no_longer(story):
    """It is about mail that was on its way."""
    hold(story)
    until = story.state.until
    story.fails("mailbox_full", day=18)
    assert (story.state.until, story.state.holds) == (until, 1)


def test_a_hard_failure_beats_a_soft_hold(story):
    """Hard beats soft at any time."""
    hold(story)
    assert story.fails("mailbox_unknown", day=17) is State.SUPPRESSED
    assert story.state.class_ is Class.HARD


def test_a_hard_failure_that_is_not_believed_does_not_shorten_a_hold(told):
    """Thirty days of cool-off stay thirty days."""
    story = told(profile=ACTIVE)
    hold(story)
    until = story.state.until
    assert story.fails("mailbox_unknown", day=17) is State.HELD
    assert story.state.until == until


@pytest.mark.parametrize("type_", [EvidenceType.ENGAGED])
def test_engaged_makes_held_and_bouncing_active_at_once(story, told, type_):
    """Somebody reads mail there."""
    hold(story)
    assert story.at(17, type_) is State.ACTIVE
    other = told()
    other.fails("mailbox_full", day=0)
    assert other.at(1, type_) is State.ACTIVE
    assert other.state.streaks == {}


def test_engagement_from_before_the_failures_does_not_override_them(story):
    """Older evidence never overrides newer."""
    hold(story, first=10)
    assert story.at(5, EvidenceType.ENGAGED) is State.HELD
    assert story.state.streaks[Class.SOFT].count == 3


def test_engaged_leaves_no_trace_of_an_address_without_a_state(story):
    """Millions of opens need no memory."""
    story.at(0, EvidenceType.ENGAGED)
    assert story.state.version == 0


def test_delivered_counts_after_72_hours_without_a_failure(story):
    """Many gateways accept first and bounce later."""
    story.fails("mailbox_full", day=0)
    assert story.at(7, EvidenceType.DELIVERED) is State.BOUNCING
    assert story.at(9.9, EvidenceType.DUE) is State.BOUNCING
    assert story.at(10, EvidenceType.DUE) is State.ACTIVE


def test_delivered_releases_a_held_address_after_72_hours(story):
    """The mailbox has room again."""
    hold(story)
    story.at(17, EvidenceType.DELIVERED)
    assert story.at(20, EvidenceType.DUE) is State.ACTIVE
    assert story.state.holds == 0


def test_a_failure_for_mail_of_that_day_takes_the_delivery_back(story):
    """Accepted first, bounced later: the streak goes on."""
    story.fails("mailbox_full", day=0)
    story.at(8, EvidenceType.DELIVERED)
    story.fails("mailbox_full", day=10, sent=8)
    assert story.fails("mailbox_full", day=16) is State.HELD


def test_a_failure_for_mail_of_another_day_leaves_the_delivery_standing(story):
    """The late bounce of older mail says nothing about the delivery."""
    story.fails("mailbox_full", day=0)
    story.at(8, EvidenceType.DELIVERED)
    story.fails("mailbox_full", day=9, sent=1)
    story.at(12, EvidenceType.DUE)
    assert story.state.streaks[Class.SOFT].count == 1, "only what came after the delivery is left"


def test_a_delivery_older_than_a_failure_says_nothing(story):
    """Reports of deliveries may come late."""
    story.fails("mailbox_full", day=8)
    story.at(7, EvidenceType.DELIVERED)
    assert story.state.delivery_pending_since is None


def test_a_delivery_while_active_or_suppressed_changes_nothing(story, told):
    """An active address needs no memory; a suppressed one is lifted by others."""
    story.at(0, EvidenceType.DELIVERED)
    assert story.state.version == 0
    other = told()
    other.fails("mailbox_unknown", day=0)
    other.at(7, EvidenceType.DELIVERED)
    assert other.at(20, EvidenceType.DUE) is State.SUPPRESSED


def test_a_dispute_turns_what_its_wave_suppressed_into_held(story):
    """Five good customers of one company in an hour are a gateway's mistake."""
    story.fails("mailbox_unknown", day=0)
    assert story.at(0.5 / 24, EvidenceType.DISPUTE) is State.HELD
    assert story.state.until == story.state.since + timedelta(hours=24)
    assert story.at(1.1, EvidenceType.DUE) is State.BOUNCING


def test_a_dispute_does_not_touch_what_was_suppressed_before_the_wave(story, told):
    """Nor what was suppressed for another reason."""
    story.fails("mailbox_unknown", day=0)
    assert story.at(0.1, EvidenceType.DISPUTE) is State.SUPPRESSED
    other = told()
    other.at(0, EvidenceType.COMPLAINED)
    assert other.at(0.01, EvidenceType.DISPUTE) is State.SUPPRESSED


def test_while_a_domain_is_disputed_its_unknown_users_are_held(story):
    """Whatever their profile and however often."""
    for day in (0, 1.5):
        until = story.say(EvidenceType.DUE, day).evidence.at + timedelta(hours=24)
        story.state = replace(story.state, disputed_until=until)
        assert story.fails("mailbox_unknown", day) is State.HELD
    story.state = replace(story.state, disputed_until=None)
    assert story.fails("mailbox_unknown", day=4) is State.SUPPRESSED


@pytest.mark.parametrize("first", [None, "mailbox_full"])
@pytest.mark.parametrize("reason", ["operator", "complaint", "unsubscribed"])
def test_complaint_unsubscribe_and_operator_suppress_from_any_state(story, first, reason):
    """With that category."""
    if first:
        story.fails(first, day=-1)
    SUPPRESSIONS[reason](story, 0)
    assert (story.state.state, story.state.category) == (State.SUPPRESSED, reason)


@pytest.mark.parametrize(
    ("reason", "subscribed", "released"),
    [
        ("hard", "active", "active"),
        ("soft", "active", "active"),
        ("unsubscribed", "active", "active"),
        ("complaint", "suppressed", "active"),
        ("operator", "suppressed", "active"),
    ],
)
def test_what_lifts_a_suppression(told, reason, subscribed, released):
    """A confirmed opt-in lifts all but a complaint and an operator's decision; an operator lifts everything."""
    for type_, after in ((EvidenceType.SUBSCRIBED, subscribed), (EvidenceType.RELEASE, released)):
        story = told(policy=SUPPRESS_SOFT_AT_ONCE)
        SUPPRESSIONS[reason](story, 0)
        assert story.state.state is State.SUPPRESSED
        assert story.at(1, type_) == after
        story.at(2, EvidenceType.ENGAGED)
        assert story.state.state == after


def test_a_subscription_from_before_the_suppression_does_not_lift_it(story):
    """Older evidence never overrides newer."""
    story.fails("mailbox_unknown", day=5)
    assert story.at(4, EvidenceType.SUBSCRIBED) is State.SUPPRESSED


def test_an_expiry_rule_lifts_a_hard_suppression_where_one_is_configured(told):
    """There is none by default."""
    expiring = FailureRule(1, then=Then.SUPPRESS, expires_days=365)
    story = told(policy=Policy(rules={**DEFAULT_RULES, Category.MAILBOX_UNKNOWN: expiring}))
    story.fails("mailbox_unknown", day=0)
    assert story.at(364, EvidenceType.DUE) is State.SUPPRESSED
    assert story.at(365, EvidenceType.DUE) is State.ACTIVE


@pytest.mark.parametrize("type_", [EvidenceType.DELIVERED, EvidenceType.ENGAGED, EvidenceType.DUE])
def test_nothing_else_lifts_a_suppression(story, type_):
    """Deliveries, opens and time do not."""
    story.fails("mailbox_unknown", day=0)
    assert story.at(500, type_) is State.SUPPRESSED
    assert story.hears(Kind.DELIVERED, "success", day=501) is State.SUPPRESSED


@pytest.mark.parametrize("standing", PRECEDENCE)
@pytest.mark.parametrize("later", PRECEDENCE)
def test_a_later_reason_overwrites_only_a_lower_one(told, standing, later):
    """Precedence: operator > complaint > unsubscribed > hard > soft."""
    story = told(policy=SUPPRESS_SOFT_AT_ONCE)
    SUPPRESSIONS[standing](story, 0)
    standing_category = story.state.category
    SUPPRESSIONS[later](story, 40)
    overwritten = story.state.category != standing_category
    assert story.state.state is State.SUPPRESSED
    assert overwritten == (PRECEDENCE.index(later) < PRECEDENCE.index(standing))


def test_a_failure_of_mail_sent_before_the_release_is_recorded_and_never_counted(story):
    """The operator knew better than that mail."""
    story.fails("mailbox_unknown", day=0)
    story.at(3, EvidenceType.RELEASE)
    assert story.fails("mailbox_unknown", day=4, sent=2) is State.ACTIVE
    assert story.fails("mailbox_unknown", day=5, sent=4) is State.SUPPRESSED


def test_a_report_that_names_only_others_counts_hard_as_soft(story):
    """One who left must not suppress the whole team."""
    for day in (0, 8):
        assert story.fails("mailbox_unknown", day, names_recipient=False) is State.BOUNCING
    assert story.fails("mailbox_unknown", day=16, names_recipient=False) is State.HELD


def test_an_identity_that_nobody_signed_changes_no_state(story):
    """It can be forged."""
    assert story.fails("mailbox_unknown", day=0, trusted=False) is State.ACTIVE
    assert story.reasons == ["untrusted"]


def test_a_clock_that_jumps_back_counts_nothing_twice(story):
    """Failures that seem to come before the last one wait for their time."""
    story.fails("mailbox_full", day=30)
    story.fails("mailbox_full", day=2)
    assert story.state.streaks[Class.SOFT].count == 1


@pytest.mark.parametrize("key", [Class.BLOCK, Category.SPAM_CONTENT, Class.NONE, Category.COMPLAINT])
def test_a_policy_cannot_make_blocks_count(key):
    """An invariant of the house, whatever is configured."""
    with pytest.raises(ValueError, match="never touches an address"):
        Policy(rules={key: FailureRule(1)})


@pytest.mark.parametrize("rule", [FailureRule(1, then=Then.SUPPRESS), FailureRule(5, finally_=Then.SUPPRESS)])
def test_a_policy_cannot_suppress_for_transient_failures(rule):
    """They end at held."""
    with pytest.raises(ValueError, match="never takes an address beyond held"):
        Policy(rules={Class.TRANSIENT: rule})


def test_the_default_policy_is_a_valid_one():
    """Its constructor checks it like any other."""
    assert DEFAULT_POLICY.rule_for(Category.MAILBOX_UNKNOWN, Class.HARD) is not None
