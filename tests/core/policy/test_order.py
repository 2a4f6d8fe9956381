"""Older evidence never overrides newer, in whatever order it arrives."""

import pytest

from bounced.core.state import EvidenceType
from bounced.core.terms import Class, Kind, Origin, State

INTAKE = {"origin": Origin.INTAKE}


def test_an_unsubscription_is_not_undone_by_the_end_of_a_hold(story):
    """The hold ended by itself; nobody subscribed again."""
    for day in (0, 8, 16):
        story.fails("mailbox_full", day)
    story.at(46, EvidenceType.DUE)
    assert story.at(40, EvidenceType.UNSUBSCRIBED) is State.SUPPRESSED


def test_an_unsubscription_from_before_a_subscription_is_history(story):
    """The sender told late."""
    story.fails("mailbox_full", day=0)
    story.at(10, EvidenceType.SUBSCRIBED)
    assert story.at(9, EvidenceType.UNSUBSCRIBED) is State.ACTIVE


def test_an_unsubscription_in_an_archive_from_before_a_subscription_is_history(story):
    """Stored mail is taken in with the time at which it came."""
    story.fails("mailbox_full", day=0)
    story.at(10, EvidenceType.SUBSCRIBED)
    assert story.hears(Kind.SUBSCRIPTION, "unsubscribed", day=9) is State.ACTIVE
    assert story.hears(Kind.SUBSCRIPTION, "unsubscribed", day=11) is State.SUPPRESSED


@pytest.mark.parametrize(("told", "then"), [(9.9, State.ACTIVE), (10.1, State.HELD), (11, State.SUPPRESSED)])
def test_a_refusal_from_before_a_subscription_of_the_same_day_is_history(story, told, then):
    """Its time is known, and not only the day on which the mail was sent; one later on that day is held."""
    story.fails("mailbox_full", day=0)
    story.at(10, EvidenceType.SUBSCRIBED)
    assert story.fails("mailbox_unknown", day=told) is then


def test_a_subscription_does_not_lift_a_later_unsubscription_of_a_bad_address(story):
    """The address was suppressed long before, but what stands now is newer than the subscription."""
    story.fails("mailbox_unknown", day=0)
    story.at(10, EvidenceType.UNSUBSCRIBED)
    assert story.at(5, EvidenceType.SUBSCRIBED) is State.SUPPRESSED


def test_saying_it_again_renews_an_unsubscription(story):
    """What was told between the two is older than the second."""
    story.at(0, EvidenceType.UNSUBSCRIBED)
    story.at(10, EvidenceType.UNSUBSCRIBED)
    assert story.at(5, EvidenceType.SUBSCRIBED) is State.SUPPRESSED


def test_a_subscription_does_not_forget_later_failures(story):
    """It speaks for the day on which it was confirmed."""
    story.fails("mailbox_full", day=0)
    story.fails("mailbox_full", day=8)
    assert story.at(4, EvidenceType.SUBSCRIBED) is State.BOUNCING
    assert story.state.streaks[Class.SOFT].count == 1


def test_a_subscription_does_not_end_a_later_hold(story):
    """The hold began after it."""
    for day in (0, 8, 16):
        story.fails("mailbox_full", day)
    assert story.at(5, EvidenceType.SUBSCRIBED) is State.HELD


@pytest.mark.parametrize(("told", "then"), [(4, State.SUPPRESSED), (6, State.ACTIVE)])
def test_a_release_told_through_the_intake_lifts_only_what_was_there_then(story, told, then):
    """Entries may wait in the stream."""
    story.at(5, EvidenceType.COMPLAINED)
    assert story.at(told, EvidenceType.RELEASE, **INTAKE) is then


def test_an_operator_at_the_terminal_is_not_held_up_by_clocks(story):
    """Another host's clock may be ahead."""
    story.at(5, EvidenceType.COMPLAINED)
    assert story.at(4.9, EvidenceType.RELEASE) is State.ACTIVE


@pytest.mark.parametrize(("origin", "written"), [(Origin.OPERATOR, False), (Origin.INTAKE, True)])
def test_a_release_of_what_is_active_is_written_only_where_older_evidence_may_be_on_its_way(story, origin, written):
    """At a terminal there is nothing to lift; an entry of the intake has to be acknowledged, and remembered."""
    transition = story.say(EvidenceType.RELEASE, 3, origin=origin)
    assert (transition.idle, transition.changed) == (not written, written)
    assert transition.reason == ("released" if written else "nothing_to_lift")


def test_a_release_at_the_terminal_forgets_the_failures_of_a_bouncing_address(story):
    """It is on no list, and there is something to lift."""
    story.fails("mailbox_full", day=0)
    assert story.at(1, EvidenceType.RELEASE, origin=Origin.OPERATOR) is State.ACTIVE
    assert not story.state.streaks


def test_a_suppression_told_through_the_intake_before_a_release_is_history(story):
    """The release is the later word."""
    story.fails("mailbox_unknown", day=0)
    story.at(6, EvidenceType.RELEASE)
    assert story.at(5, EvidenceType.SUPPRESS, **INTAKE) is State.ACTIVE


def test_a_complaint_is_never_history(story):
    """Somebody called it spam; an operator may look again."""
    story.fails("mailbox_unknown", day=0)
    story.at(6, EvidenceType.RELEASE)
    assert story.at(5, EvidenceType.COMPLAINED) is State.SUPPRESSED


def test_a_receipt_for_an_address_without_a_state_leaves_no_trace(story):
    """A million receipts need no memory."""
    story.hears(Kind.DELIVERED, "success", day=0)
    assert story.state.version == 0
