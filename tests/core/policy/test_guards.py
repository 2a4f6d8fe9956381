"""Conditions that the rest of the policy's tests would not miss, each with the life of an address that needs it."""

from dataclasses import replace

import pytest

from bounced.core.policy import FailureRule, Policy, Then
from bounced.core.state import EvidenceType
from bounced.core.terms import UNKNOWN_PROFILE, Category, Class, Engagement, Kind, OptIn, Origin, Profile, State

from .conftest import on

INTAKE = {"origin": Origin.INTAKE}


def hold(story):
    """Let an address be held from day 16 until day 46."""
    for day in (0, 8, 16):
        story.fails("mailbox_full", day)
    assert story.state.until == on(46)


def test_a_hold_ended_when_it_was_over_not_when_somebody_looked(story):
    """No releaser ran for a week: what fails then was sent after the hold, and counts."""
    hold(story)
    assert story.fails("mailbox_full", day=53, sent=50) is State.HELD
    assert story.state.last_released_at == on(46)
    assert story.held_days == 60


def test_a_sign_of_life_from_before_a_hold_does_not_end_it_where_the_one_before_had_just_run_out(story):
    """One hold followed the other without a release between: the second began when it was decided."""
    hold(story)
    assert story.fails("mailbox_full", day=53, sent=50) is State.HELD
    assert story.state.since == on(53)
    assert story.at(51, EvidenceType.ENGAGED) is State.HELD


def test_a_second_delivery_does_not_put_off_the_belief_in_the_first(story):
    """A sender that delivers every day would never be believed."""
    hold(story)
    story.at(20, EvidenceType.DELIVERED)
    story.at(22, EvidenceType.DELIVERED)
    assert story.at(23, EvidenceType.DUE) is State.ACTIVE


def test_an_older_sign_of_life_does_not_make_the_newest_older(story):
    """An entry of the intake came late: half a year counts from the last."""
    story.fails("mailbox_full", day=0)
    story.at(100, EvidenceType.ENGAGED)
    story.at(10, EvidenceType.ENGAGED)
    assert story.state.last_engaged_at == on(100)


def test_what_was_sent_before_a_suppression_expired_does_not_count_after_it(told):
    """As after any release: mail of those days says nothing new."""
    story = told(policy=Policy({Category.MAILBOX_UNKNOWN: FailureRule(1, then=Then.SUPPRESS, expires_days=30)}))
    story.fails("mailbox_unknown", day=0)
    assert story.at(30, EvidenceType.DUE) is State.ACTIVE
    assert story.fails("mailbox_unknown", day=31, sent=29) is State.ACTIVE
    assert story.reasons[-1] == "sent_before_release"


def test_a_dispute_takes_back_only_what_unknown_users_brought_down(story):
    """Two failures of a mailbox that is closed are no part of the wave, though the second came within its hour."""
    story.fails("mailbox_inactive", day=0)
    assert story.fails("mailbox_inactive", day=2) is State.SUPPRESSED
    assert story.at(2, EvidenceType.DISPUTE) is State.SUPPRESSED


@pytest.mark.parametrize(("told", "holds"), [(45, 1), (47, 0)])
def test_a_sign_of_life_from_before_the_end_of_a_hold_does_not_take_its_step_back(story, told, holds):
    """It came late; one from after it says that the address was well again."""
    hold(story)
    story.at(46, EvidenceType.DUE)
    assert story.fails("mailbox_full", day=246) is State.BOUNCING
    story.at(told, EvidenceType.ENGAGED)
    assert story.state.streaks[Class.SOFT].holds == holds


def test_good_news_does_not_forget_that_somebody_subscribed(story):
    """The unsubscription is older than the subscription, however late it comes and whatever came between."""
    story.at(0, EvidenceType.UNSUBSCRIBED)
    story.at(10, EvidenceType.SUBSCRIBED)
    story.fails("mailbox_full", day=12)
    assert story.at(13, EvidenceType.ENGAGED) is State.ACTIVE
    assert story.at(9, EvidenceType.UNSUBSCRIBED) is State.ACTIVE
    assert story.at(11, EvidenceType.UNSUBSCRIBED) is State.SUPPRESSED


@pytest.mark.parametrize("late", [EvidenceType.RELEASE, EvidenceType.SUBSCRIBED])
def test_an_older_release_does_not_make_a_newer_one_older(story, late):
    """It waited in the stream: what was told between the two is history all the same."""
    story.at(0, EvidenceType.UNSUBSCRIBED)
    story.at(10, EvidenceType.SUBSCRIBED)
    story.at(5, late, **INTAKE)
    assert (story.state.last_lifted_at, story.state.last_released_at) == (on(10), on(10))
    assert story.at(7, EvidenceType.UNSUBSCRIBED) is State.ACTIVE


