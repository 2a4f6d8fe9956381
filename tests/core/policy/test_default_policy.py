"""The default policy, one test a row."""

import pytest

from bounced.core.state import EvidenceType
from bounced.core.terms import Class, Engagement, Kind, OptIn, Profile, State

AT_ONCE = ["mailbox_unknown", "bad_address", "mailbox_moved"]
SECOND = ["mailbox_inactive", "domain_invalid"]
SOFT = ["mailbox_full", "recipient_refused", "expired"]
PATIENT = ["relay_denied", "rate_limited", "greylisted", "dns_failure", "network", "remote_system", "undetermined"]
BLOCKS = [
    "reputation_block",
    "spam_content",
    "auth_failure",
    "tls_failure",
    "policy",
    "sender_rejected",
    "virus",
    "content_rejected",
    "message_too_big",
    "protocol_error",
]
ACTIVE = Profile(OptIn.SINGLE, Engagement.ACTIVE)
CONFIRMED_ACTIVE = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
IMPORTED = Profile(OptIn.IMPORTED, Engagement.UNKNOWN)
FIRST_MAIL = Profile(OptIn.SINGLE, Engagement.FIRST_MAIL)


@pytest.mark.parametrize("category", AT_ONCE)
def test_an_unknown_mailbox_is_suppressed_the_first_time(story, category):
    """The address is bad, and nothing speaks against it."""
    assert story.fails(category, day=0) is State.SUPPRESSED
    assert story.state.category == category


@pytest.mark.parametrize("category", AT_ONCE)
@pytest.mark.parametrize("profile", [ACTIVE, Profile(OptIn.CONFIRMED)])
def test_an_unknown_mailbox_with_a_good_profile_is_held_a_day_and_suppressed_by_a_second_one(told, category, profile):
    """A gateway that lies does it for hours; a mailbox that is gone stays gone."""
    story = told(profile=profile)
    assert story.fails(category, day=0) is State.HELD
    assert story.held_days == 1
    assert story.at(1, EvidenceType.DUE) is State.BOUNCING
    assert story.fails(category, day=2) is State.SUPPRESSED


def test_a_second_unknown_mailbox_within_a_day_changes_nothing(told):
    """Two bounces of one afternoon are one piece of evidence."""
    story = told(profile=ACTIVE)
    story.fails("mailbox_unknown", day=0)
    assert story.fails("mailbox_unknown", day=0.9) is State.HELD
    assert story.reasons[-1] == "within_24_hours"


def test_a_late_bounce_of_mail_from_before_the_hold_is_no_second_one(told):
    """The hold is over, but this mail was sent before it ended."""
    story = told(profile=ACTIVE)
    story.fails("mailbox_unknown", day=0)
    assert story.fails("mailbox_unknown", day=1.5, sent=0) is State.BOUNCING
    assert story.reasons[-1] == "sent_before_release"


def test_an_address_that_engaged_lately_is_believed_to_be_alive(story):
    """What a sender told through the intake counts like a profile."""
    story.fails("mailbox_full", day=0)
    story.at(1, EvidenceType.ENGAGED)
    assert story.fails("mailbox_unknown", day=100) is State.HELD


def test_engagement_is_remembered_for_180_days(story):
    """After half a year it says nothing any more."""
    story.fails("mailbox_full", day=0)
    story.at(1, EvidenceType.ENGAGED)
    assert story.fails("mailbox_unknown", day=182) is State.SUPPRESSED


@pytest.mark.parametrize("category", SECOND)
def test_an_inactive_mailbox_is_suppressed_by_the_second_failure_a_day_later(story, category):
    """The first may be a mistake of a day."""
    assert story.fails(category, day=0) is State.BOUNCING
    assert story.fails(category, day=0.5) is State.BOUNCING
    assert story.fails(category, day=1) is State.SUPPRESSED


def test_hard_failures_count_400_days(story):
    """Two failures a year apart are still two; after that the first is forgotten."""
    story.fails("domain_invalid", day=0)
    assert story.fails("domain_invalid", day=401) is State.BOUNCING
    assert story.fails("domain_invalid", day=800) is State.SUPPRESSED


@pytest.mark.parametrize("category", SOFT)
def test_soft_failures_need_three_in_more_than_fifteen_days(story, category):
    """The ISIPP rule."""
    assert story.fails(category, day=0) is State.BOUNCING
    assert story.fails(category, day=7) is State.BOUNCING
    assert story.fails(category, day=15) is State.BOUNCING, "exactly fifteen days are not more than fifteen"
    assert story.fails(category, day=16) is State.HELD
    assert story.held_days == 30


@pytest.mark.parametrize("category", SOFT)
def test_soft_holds_climb_30_60_120_and_then_suppress(story, category):
    """The first failure after each release holds one step longer."""
    day = 16
    for failure in (0, 8, 16):
        story.fails(category, failure)
    for days in (30, 60, 120):
        assert story.state.state is State.HELD
        assert story.held_days == days
        day += days
        assert story.at(day, EvidenceType.DUE) is State.BOUNCING
        day += 7
        story.fails(category, day)
    assert story.state.state is State.SUPPRESSED
    assert story.state.class_ is Class.SOFT


