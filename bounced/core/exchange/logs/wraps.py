"""What stands around the text of a log line: syslog (RFC 3164, with either time), RFC 5424, or the journal's JSON."""

import json
import re
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from bounced.core.exchange.logs.parser import Source

_PRI = r"(?:<[0-9]{1,3}>)?"
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_BSD = r"[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
# TIMESTAMP SP HOSTNAME SP TAG ["[" PID "]"] ":" SP CONTENT  (RFC 3164 section 4.1; the time also as RFC 3339)
_SYSLOG = re.compile(rf"{_PRI}(?:({_ISO})|({_BSD})) (\S+) ([^\s:\[\]]+)(?:\[[0-9]+\])?: (.*)", re.DOTALL | re.ASCII)
_STRUCTURED = r'(?:-|(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*+")*+\])+)'
# PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP STRUCTURED-DATA [SP MSG]  (RFC 5424 section 6)
_RFC5424 = re.compile(rf"{_PRI}1 ({_ISO}|-) (\S+) (\S+) \S+ \S+ {_STRUCTURED} (?:\ufeff)?(.*)", re.DOTALL | re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_YEARS = 9
"""29 February is at most 8 years ago."""


class Line(NamedTuple):
    """A line of a log: when, on which host, by which program, and what it says.  ``at`` is as an entry has it."""

    at: str
    host: str
    program: str
    text: str


class Unwrap:
    """Takes lines apart, and drops what another host, unit or user wrote.

    A line is what its beginning says, since nobody but the log daemon writes that.
    """

    def __init__(self, source: Source, units: frozenset[str]) -> None:
        self._hosts, self._zone = source.hosts, source.zone
        self._uids = source.uids
        self._units = source.units or (frozenset() if source.uids else units)
        self._last = ("", "")

    def __call__(self, line: bytes, now: datetime) -> Line | None:
        """Return what a line is made of; None where it is none of ours."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith("{"):
            found = self._journal(text)
        elif given := _SYSLOG.match(text):
            iso, bsd, host, program, said = given.groups()
            found = Line(iso or self._dated(bsd, now), host, program, said)
        elif given := _RFC5424.match(text):
            at, host, program, said = given.groups()
            found = Line("" if at == "-" else at, host, program, said)
        else:
            return None
        if found is None or not found.at:  # what has no time cannot be put in order
            return None
        return found if not self._hosts or found.host in self._hosts else None

    def _journal(self, text: str) -> Line | None:
        """Return an entry of the journal.  Nobody but the journal can set a field that begins with "_"."""
        try:
            entry = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not self._is_written_by_ours(entry):
            return None
        said = entry.get("MESSAGE")
        if isinstance(said, list):  # octets, where they are not all printable
            said = bytes(each & 255 for each in said if isinstance(each, int)).decode("utf-8", "replace")
        at, program = str(entry.get("__REALTIME_TIMESTAMP", "")), entry.get("SYSLOG_IDENTIFIER")
        if not isinstance(said, str) or not isinstance(program, str) or not at.isdecimal():
            return None
        return Line(at[:-6], str(entry.get("_HOSTNAME", "")), program, said)

    def _is_written_by_ours(self, entry: dict[str, object]) -> bool:
        is_unit = not self._units or str(entry.get("_SYSTEMD_UNIT", "")) in self._units
        return is_unit and (not self._uids or str(entry.get("_UID", "")) in self._uids)

    def _dated(self, text: str, now: datetime) -> str:
        """Return a time without year and zone as the latest one that is not later than tomorrow."""
        if self._last[0] != text:
            self._last = (text, self._year(text, now))
        return self._last[1]

    def _year(self, text: str, now: datetime) -> str:
        month = _MONTHS.index(text[:3]) + 1 if text[:3] in _MONTHS else 0
        latest, day, (hour, minute, second) = now + timedelta(days=1), int(text[4:6]), map(int, text[7:].split(":"))
        for year in range(latest.astimezone(self._zone).year, latest.year - _YEARS, -1):
            try:
                at = datetime(year, month, day, hour, minute, second, tzinfo=self._zone)
            except ValueError:
                continue
            if at <= latest:
                return at.isoformat()
        return ""


def in_zone(day: str, time: str, zone: tzinfo) -> str:
    """Return a local time as an entry has it."""
    try:
        return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone).isoformat()
    except ValueError:
        return f"{day}T{time}"
