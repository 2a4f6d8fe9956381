"""The state hash: what is left out of it because other fields say it, and what is read where that is missing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bounced.core.contract.state_hash import from_fields, to_fields, to_stored
from bounced.core.contract.times import unix
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import AddressState, Evidence, EvidenceType, Streak
from bounced.core.terms import Action, Category, Class, Kind, Origin, State, Verdict

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
UNKNOWN = Verdict(Category.MAILBOX_UNKNOWN, "smtp.5.1.1", "status", Action.FAILED, "5.1.1", "550", None, "550 5.1.1 no")
BOUNCE = Evidence(EvidenceType.REPORT, AT, Origin.SMTP, Kind.BOUNCE, UNKNOWN, AT.date())
FULL = replace(BOUNCE, verdict=UNKNOWN._replace(category=Category.MAILBOX_FULL, status="5.2.2"))
ONE_FAILURE = {"first_bounce_at", "last_bounce_at"}


def after(*evidence: Evidence) -> AddressState:
    """Return the state after all of it, as a store would keep it."""
    state = AddressState()
    for each in evidence:
        state = replace(decide(state, each, DEFAULT_POLICY).after, version=state.version + 1)
    return state


def stored(state: AddressState) -> dict[str, str]:
    """Return its fields in Redis."""
    return to_stored(state, state.version)


def test_an_address_that_its_first_failure_suppressed_says_each_thing_once():
    """Its times and the day of its mail are those of `since`."""
    state = after(BOUNCE)
    assert state.state is State.SUPPRESSED
    assert to_fields(state).keys() - stored(state).keys() == {*ONE_FAILURE, "failed_mail"}
    assert stored(state)["streaks"] == f"hard:1:0:{unix(AT)}:0:0"
    assert from_fields(stored(state)) == state


def test_the_day_of_the_mail_is_kept_where_it_was_another_one():
    """A bounce may come on the day after."""
    state = after(replace(BOUNCE, sent_on=date(2026, 11, 20)))
    assert stored(state)["failed_mail"] == "hard:2026-11-20"
    assert from_fields(stored(state)) == state


def test_an_address_that_still_is_mailed_keeps_every_field():
    """Senders look at what is counted, and an earlier version that counts on would take 0 for a first failure."""
    state = after(FULL)
    assert state.state is State.BOUNCING
    assert stored(state) == to_fields(state)
    assert stored(state)["streaks"] == f"soft:1:{unix(AT)}:{unix(AT)}:0:0"
    assert from_fields(stored(state)) == state


def test_several_failures_are_told_with_their_number_and_times():
    """They are not those of `since`."""
    state = after(FULL, replace(FULL, at=AT + timedelta(days=2), sent_on=date(2026, 11, 23)))
    assert stored(state).keys() >= ONE_FAILURE
    assert from_fields(stored(state)) == state


def test_a_state_of_an_earlier_version_is_read_as_it_was():
    """It has every field; before there was `failed_mail`, it has none of that."""
    state = after(BOUNCE)
    assert from_fields(to_fields(state)) == state
    without = {name: value for name, value in to_fields(state).items() if name != "failed_mail"}
    assert from_fields(without) == replace(state, failed_mail={})
    assert from_fields(stored(replace(state, failed_mail={}))) == replace(state, failed_mail={})


def test_a_failure_after_softer_ones_keeps_both_streaks():
    """If the domain is disputed, the softer ones count on."""
    state = after(FULL, replace(BOUNCE, at=AT + timedelta(days=2), sent_on=date(2026, 11, 23)))
    assert state.streaks.keys() == {Class.SOFT, Class.HARD}
    assert from_fields(stored(state)) == state


@pytest.mark.parametrize("rubbish", ["hard", "hard:1:0", "hard:1:0:x:0:0", f"hard:1:0:{10**14}:0:0", ":1:0:5:0:0"])
def test_a_short_streak_that_nobody_can_read_counts_as_missing(rubbish: str):
    """Like any other number or time of the past."""
    state = from_fields({"state": "suppressed", "category": "operator", "streaks": rubbish})
    assert (state.streaks, state.failed_mail) == ({}, {})


def test_a_short_streak_is_one_failure():
    """Its first time is its last one."""
    state = from_fields({"state": "suppressed", "streaks": f"hard:1:0:{unix(AT)}:2:1"})
    assert state.streaks == {Class.HARD: Streak(1, AT, AT, holds=2, held=True)}
    assert state.failed_mail == {Class.HARD: AT.date()}