@pytest.mark.parametrize("category", PATIENT)
def test_transient_and_undetermined_need_five_and_never_suppress(story, category):
    """Held for 30, 60, 120 days, then for a year at a time, and never more."""
    for failure in (0, 4, 8, 12):
        assert story.fails(category, failure) is State.BOUNCING
    story.fails(category, 16)
    day = 16
    for days in (30, 60, 120, 365, 365):
        assert story.state.state is State.HELD
        assert story.held_days == days
        day += days
        assert story.at(day, EvidenceType.DUE) is State.BOUNCING
        day += 7
        story.fails(category, day)


@pytest.mark.parametrize("category", BLOCKS)
def test_a_block_never_touches_the_address(told, category):
    """The sender was refused, not the recipient."""
    story = told(profile=IMPORTED)
    for day in range(0, 400, 2):
        assert story.fails(category, day) is State.ACTIVE
    assert story.state.version == 0


def test_a_complaint_suppresses_at_once(told):
    """Whatever the profile says."""
    story = told(profile=CONFIRMED_ACTIVE)
    assert story.hears(Kind.COMPLAINT, "complaint", day=0) is State.SUPPRESSED
    assert story.state.category == "complaint"


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        (Kind.DELAYED, "mailbox_full"),
        (Kind.AUTO_REPLY, "auto_reply"),
        (Kind.CHALLENGE, "challenge"),
        (Kind.RELAYED, "success"),
        (Kind.EXPANDED, "success"),
        (Kind.OTHER, "undetermined"),
        (Kind.BOUNCE, "already_suppressed"),
    ],
)
def test_what_is_no_failure_changes_nothing(story, kind, category):
    """Delays, auto-replies, challenges and receipts are recorded only."""
    story.fails("mailbox_full", day=0)
    before = story.state
    story.hears(kind, category, day=8)
    assert story.state == before


def test_a_reported_success_resets_the_count(story):
    """The mailbox takes mail."""
    story.fails("mailbox_full", day=0)
    story.fails("mailbox_full", day=8)
    assert story.hears(Kind.DELIVERED, "success", day=10) is State.ACTIVE
    assert story.fails("mailbox_full", day=17) is State.BOUNCING
    assert story.state.streaks[Class.SOFT].count == 1


def test_an_address_counts_at_most_once_in_24_hours(story):
    """Ten bounces in a day are one."""
    for hour in range(10):
        story.fails("mailbox_full", day=hour / 24)
    assert story.state.streaks[Class.SOFT].count == 1


def test_a_hard_failure_counts_beside_a_soft_one_of_the_same_day(story):
    """Hard beats soft at any time."""
    story.fails("mailbox_full", day=0)
    assert story.fails("mailbox_unknown", day=0.1) is State.SUPPRESSED


def test_a_gap_of_more_than_three_cadences_starts_a_new_streak(told):
    """Weekly mail that got through for three weeks was no streak."""
    story = told()
    story.fails("mailbox_full", day=0)
    story.fails("mailbox_full", day=21)
    assert story.state.streaks[Class.SOFT].count == 2
    story.fails("mailbox_full", day=43)
    assert story.state.streaks[Class.SOFT].count == 1


def test_counts_are_kept_per_class(story):
    """Two soft and two transient failures are no streak of four."""
    for day, category in enumerate(("mailbox_full", "network", "mailbox_full", "network")):
        story.fails(category, day=day * 6)
    assert {class_: streak.count for class_, streak in story.state.streaks.items()} == {"soft": 2, "transient": 2}


def test_a_confirmed_and_active_recipient_is_given_one_more(told):
    """Three soft failures do not hold it, four do; a dead domain needs three."""
    story = told(profile=CONFIRMED_ACTIVE)
    assert [story.fails("mailbox_full", day) for day in (0, 8, 16, 24)] == ["bouncing"] * 3 + ["held"]
    other = told(profile=CONFIRMED_ACTIVE)
    assert [other.fails("domain_invalid", day) for day in (0, 8, 16)] == ["bouncing"] * 2 + ["suppressed"]


@pytest.mark.parametrize("profile", [IMPORTED, FIRST_MAIL])
def test_an_imported_or_first_mailed_recipient_is_given_one_less_and_never_under_one(told, profile):
    """Two soft failures hold it, one of a dead domain suppresses it, and unknown stays at one."""
    story = told(profile=profile)
    assert [story.fails("mailbox_full", day) for day in (0, 16)] == ["bouncing", "held"]
    assert told(profile=profile).fails("domain_invalid", day=0) is State.SUPPRESSED
    assert told(profile=profile).fails("mailbox_unknown", day=0) is State.SUPPRESSED


def test_silence_is_not_recovery(story):
    """A year without a word lets the count lapse, not the steps that were climbed."""
    for day in (0, 8, 16):
        story.fails("mailbox_full", day)
    story.at(46, EvidenceType.DUE)
    for day in (400, 408, 416):
        story.fails("mailbox_full", day)
    assert story.held_days == 60
