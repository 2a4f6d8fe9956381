"""Several reports of one mail are one failure, and what is late does not undo a release."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bounced.core.state import EvidenceType
from bounced.core.terms import Category, Class, Engagement, OptIn, Profile, State
from tests.core.policy.conftest import on

ACTIVE = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)


def again(story, category, day, sent, as_="hard", **facts):
    """Let a further report for a PATH come in to which mail failed before."""
    story.state = replace(story.state, path_failed_as=Class(as_))
    state = story.fails(category, day, sent, **facts)
    story.state = replace(story.state, path_failed_as=None)
    return state


def test_a_held_good_address_is_not_suppressed_by_the_echo_of_the_same_mail(told):
    """A line of the log, a notification, and the bounce 25 hours later."""
    story = told(profile=ACTIVE)
    assert story.fails("mailbox_unknown", day=0) is State.HELD
    assert story.at(1.01, EvidenceType.DUE) is State.BOUNCING
    assert again(story, "mailbox_unknown", 1.05, 0) is State.BOUNCING
    assert story.fails("mailbox_unknown", day=1.06, sent=0) is State.BOUNCING, "nor where a report has no return path"
    assert story.state.streaks[Class.HARD].count == 1
    assert story.fails("mailbox_unknown", day=7) is State.SUPPRESSED, "the next mail counts"


def test_an_address_held_for_a_dispute_is_not_suppressed_by_the_echo(story):
    """The failure was not counted, and its echo comes when the domain is believed again."""
    story.state = replace(story.state, disputed_until=on(0.1))
    assert story.fails("mailbox_unknown", day=0) is State.HELD
    story.state = replace(story.state, disputed_until=None)
    assert story.at(1.1, EvidenceType.DUE) is State.BOUNCING
    assert story.fails("mailbox_unknown", day=1.2, sent=0) is State.BOUNCING


def test_three_reports_of_one_mail_to_a_full_mailbox_are_one_failure(story):
    """Days apart, each by another door."""
    for day in (0, 2, 5):
        assert story.fails("mailbox_full", day, sent=0) is State.BOUNCING
    assert story.state.streaks[Class.SOFT].count == 1


def test_the_late_bounce_of_older_mail_is_no_further_failure(story):
    """The failure of later mail has told it already."""
    story.fails("mailbox_full", day=8)
    story.fails("mailbox_full", day=10, sent=2)
    assert story.state.streaks[Class.SOFT].count == 1


@pytest.mark.parametrize("path_is_known", [True, False])
def test_a_harder_failure_of_the_same_mail_counts_beside_the_softer_one(story, path_is_known):
    """The log says only that it was refused; the bounce says why."""
    story.fails("recipient_refused", day=0)
    if path_is_known:
        assert again(story, "mailbox_unknown", 1.1, 0, as_="soft") is State.SUPPRESSED
    else:
        assert story.fails("mailbox_unknown", day=1.1, sent=0) is State.SUPPRESSED


def test_a_softer_failure_of_the_same_mail_does_not_count(story):
    """Whatever else is said of it."""
    story.fails("mailbox_inactive", day=0)
    again(story, "mailbox_full", 1.2, 0)
    again(story, "network", 2.4, 0)
    assert story.state.streaks.keys() == {Class.HARD}


@pytest.mark.parametrize("type_", [EvidenceType.RELEASE, EvidenceType.SUBSCRIBED])
def test_after_a_release_a_path_that_was_seen_counts_nothing(story, type_):
    """The late bounce of a mail that was counted in the morning."""
    story.fails("mailbox_unknown", day=0)
    story.at(0.1, type_)
    assert again(story, "mailbox_unknown", 0.2, 0) is State.ACTIVE
    assert story.reasons[-1] == "same_mail"


@pytest.mark.parametrize("type_", [EvidenceType.RELEASE, EvidenceType.SUBSCRIBED])
@pytest.mark.parametrize("category", ["mailbox_unknown", "mailbox_inactive", "domain_invalid"])
def test_after_a_release_mail_of_that_day_is_held_and_never_suppresses(story, type_, category):
    """However many messages of the morning come back after it, and however late."""
    story.fails("mailbox_unknown", day=0)
    story.at(0.1, type_)
    for day in (0.2, 0.3, 1.5, 3):
        assert story.fails(category, day, sent=0) is not State.SUPPRESSED
    assert story.state.streaks == {}
    assert story.fails("mailbox_unknown", day=7) is State.SUPPRESSED, "mail of a later day counts"


def test_after_a_release_the_hold_lasts_24_hours(story):
    """Then the address may be mailed again."""
    story.fails("mailbox_unknown", day=0)
    story.at(0.1, EvidenceType.RELEASE)
    assert story.fails("mailbox_unknown", day=0.2, sent=0) is State.HELD
    assert story.state.until == on(0.2) + timedelta(hours=24)
    assert story.at(1.2, EvidenceType.DUE) is State.BOUNCING


def test_the_end_of_a_hold_is_no_release_that_protects(story):
    """Nobody said that the address is good."""
    story.state = replace(story.state, disputed_until=on(0.1))
    story.fails("mailbox_unknown", day=0)
    story.state = replace(story.state, disputed_until=None)
    story.at(1, EvidenceType.DUE)
    assert story.fails("mailbox_unknown", day=1.2) is State.SUPPRESSED


def about_others(story, day):
    """Let a report come in that names only another member of an alias."""
    verdict = {"category": "mailbox_unknown", "day": day, "names_recipient": False, "reporting_mta": "other.example"}
    return story.fails(**verdict)


def test_a_report_that_names_the_recipient_replaces_one_that_named_others(story):
    """Who looks the address up sees what was said of it."""
    about_others(story, 0)
    assert story.state.names_others
    assert story.fails("mailbox_full", day=0.1, reporting_mta="own.example") is State.BOUNCING
    assert story.state.category is Category.MAILBOX_FULL
    assert story.state.reporting_mta == "own.example"
    assert story.state.streaks[Class.SOFT].count == 1
    assert not story.state.names_others


def test_a_report_of_another_class_takes_back_what_named_others(story):
    """Two members of an alias are one mail; what counts is what was said of the recipient."""
    about_others(story, 0)
    story.fails("network", day=0.1)
    assert story.state.streaks.keys() == {Class.TRANSIENT}
    assert story.state.category is Category.NETWORK


def test_a_hard_failure_of_the_recipient_counts_as_the_first_where_others_were_named_before(told):
    """The failure of the other one is not held against it."""
    story = told(profile=ACTIVE)
    about_others(story, 0)
    assert story.fails("mailbox_unknown", day=0.1) is State.HELD
    assert story.state.streaks.keys() == {Class.HARD}


def test_an_echo_counts_nothing_where_other_mail_named_others_meanwhile(story):
    """Its own mail failed in that class before; what a member of an alias said of later mail stays as it is."""
    story.fails("network", day=0)
    about_others(story, 1.2)
    before = story.state
    assert again(story, "network", 1.3, 0, as_="transient") is before.state
    assert story.reasons[-1] == "same_mail"
    assert story.state == before


def test_a_report_about_others_does_not_replace_one_that_names_the_recipient(story):
    """Not even on the same day."""
    story.fails("mailbox_full", day=0)
    about_others(story, 0.1)
    assert story.state.category is Category.MAILBOX_FULL


def test_a_report_of_another_day_leaves_the_failure_that_named_others(story):
    """It was another mail, and both count."""
    about_others(story, 0)
    story.fails("mailbox_full", day=8)
    assert story.state.streaks[Class.SOFT].count == 2
    assert story.state.category is Category.MAILBOX_FULL


def test_the_state_of_an_address_held_for_others_shows_what_names_the_recipient(story):
    """It stays held as long."""
    for day in (0, 8, 16):
        about_others(story, day)
    held = story.state
    assert held.state is State.HELD
    assert story.fails("mailbox_full", day=16.1) is State.HELD
    assert story.state.until == held.until
    assert story.state.category is Category.MAILBOX_FULL
