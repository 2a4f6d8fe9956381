"""What is told of a campaign: its numbers against the thresholds, a verdict, and from whom the failures came."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from bounced.core.contract.hourly_counters import DELIVERED, counters
from bounced.core.contract.times import hour
from bounced.core.state import AddressState, Evidence, EvidenceType, Transition
from bounced.core.terms import Origin
from bounced.web.pages.campaigns import _hours
from bounced.web.pages.view import View
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_address import bounced
from .test_overview import text_of

TAGS = 'tags = { spring = "Spring sale" }\n[lists.other.alarms]\nat_least_sent = 100\n'
NUMBERS: dict[str, Any] = {"sent": 40_000, "hard": 2400, "complaint": 12}
AT = datetime(2001, 5, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
async def site(start: Start, people: None) -> AsyncIterator[Site]:
    """Give the application with a campaign that has a tag in the list other."""
    async with start(private=PRIVATE, lists=TAGS) as site:
        yield site


async def count(site: Site, url: str, name: str, hours_ago: int = 0, list_: str = "other", **numbers: int) -> None:
    """Count some hours ago: sent, hard, complaint, and reports of a class."""
    rates = ("sent", "hard", "complaint")
    named: dict[Any, Any] = {
        f"rate:{what}:campaign:{name}" if what in rates else f"campaign:{name}:{what}": number
        for what, number in numbers.items()
    }
    at = hour(site.desk.clock() - timedelta(hours=hours_ago))
    async with Redis.from_url(url) as server:
        await server.hset(site.store.keyspace(list_).counts(at), mapping=named)


async def test_a_list_without_campaigns_says_so_in_words(alice: httpx.AsyncClient) -> None:
    """With the thresholds that a campaign would have; one that is misspelt is nothing either."""
    told = text_of(await alice.get("/campaigns"))
    assert "No campaign had any mail or failure in this time." in told
    assert (
        "Slow down from 2 % hard failures or 0.1 % complaints; pause from 5 % or 0.3 %, of at least 500 sent." in told
    )
    assert "Nothing is counted of this campaign" in text_of(await alice.get("/campaigns?campaign=sprin"))


async def test_what_should_pause_stands_first_with_its_reason(
    site: Site, alice: httpx.AsyncClient, redis_url: str
) -> None:
    """Each number, its share of what was sent, and what the verdict rests on; what nobody told is said to be so."""
    await count(site, redis_url, "Weekly", sent=1000, hard=3, delivered=950)
    await count(site, redis_url, "Reminder", hard=40, block=9)
    await count(site, redis_url, "Spring sale", hours_ago=1, **NUMBERS, block=900, soft=300)
    told = text_of(await alice.get("/campaigns?list=other"))
    assert "Spring sale pause 40,000 2,400 6.0 % 12 <0.1 % 900 300 not told" in told.replace("&lt;", "<")
    assert "Reminder unknown not told 40 – 0 – 9 0 not told" in told  # noqa: RUF001 - dashes are meant
    assert "Weekly go on 1,000 3 0.3 % 0 0 % 0 0 950" in told
    assert "Spring sale : pause : hard 6.0 %, pause from 5.0 %" in told
    assert told.index("Spring sale pause") < told.index("Reminder unknown") < told.index("Weekly go on")
    assert "of at least 100 sent" in told


async def test_one_campaign_is_shown_by_name_or_tag(site: Site, alice: httpx.AsyncClient, redis_url: str) -> None:
    """It is part of the URL, and stays where another span is chosen."""
    await count(site, redis_url, "Spring sale", **NUMBERS)
    await count(site, redis_url, "Weekly", **NUMBERS)
    for name in ("spring", "Spring sale"):
        page = await alice.get("/campaigns", params={"list": "other", "campaign": name})
        assert "Weekly" not in page.text
        assert "Spring sale pause 40,000" in text_of(page)
    assert "campaign=Spring+sale" in page.text
    assert "campaign=Spring+sale" in (await alice.get("/campaigns?list=other")).text


async def test_what_was_counted_before_the_span_is_left_out(
    site: Site, alice: httpx.AsyncClient, redis_url: str
) -> None:
    """By whole hours."""
    await count(site, redis_url, "Old", hours_ago=30, **NUMBERS)
    assert "No campaign had" in text_of(await alice.get("/campaigns?list=other"))
    assert "Old pause 40,000" in text_of(await alice.get("/campaigns?list=other&since=48h"))
    told = text_of(await alice.get("/campaigns?list=other&since=90d"))
    assert "Old pause 40,000" in told, "a span that another page shows is no error here"
    assert "Counters of campaigns are kept for 35 days." in told


def test_a_day_has_the_hours_that_the_command_and_the_alarms_have() -> None:
    """This hour and the 23 before it; of a span that begins with an hour, all of it; never none."""

    def hours(since: datetime, until: datetime | None = None) -> list[str]:
        return _hours(View("main", ("main",), AT, since=since, until=until))

    day = hours(AT - timedelta(hours=24))
    assert (len(day), day[0], day[-1]) == (24, "2001050913", "2001051012")
    assert hours(datetime(2001, 5, 10, 10, tzinfo=UTC)) == ["2001051010", "2001051011", "2001051012"]
    assert hours(AT - timedelta(minutes=10)) == ["2001051012"]


@pytest.mark.parametrize("path", ["/campaigns?look=yes", "/campaigns/failures?"])
async def test_from_whom_the_failures_came(site: Site, alice: httpx.AsyncClient, path: str) -> None:
    """Domains with the most, and samples with the words: of this campaign only, as a page and as a part of one."""
    for address in ("a@example.org", "b@example.org", "c@example.net"):
        await bounced(site, address)
    await bounced(site, "d@example.com", campaign="winter")
    told = text_of(await alice.get(f"{path}&campaign=spring&since=7d"))
    assert "example.org 2 66.7 %" in told
    assert "example.net 1 33.3 %" in told
    assert "example.com" not in told.replace("bounce.example.com", "")
    assert "User unknown in virtual mailbox table" in told
    assert "3 reports of 8 events that were looked through" in told
    assert "That is not all" not in told


async def test_a_campaign_without_failures_says_so(alice: httpx.AsyncClient) -> None:
    """And a part of no campaign is none."""
    told = text_of(await alice.get("/campaigns/failures?campaign=spring"))
    assert "Nothing came back of it." in told
    assert (await alice.get("/campaigns/failures")).status_code == 400


async def test_a_list_without_addresses_shows_none(start: Start, people: None) -> None:
    """There are samples of each reason, and no domains."""
    pepper = 'address_form = "hmac"\npepper_file = "a.key"\n'
    async with start(private=PRIVATE, lists=pepper) as site:
        browser = await signed_in(site)
        await bounced(site, list_="other")
        page = await browser.get("/campaigns?list=other&campaign=spring&since=7d&look=yes")
        key = site.store.keyspace("other").address_id("bob@example.org")
    assert "The list keeps no addresses, so nobody can tell the domains." in text_of(page)
    assert "550 5.1.1 &lt;(address)&gt;" in page.text
    assert "bob" not in page.text
    assert key not in page.text


def test_deliveries_are_counted_for_their_campaign() -> None:
    """A sender or a service that tells them says so; nothing is counted of mail without a campaign."""
    for campaign, counted in (("spring", True), ("", False)):
        evidence = Evidence(EvidenceType.DELIVERED, AT, Origin.INTAKE, campaign=campaign)
        transition = Transition(evidence, AddressState(), AddressState(), "delivered")
        assert (f"campaign:{campaign}:{DELIVERED}" in counters("example.org", transition)) is counted
