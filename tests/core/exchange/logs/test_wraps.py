"""What stands around the text of a log line."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bounced.core.exchange.logs import Source
from bounced.core.exchange.logs.wraps import Line, Unwrap

NOW = datetime(2026, 6, 15, 12, 0, 30, tzinfo=UTC)
UNITS = frozenset({"postfix.service"})
TEXT = "4bXyZ12abcz: removed"
JOURNAL = {
    "__REALTIME_TIMESTAMP": "1781524800123456",
    "_HOSTNAME": "mx1",
    "_SYSTEMD_UNIT": "postfix.service",
    "_UID": "114",
    "SYSLOG_IDENTIFIER": "postfix/qmgr",
    "MESSAGE": TEXT,
}


def line(text: str, source: Source | None = None, now: datetime = NOW) -> Line | None:
    """Return what a line is made of."""
    return Unwrap(source or Source(), UNITS)(f"{text}\r\n".encode(), now)


@pytest.mark.parametrize(
    ("begin", "at"),
    [
        ("2026-06-15T12:00:00.123456+00:00 mx1 postfix/qmgr[99]: ", "2026-06-15T12:00:00.123456+00:00"),
        ("2026-06-15T12:00:00Z mx1 postfix/qmgr: ", "2026-06-15T12:00:00Z"),
        ("Jun 15 12:00:00 mx1 postfix/qmgr[99]: ", "2026-06-15T12:00:00+00:00"),
        ("<22>Jun  5 12:00:00 mx1 postfix/qmgr[99]: ", "2026-06-05T12:00:00+00:00"),
        ("<22>1 2026-06-15T12:00:00Z mx1 postfix/qmgr 99 - - ", "2026-06-15T12:00:00Z"),
        ('<22>1 2026-06-15T12:00:00Z mx1 postfix/qmgr 99 ID [a@1 b="c \\"]"][d] \ufeff', "2026-06-15T12:00:00Z"),
    ],
)
def test_every_form_of_syslog_is_taken_apart(begin: str, at: str):
    """RFC 3164, with its time or that of RFC 3339, and RFC 5424."""
    assert line(begin + TEXT) == Line(at, "mx1", "postfix/qmgr", TEXT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT,
        "2026-06-15 12:00:00 mx1 postfix/qmgr: x",
        "<22>1 - mx1 postfix/qmgr 99 - - x",
        "Feb 30 12:00:00 mx1 a: x",
    ],
)
def test_what_is_no_line_or_has_no_time_is_not_heard(text: str):
    """Nothing can be put in order without a time."""
    assert line(text) is None


@pytest.mark.parametrize(
    ("now", "year"),
    [("2026-06-14T13:00:00+00:00", 2026), ("2026-06-14T11:00:00+00:00", 2025), ("2027-01-01T00:00:00+00:00", 2026)],
)
def test_a_time_without_a_year_is_the_latest_that_has_come(now: str, year: int):
    """A day is allowed for clocks that differ."""
    found = line(f"Jun 15 12:00:00 mx1 postfix/qmgr: {TEXT}", now=datetime.fromisoformat(now))
    assert found is not None
    assert found.at == f"{year}-06-15T12:00:00+00:00"


def test_a_time_without_a_zone_is_of_the_configured_one():
    """With the hour that the zone has on that day; 29 February is of a leap year."""
    vienna = Source(zone=ZoneInfo("Europe/Vienna"))
    found = [line(f"{day} 12:00:00 mx1 postfix/qmgr: {TEXT}", vienna) for day in ("Jun  1", "Feb 29")]
    assert [each and each.at for each in found] == ["2026-06-01T12:00:00+02:00", "2024-02-29T12:00:00+01:00"]


@pytest.mark.parametrize("message", [TEXT, list(TEXT.encode())])
def test_the_journal_is_heard(message: object):
    """A message that is not all printable is a list of octets."""
    assert line(json.dumps({**JOURNAL, "MESSAGE": message})) == Line("1781524800", "mx1", "postfix/qmgr", TEXT)


@pytest.mark.parametrize(
    "source",
    [
        Source(units=frozenset({"postfix@-.service"})),
        Source(uids=frozenset({"0"})),
        Source(units=frozenset({"postfix.service"}), uids=frozenset({"0"})),
        Source(hosts=frozenset({"mx2"})),
    ],
)
def test_what_another_unit_or_user_wrote_is_not_heard(source: Source):
    """The journal knows who wrote an entry, whatever name it logs under."""
    assert line(json.dumps(JOURNAL), source) is None


def test_without_a_setting_the_unit_is_that_of_the_package():
    """A user's own program may call itself Postfix; where users are named, any unit of theirs may write."""
    forged = json.dumps({**JOURNAL, "_SYSTEMD_UNIT": "session-1.scope"})
    assert line(forged) is None
    assert line(forged, Source(uids=frozenset({"114"}))) is not None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "{" * 5000,
        json.dumps({**JOURNAL, "MESSAGE": None}),
        json.dumps({**JOURNAL, "_SYSTEMD_UNIT": ["postfix.service"]}),
        json.dumps({**JOURNAL, "SYSLOG_IDENTIFIER": {}}),
        json.dumps({**JOURNAL, "__REALTIME_TIMESTAMP": "x"}),
    ],
)
def test_rubbish_in_the_journal_is_not_heard(text: str):
    """Nothing is raised."""
    assert line(text) is None
