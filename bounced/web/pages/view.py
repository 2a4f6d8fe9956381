"""What the URL of every page names: a list, a span of time, and the zone in which times are shown and read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from bounced.core.contract.times import past_moment
from bounced.core.escape import visible
from bounced.core.spoken_times import READS, in_zone, read_time, zone_of
from bounced.web.problems import Problem, bad_request

LOCAL, UTC_ZONE = "local", "utc"
MOST_CHARS = 40
"""Of a time in a URL."""


@dataclass(frozen=True, slots=True)
class View:
    """What somebody looks at.

    ``given`` has what the URL names beside the list, as it stands there.  ``since`` and ``until`` are None where a
    page shows no span, or where the URL names none.
    """

    list_: str
    lists: tuple[str, ...]
    now: datetime
    local: bool = False
    given: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    @property
    def zone(self) -> str:
        """The name of the zone."""
        return zone_of(self.now, local=self.local)

    def shown(self, at: datetime | str | None, *, seconds: bool = False) -> str:
        """Return a time for people, without its zone; what is no time as it stands."""
        read = past_moment(at) if isinstance(at, str) else at
        if read is None:
            return visible(at) if isinstance(at, str) else ""
        there = in_zone(read, local=self.local).replace(tzinfo=None)
        return there.isoformat(" ", "seconds" if seconds else "minutes")

    def url(self, path: str, **changed: str) -> str:
        """Return the URL of a page with the same list, span and zone; an empty value takes one away."""
        said = {"list": self.list_, **self.given, **changed}
        query = urlencode({name: value for name, value in said.items() if value})
        return f"{path}?{query}" if query else path


def view_of(lists: tuple[str, ...], query: Mapping[str, str], now: datetime, usual_since: str = "") -> View:
    """Return what a URL names; ``usual_since`` is the beginning where it names none.  Raises Problem."""
    list_ = query.get("list") or lists[0]
    if list_ not in lists:
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-list", f"There is no list {list_}.")
    zone = query.get("tz") or UTC_ZONE
    if zone not in (LOCAL, UTC_ZONE):
        raise bad_request("bad-zone", f"tz is utc or local, not {zone}.")
    local = zone == LOCAL
    since = _time("since", query.get("since") or usual_since, now, local=local)
    until = _time("until", query.get("until", ""), now, local=local, end=True)
    if since and since >= (until or now):
        raise bad_request("bad-span", "The beginning of the span is not before its end.")
    given = {name: query[name] for name in ("since", "until") if query.get(name)}
    return View(list_, lists, now, local, {**given, **({"tz": LOCAL} if local else {})}, since, until)


def _time(name: str, text: str, now: datetime, *, local: bool, end: bool = False) -> datetime | None:
    text = text.strip()[:MOST_CHARS]
    if not text:
        return None
    try:
        return read_time(text, now, local=local, end=end)
    except (ValueError, OverflowError):
        raise bad_request("bad-time", f"{name} is {text!r}, which is no time. A time is {READS}.") from None
