"""Not believed yet: what makes a wave, and what it leaves behind."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bounced.core.policy.dispute import DisputeRule, is_known, may_be_of_wave, suppressed_as_unknown
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import (
    Action,
    Category,
    Class,
    Engagement,
    Kind,
    OptIn,
    Origin,
    Profile,
    Proof,
    State,
    Verdict,
)

from .conftest import START

ACTIVE = Profile(OptIn.SINGLE, Engagement.ACTIVE)
UNKNOWN_USER = Evidence(
    EvidenceType.REPORT,
    START,
    Origin.SMTP,
    kind=Kind.BOUNCE,
    verdict=Verdict(Category.MAILBOX_UNKNOWN, "test", "text", Action.FAILED),
    profile=ACTIVE,
)
RULE = DisputeRule()


@pytest.mark.parametrize(
    ("addresses", "usual", "disputed"), [(4, 0, False), (5, 0, True), (5, 0.5, True), (5, 0.6, False), (60, 6, True)]
)
def test_a_wave_is_five_addresses_and_ten_times_the_usual_hour(addresses, usual, disputed):
    """Both, and within an hour."""
    assert RULE.disputed("company.example", addresses, usual) is disputed


def test_a_single_address_is_never_a_wave():
    """However quiet its domain is."""
    assert not RULE.is_wave("company.example", 1)


def test_shared_mailbox_providers_are_never_disputed():
    """Thousands of their mailboxes die every day; none says anything about another."""
    assert not RULE.disputed("gmail.com", 1000, 0)
    assert replace(RULE, shared=frozenset()).disputed("gmail.com", 1000, 0)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (Profile(OptIn.SINGLE, Engagement.ACTIVE), True),
        (Profile(OptIn.CONFIRMED, Engagement.UNKNOWN), True),
        (Profile(OptIn.CONFIRMED, Engagement.INACTIVE), True),
        (Profile(OptIn.IMPORTED, Engagement.ACTIVE), False),
        (Profile(OptIn.SINGLE, Engagement.INACTIVE), False),
        (Profile(), False),
    ],
)
def test_only_confirmed_or_active_addresses_make_a_wave(profile, expected):
    """Never an imported list: that is what dead addresses look like."""
    assert is_known(profile) is expected
    assert may_be_of_wave(replace(UNKNOWN_USER, profile=profile)) is expected


@pytest.mark.parametrize(
    "facts",
    [
        {"trusted": False},
        {"names_recipient": False},
        {"kind": Kind.DELAYED},
        {"shared_from": "other"},
        {"verdict": Verdict(Category.MAILBOX_FULL, "test", "text", Action.FAILED)},
        {"verdict": Verdict(Category.MAILBOX_UNKNOWN, "test", "text", Action.FAILED, doubt="it is a guess")},
        {"verdict": None},
        {"type": EvidenceType.ENGAGED},
    ],
)
def test_what_is_no_part_of_a_wave(facts):
    """Forgeries, other recipients, delays, other reasons, and what is not proven and so suppresses nobody."""
    assert not may_be_of_wave(replace(UNKNOWN_USER, **facts))


def test_what_a_disputed_domain_says_is_not_counted(told):
    """The next time it is asked, it is asked for the first time."""
    story = told(profile=ACTIVE)
    story.state = replace(story.state, disputed_until=START + timedelta(hours=24))
    assert story.fails("mailbox_unknown", day=0) is State.HELD
    assert story.state.streaks == {}
    story.state = replace(story.state, disputed_until=None)
    assert story.fails("mailbox_unknown", day=7) is State.HELD, "not believed yet, for the first time"
    assert story.fails("mailbox_unknown", day=14) is State.SUPPRESSED


def test_a_dispute_forgets_the_failure_of_those_it_finds_held(told):
    """They were the first of the wave, and their domain was wrong about them too."""
    story = told(profile=ACTIVE)
    story.fails("mailbox_unknown", day=0)
    assert story.at(0.02, EvidenceType.DISPUTE) is State.HELD
    assert Class.HARD not in story.state.streaks
    assert story.fails("mailbox_unknown", day=30) is State.HELD


def test_a_dispute_saves_those_for_whom_it_was_the_second_time(told):
    """Suppressed by the wave, held by the dispute, with the one failure that came before."""
    story = told(profile=ACTIVE)
    story.fails("mailbox_unknown", day=0)
    story.at(1, EvidenceType.DUE)
    assert story.fails("mailbox_unknown", day=30) is State.SUPPRESSED
    assert story.at(30.03, EvidenceType.DISPUTE) is State.HELD
    assert story.state.streaks[Class.HARD].count == 1


def test_the_same_dispute_twice_changes_nothing(told):
    """Any worker may say it."""
    story = told(profile=ACTIVE)
    story.fails("mailbox_unknown", day=0)
    story.at(0.02, EvidenceType.DISPUTE)
    before = story.state
    story.at(0.03, EvidenceType.DISPUTE)
    assert story.state == before


def test_a_dispute_does_not_shorten_a_hold(told):
    """Thirty days for a full mailbox stay thirty days."""
    story = told(profile=ACTIVE)
    for day in (0, 8, 16):
        story.fails("mailbox_full", day)
    until = story.state.until
    story.fails("mailbox_unknown", day=17)
    story.at(17.01, EvidenceType.DISPUTE)
    assert story.state.until == until


def test_a_refusal_after_data_is_a_part_of_a_wave():
    """A gateway that lost its directory may answer after the message."""
    assert may_be_of_wave(replace(UNKNOWN_USER, verdict=UNKNOWN_USER.verdict._replace(proof=Proof.AFTER_DATA)))


@pytest.mark.parametrize(("doubt", "expected"), [("", True), ("it is a guess", False)])
def test_only_what_was_proven_was_suppressed_as_unknown(doubt, expected):
    """Many doubtful failures suppress like a full mailbox does, not because the address is unknown."""
    event = {"type": "report", "after": "suppressed", "category": "mailbox_unknown", "address": "a@b.example"}
    assert suppressed_as_unknown({**event, "doubt": doubt} if doubt else event, "b.example") is expected


def test_a_refusal_after_data_by_a_disputed_domain_is_not_counted(told):
    """What the domain says of unknown users is not believed, whenever it says so."""
    story = told(profile=ACTIVE)
    story.state = replace(story.state, disputed_until=START + timedelta(hours=24))
    assert story.fails("mailbox_unknown", day=0, proof=Proof.AFTER_DATA) is State.HELD
    assert story.state.streaks == {}
    assert story.fails("mailbox_inactive", day=0.9, proof=Proof.AFTER_DATA) is State.HELD
    assert story.state.streaks[Class.HARD].count == 1, "a closed mailbox is not what is disputed"


def test_a_dispute_takes_back_a_first_refusal_after_data(told):
    """The address may be mailed still, and a second failure of the same outage would suppress it."""
    story = told(profile=ACTIVE)
    assert story.fails("mailbox_unknown", day=0, proof=Proof.AFTER_DATA) is State.BOUNCING
    assert story.at(0.02, EvidenceType.DISPUTE) is State.HELD
    assert Class.HARD not in story.state.streaks
    assert story.fails("mailbox_unknown", day=30, proof=Proof.AFTER_DATA) is State.BOUNCING


def test_a_dispute_leaves_what_is_doubtful_alone(told):
    """It counts as soft, and the dispute is about hard failures."""
    story = told(profile=ACTIVE)
    story.fails("mailbox_unknown", day=0, doubt="it is a guess")
    before = story.state
    assert story.at(0.02, EvidenceType.DISPUTE) is State.BOUNCING
    assert story.state == before
