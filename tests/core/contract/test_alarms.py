"""Rates and the alarms that they raise, without any store."""

import pytest

from bounced.core.contract.alarms import Alarm, Level, rates
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


@pytest.mark.parametrize("text", ["red", "[]", "7", '{"level":"loud"}', "{}"])
def test_what_is_no_alarm(text: str) -> None:
    """Somebody else's value in the hash."""
    with pytest.raises(ValueError, match="not an alarm"):
        Alarm.from_json(text)