def test_a_delivery_report_speaks_for_the_day_on_which_the_mail_was_sent(story):
    """It came days later, after a failure of newer mail, which still counts."""
    story.fails("mailbox_full", day=5)
    assert story.hears(Kind.DELIVERED, "undetermined", day=8, sent=4) is State.BOUNCING
    assert story.hears(Kind.DELIVERED, "undetermined", day=9, sent=6) is State.ACTIVE


def test_a_suppressed_address_keeps_what_it_was_suppressed_for(story):
    """A sender's "active" of a later mail does not take the failures out of the record."""
    story.fails("mailbox_unknown", day=0)
    story.profile = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
    before = story.state
    story.fails("mailbox_full", day=250)
    assert story.state == before


@pytest.mark.parametrize(
    ("profile", "then"),
    [(Profile(OptIn.IMPORTED, Engagement.UNKNOWN), State.HELD), (UNKNOWN_PROFILE, State.BOUNCING)],
)
def test_where_one_failure_is_enough_no_days_have_to_pass(told, profile, then):
    """An imported address needs one less: of one failure the first is the last."""
    story = told(policy=Policy({Class.SOFT: FailureRule(2, over_days=15)}), profile=profile)
    assert story.fails("mailbox_full", day=0) is then


def test_what_fails_at_the_very_time_of_a_release_counts(story):
    """Its report came after the release, not before: a hold that ends at noon counts what is said at noon."""
    hold(story)
    assert story.fails("mailbox_full", day=46) is State.HELD
    assert story.reasons[-1] == "threshold"


def test_a_dispute_is_over_at_its_end(story):
    """From then on a failure is believed."""
    story.state = replace(story.state, disputed_until=on(1))
    assert story.fails("mailbox_unknown", day=1) is State.SUPPRESSED


@pytest.mark.parametrize(("minutes", "after"), [(60, State.HELD), (61, State.SUPPRESSED)])
def test_a_wave_lasts_an_hour_to_the_end(story, minutes, after):
    """A dispute takes back what the last hour suppressed, and nothing older."""
    story.fails("mailbox_unknown", day=0)
    assert story.at(minutes / (24 * 60), EvidenceType.DISPUTE) is after


@pytest.mark.parametrize(("day", "kept"), [(-0.5, {Class.SOFT}), (-0.6, set())])
def test_activity_forgets_only_failures_older_than_the_days_it_stands_for(story, day, kept):
    """180 days before midnight of the day of sending: the recipient may have been active on any of them since."""
    story.fails("mailbox_full", day=day)
    story.profile = Profile(OptIn.SINGLE, Engagement.ACTIVE)
    story.fails("mailbox_inactive", day=180)
    assert set(story.state.streaks) - {Class.HARD} == kept


def test_a_reason_whose_failures_are_forgotten_is_not_shown_any_more(story):
    """The address is bouncing for the failure that is left, though the forgotten one was of a higher rank."""
    story.fails("mailbox_inactive", day=0)
    story.profile = Profile(OptIn.SINGLE, Engagement.ACTIVE)
    assert story.fails("mailbox_full", day=250) is State.BOUNCING
    assert story.state.category is Category.MAILBOX_FULL


def test_a_reason_of_the_same_rank_does_not_replace_the_one_that_stands(story):
    """An address was suppressed for what was said first."""
    story.fails("mailbox_unknown", day=0)
    story.fails("bad_address", day=2)
    assert (story.state.category, story.reasons[-1]) == (Category.MAILBOX_UNKNOWN, "already_suppressed")
    assert story.state.since == on(0)


def test_a_failure_at_the_time_of_a_sign_of_life_is_not_later(story):
    """Two failures, the first at the very moment: one came later, and one is all that counts."""
    story.fails("mailbox_full", day=0)
    story.fails("mailbox_full", day=8)
    story.at(0, EvidenceType.ENGAGED)
    assert story.state.streaks[Class.SOFT].count == 1


@pytest.mark.parametrize(("day", "after"), [(181, State.HELD), (181.01, State.SUPPRESSED)])
def test_a_recipient_counts_as_active_for_so_many_days(story, day, after):
    """180 by default, the last one included: "user unknown" is not believed at once."""
    story.fails("mailbox_full", day=0)
    story.at(1, EvidenceType.ENGAGED)
    assert story.fails("mailbox_unknown", day=day) is after
