"""Holds climb for the class that they were for, and for no other."""

from bounced.core.state import EvidenceType
from bounced.core.terms import Class, Engagement, OptIn, Profile, State


def hold_for_network(story, first=0):
    """Hold the address for 30 days by five transient failures, and release it."""
    for day in (0, 4, 8, 12, 16):
        story.fails("network", first + day)
    assert story.state.state is State.HELD
    assert story.at(first + 46, EvidenceType.DUE) is State.BOUNCING


def test_a_transient_hold_does_not_bring_a_soft_one_nearer(story):
    """The path was bad then, the mailbox is full now: three failures in more than fifteen days all the same."""
    hold_for_network(story)
    assert [story.fails("mailbox_full", day) for day in (50, 58, 66)] == ["bouncing", "bouncing", "held"]
    assert story.held_days == 30


def test_transient_holds_never_make_a_soft_failure_suppress(story):
    """Years of bad paths, then one full mailbox: transient failures never lead beyond held."""
    day = 0
    for failure in (0, 4, 8, 12, 16):
        day = failure
        story.fails("network", day)
    for days in (30, 60, 120, 365):
        day += days
        story.at(day, EvidenceType.DUE)
        day += 7
        story.fails("network", day)
    day += 365
    story.at(day, EvidenceType.DUE)
    assert [story.fails("mailbox_full", day + after) for after in (7, 14, 21, 28)] == ["bouncing"] * 2 + [
        "bouncing",
        "held",
    ]
    assert story.state.streaks[Class.SOFT].holds == 1


def test_the_second_failure_of_a_new_streak_does_not_hold(story):
    """A full mailbox that took mail for half a year is given three failures again, and then the next step."""
    for day in (0, 8, 16):
        story.fails("mailbox_full", day)
    story.at(46, EvidenceType.DUE)
    assert [story.fails("mailbox_full", day) for day in (246, 254)] == ["bouncing", "bouncing"]
    assert story.fails("mailbox_full", day=262) is State.HELD
    assert story.held_days == 60


def test_good_news_between_takes_the_steps_back(story):
    """Somebody read mail after the hold: the next one starts at 30 days."""
    for day in (0, 8, 16):
        story.fails("mailbox_full", day)
    story.at(46, EvidenceType.DUE)
    story.at(50, EvidenceType.ENGAGED)
    assert [story.fails("mailbox_full", day) for day in (60, 68, 76)] == ["bouncing", "bouncing", "held"]
    assert story.held_days == 30


def test_the_hash_shows_how_often_the_address_was_held(story):
    """For people who look."""
    for day in (0, 8, 16):
        story.fails("mailbox_full", day)
    assert story.state.holds == 1


def test_one_who_left_never_suppresses_the_team(story):
    """Reports that name only others hold, for a year at last, and no more."""
    for failure in (0, 8, 16):
        story.fails("mailbox_unknown", failure, names_recipient=False)
    day = 16
    for days in (30, 60, 120, 365, 365):
        assert story.held_days == days
        day += days
        story.at(day, EvidenceType.DUE)
        day += 7
        story.fails("mailbox_unknown", day, names_recipient=False)
    assert story.state.state is State.HELD


def test_an_active_profile_proves_life_after_an_old_failure(told):
    """Active within 180 days when it was sent: a failure from before that was not the end."""
    story = told(profile=Profile(OptIn.SINGLE, Engagement.ACTIVE))
    story.fails("mailbox_unknown", day=0)
    assert story.fails("mailbox_unknown", day=181) is State.HELD
    assert story.reasons[-1] == "not_believed_yet"


def test_an_active_profile_proves_nothing_about_a_recent_failure(told):
    """It may be from before."""
    story = told(profile=Profile(OptIn.SINGLE, Engagement.ACTIVE))
    story.fails("mailbox_unknown", day=0)
    assert story.fails("mailbox_unknown", day=179) is State.SUPPRESSED
