"""What came back of each campaign, against the thresholds, and whether to go on; of one, from whom in which words."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from starlette.responses import Response

from bounced.config.health import alarm_rule
from bounced.core.contract.campaigns import Campaign, campaign_of, named_in
from bounced.core.contract.event_types import Wanted
from bounced.core.contract.hourly_counters import KEPT_DAYS
from bounced.core.contract.times import hour
from bounced.core.state import EvidenceType
from bounced.core.terms import CLASS_OF, Category, Class
from bounced.edges.redis.course import campaign_sums
from bounced.edges.redis.event_streams import BEGINNING, END, EventStreams, Passed, before, position_at
from bounced.web.pages.layout import Visit, page, rendered
from bounced.web.pages.view import View
from bounced.web.problems import bad_request

USUAL = "24h"
CHOICES = (("24h", "24 hours"), ("48h", "48 hours"), ("7d", "7 days"), ("35d", "35 days"))
"""The spans that one click chooses."""
MOST_SHOWN = 100
MOST_CHARS = 255
"""Of a campaign's name."""
LOOK_S = 10.0
"""How long one request looks through the events."""
_KEPT = timedelta(days=KEPT_DAYS)
MOST_FAILURES, MOST_SAMPLES, MOST_DOMAINS = 5000, 10, 10
FAILURES = (EvidenceType.REPORT, EvidenceType.REJECTED, EvidenceType.COMPLAINED)
"""The types of event that may tell that mail came back."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What somebody said of the campaign's mail.  ``address`` is empty where the list keeps none."""

    at: str
    address: str
    category: str
    class_: str
    words: str


@dataclass(slots=True)
class Looked:
    """How far a look through the events has come, the newest first, and what it found of the campaign."""

    count: int = 0
    oldest: datetime | None = None
    passed: Passed = field(default_factory=Passed)
    failures: int = 0
    is_over: bool = False
    domains: Counter[str] = field(default_factory=Counter)
    samples: dict[tuple[str, str], Sample] = field(default_factory=dict)

    @property
    def back_to(self) -> datetime | None:
        """When the oldest came of which all that is newer was looked at."""
        return self.oldest if self.is_over else self.passed.back_to

    def note(self, count: int, reached: datetime) -> None:
        """Take down that so many more of one stream were looked through, to this time."""
        self.count += count
        self.oldest = min(self.oldest or reached, reached)

    def take(self, said: Mapping[str, str], view: View, *, has_addresses: bool) -> None:
        """Take down a failure; of each domain and reason the latest is the sample."""
        self.failures += 1
        address = said.get("address", "") if has_addresses else ""
        domain = address.rpartition("@")[2]
        if domain:
            self.domains[domain] += 1
        about = (said.get("category", ""), domain)
        if about not in self.samples and len(self.samples) < MOST_SAMPLES:
            words, class_ = said.get("diagnostic", ""), said.get("class", "")
            self.samples[about] = Sample(view.shown(said.get("at", "")), address, about[0], class_, words)

    @property
    def top_domains(self) -> list[tuple[str, int]]:
        """The domains with the most failures."""
        return self.domains.most_common(MOST_DOMAINS)


@page(USUAL)
async def campaigns(visit: Visit) -> Response:
    """Show the campaigns of a span of time; of one that the URL names, its failures too if it asks for them."""
    view, query = visit.view, visit.request.query_params
    name, hours = _asked(visit), _hours(view)
    settings = visit.desk.present.config.lists[view.list_]
    rule = alarm_rule(settings.alarms)
    counts = await campaign_sums(visit.desk.store, visit.desk.present.lists[view.list_].keys, hours)
    found = [campaign_of(view.list_, each, rule, counts) for each in named_in(counts) if name in ("", each)]
    looked = await _look(visit, name) if name and query.get("look") else None
    return rendered(
        visit,
        "campaigns.html",
        here="campaigns",
        found=sorted(found, key=_order)[:MOST_SHOWN],
        left_out=max(0, len(found) - MOST_SHOWN),
        name=name,
        rule=rule,
        looked=looked,
        begun=_begin(view),
        kept={"campaign": name} if name else {},
        choices=CHOICES,
        usual=USUAL,
        is_cut=bool(view.since and view.since < view.now - _KEPT),
        kept_days=KEPT_DAYS,
    )


@page(USUAL)
async def failures(visit: Visit) -> Response:
    """Show from whom the failures of a campaign came: the part that somebody asks for, because it takes a while."""
    name = _asked(visit)
    if not name:
        raise bad_request("bad-campaign", "The URL names no campaign.")
    return rendered(visit, "campaign_failures.html", looked=await _look(visit, name))


async def _look(visit: Visit, name: str) -> Looked:
    view, looked = visit.view, Looked()
    keys = visit.desk.present.lists[view.list_].keys
    has_addresses = visit.desk.present.config.lists[view.list_].address_form != "hmac"
    begin = position_at(view.since) if view.since else BEGINNING
    end = before(view.until) if view.until else END
    wanted, streams = Wanted(tuple(FAILURES), campaign=name), EventStreams(visit.desk.store, keys)
    try:
        async with asyncio.timeout(LOOK_S):
            async for each in streams.search(
                begin, end, wanted, looked=looked.note, backwards=True, passed=looked.passed
            ):
                if _is_failure(each.fields):
                    looked.take(each.fields, view, has_addresses=has_addresses)
                if looked.failures == MOST_FAILURES:
                    break
            else:
                looked.is_over = True
    except TimeoutError:
        pass  # what was found is shown, and how far it went
    return looked


def _is_failure(said: Mapping[str, str]) -> bool:
    """Whether an event says that mail came back, or that somebody complained."""
    known = said.get("category") in tuple(Category)
    class_ = CLASS_OF[Category(said["category"])] if known else Class.UNDETERMINED
    return said.get("type") == EvidenceType.COMPLAINED or class_ is not Class.NONE


def _asked(visit: Visit) -> str:
    """Return the campaign that the URL names, by its name or its tag; nothing where it names none."""
    text = visit.request.query_params.get("campaign", "").strip()[:MOST_CHARS]
    return visit.desk.present.config.lists[visit.view.list_].tags.get(text, text)


def _begin(view: View) -> datetime:
    """Return the first hour that is counted: hours are counted as a whole, as the alarms have them.

    A span that another page shows may begin before that: counters are not kept for so long.
    """
    assert view.since is not None
    begun = max(view.since, view.now - _KEPT).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    later = begun + timedelta(hours=1)
    return later if begun < view.since and later < _end(view) else begun


def _end(view: View) -> datetime:
    return min(view.until or view.now, view.now)


def _hours(view: View) -> list[str]:
    at, hours = _begin(view), []
    while at < _end(view):
        hours.append(hour(at))
        at += timedelta(hours=1)
    return hours


def _order(campaign: Campaign) -> tuple[int, int, str]:
    return campaign.urgency, -campaign.came_back, campaign.name
