"""What ``--since`` and ``--until`` read, and how times are shown: in UTC, or with ``--local`` where the machine is."""

import os
import time
from datetime import UTC, datetime, timedelta

import click
import pytest

from bounced.cli import times
from bounced.cli.times import local_option, moment, shown, span, zone_name

HERE = datetime(2024, 3, 10, 2, 30, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(times, "now", lambda: HERE)


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch):
    """Run with a machine nine hours before UTC, and a command that was given --local."""
    monkeypatch.setitem(os.environ, "TZ", "Asia/Tokyo")
    time.tzset()
    command = local_option(click.command()(lambda: None))
    with command.make_context("bounced", ["--local"]).scope():
        yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2024-03-01", "2024-03-01T00:00", "2024-03-02T00:00"),
        ("20240301", "2024-03-01T00:00", "2024-03-02T00:00"),
        ("2024-03-01T08:30", "2024-03-01T08:30", "2024-03-01T08:30"),
        ("2024-03-01 08:30", "2024-03-01T08:30", "2024-03-01T08:30"),
        ("2024-03-01T08:30+02:00", "2024-03-01T06:30", "2024-03-01T06:30"),
        ("yesterday", "2024-03-09T00:00", "2024-03-10T00:00"),
        ("today", "2024-03-10T00:00", "2024-03-11T00:00"),
        ("yesterday 14:00", "2024-03-09T14:00", "2024-03-09T14:00"),
        ("Yesterday14:00", "2024-03-09T14:00", "2024-03-09T14:00"),
        ("02:00", "2024-03-10T02:00", "2024-03-10T02:00"),
        ("22:00", "2024-03-09T22:00", "2024-03-09T22:00"),
        ("9:05", "2024-03-09T09:05", "2024-03-09T09:05"),
        ("90m", "2024-03-10T01:00:15", "2024-03-10T01:00:15"),
        ("2h ago", "2024-03-10T00:30:15", "2024-03-10T00:30:15"),
        ("1 w", "2024-03-03T02:30:15", "2024-03-03T02:30:15"),
    ],
)
def test_a_time_is_read(text: str, begin: str, end: str):
    """A day alone is a span, an hour alone the last one, and a time without a zone is UTC."""
    assert moment("--since", text) == datetime.fromisoformat(begin).replace(tzinfo=UTC)
    assert moment("--until", text, end=True) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["soon", "2024-02-30", "25:00", "yesterday 25:00", "todayish", "9999999w", "9999-12-31T"]
)
def test_what_is_no_time_is_refused(text: str):
    """The refusal names the option, the text, the zone, and what is read."""
    with pytest.raises(click.UsageError, match=rf"--since: '{text}' is no time; in UTC, it is 2026-05-01, "):
        moment("--since", text)


def test_nothing_is_no_time():
    """An option that was not given names no time."""
    assert span(None, "") == (None, None)


def test_a_span_has_a_beginning_before_its_end():
    """A span that ends before it begins is refused; one day is a span."""
    begin, end = span("yesterday", "yesterday")
    assert begin
    assert end == begin + timedelta(days=1)
    with pytest.raises(click.UsageError, match="--since today is not before --until yesterday"):
        span("today", "yesterday")


def test_times_are_shown_in_utc():
    """Without --local a time is shown in UTC, whatever zone it names."""
    assert shown("2024-03-01T08:30:59+02:00") == "2024-03-01 06:30"
    assert shown(HERE, seconds=True) == "2024-03-10 02:30:15"
    assert (shown(None), shown("never")) == ("", "never")
    assert zone_name() == "UTC"


def test_local_turns_what_is_read_and_shown(in_tokyo: None):
    """With --local both are in the zone of the machine, and the zone is named."""
    assert shown("2024-03-01T08:30:00Z") == "2024-03-01 17:30"
    assert zone_name() == "JST"
    assert moment("--since", "yesterday 14:00") == datetime(2024, 3, 9, 5, 0, tzinfo=UTC)
    assert moment("--until", "2024-03-01", end=True) == datetime(2024, 3, 1, 15, 0, tzinfo=UTC)
    assert moment("--since", "2024-03-01T08:30Z") == datetime(2024, 3, 1, 8, 30, tzinfo=UTC)
