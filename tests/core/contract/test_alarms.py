"""Rates and the alarms that they raise, without any store."""

import json
from dataclasses import replace

import pytest

from bounced.core.contract.alarms import Alarm, Level, complaints_of_nobody, rates
from bounced.core.contract.hourly_counters import rate_counters, scope_of


def test_rates_add_up_over_the_hours() -> None:
    """And leave all other counters alone."""
    hours = [{"rate:sent:list": 300, "type:sent": 300}, {"rate:sent:list": 200, "rate:hard:campaign:a:b": 7}]
    assert rates(hours) == {"list": {"sent": 500}, "campaign:a:b": {"hard": 7}}


def test_a_counter_tells_its_scope_and_measure() -> None:
    """What one function names the other reads."""
    names = rate_counters("hard", "spring", "company.example")
    scopes = [scope_of(name) for name in names]
    assert scopes == [("hard", "list"), ("hard", "campaign:spring"), ("hard", "domain:company.example")]
    assert scope_of("class:hard") is None


def test_an_alarm_survives_being_written_and_read() -> None:
    """Senders read the same."""
    alarm = Alarm(Level.PAUSE, "2026-03-02T12:00:00Z", 1000, 50, 0)
    assert Alarm.from_json(alarm.to_json()) == alarm


def test_an_alarm_that_names_providers_is_written_and_read() -> None:
    """One that names none is written as older versions write it, which know five names and no other."""
    plain = Alarm(Level.WARN, "2026-03-02T12:00:00Z", 0, 0, 3)
    assert json.loads(plain.to_json()).keys() == {"level", "since", "sent", "hard", "complaints"}
    named = replace(plain, providers={"yahoo": 2, "isp.example": 1})
    assert Alarm.from_json(named.to_json()) == named


def test_what_a_later_version_says_of_an_alarm_is_passed_over() -> None:
    """The alarm stands all the same."""
    plain = Alarm(Level.WARN, "2026-03-02T12:00:00Z", 0, 0, 3)
    later = json.dumps(json.loads(plain.to_json()) | {"colour": "red"})
    assert Alarm.from_json(later) == plain


def test_the_providers_of_a_day_are_added_up_the_most_first() -> None:
    """At most ten."""
    hours = [
        {"feedback:yahoo:unattributed": 1, "feedback:yahoo:attributed": 9, "feedback:apple:attributed": 1},
        {"feedback:yahoo:unattributed": 2, **{f"feedback_of:isp{n}.example:unattributed": 1 for n in range(20)}},
    ]
    found = complaints_of_nobody(hours)
    assert next(iter(found.items())) == ("yahoo", 3)
    assert len(found) == 10
    assert "apple" not in found


@pytest.mark.parametrize("text", ["red", "[]", "7", '{"level":"loud"}', "{}"])
def test_what_is_no_alarm(text: str) -> None:
    """Somebody else's value in the hash."""
    with pytest.raises(ValueError, match="not an alarm"):
        Alarm.from_json(text)
