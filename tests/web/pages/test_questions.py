"""Three questions asked at night: each is answered from the overview by at most three clicks, in 20 seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from redis.asyncio import Redis

from bounced.core.contract.alarms import Alarm, Level
from bounced.core.contract.times import hour, stamp
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Kind, Origin, State, Verdict
from tests.support.browser import Watched
from tests.web.conftest import Site

from .test_providers import refused

MOST_CLICKS, MOST_S = 3, 20
WRONG, RIGHT = 30, 5
"""Addresses that were suppressed in the hour of the mistake, and two hours before it."""


class Hand:
    """Somebody's hand on the mouse: it clicks what is seen, and counts how often."""

    def __init__(self, browser: Watched) -> None:
        self.page = browser.page
        self.clicks = 0

    async def click(self, what: str) -> None:
        """Click what a selector finds."""
        self.clicks += 1
        await self.page.click(what)

    async def reads(self, *words: str) -> None:
        """Wait until the page says so."""
        for each in words:
            await self.page.wait_for_selector(f"main :text('{each}')")


@asynccontextmanager
async def asked(browser: Watched) -> AsyncIterator[Hand]:
    """Give a hand that has the overview before it, and see that it was quick."""
    await browser.open("/?list=main")
    hand = Hand(browser)
    async with asyncio.timeout(MOST_S):
        yield hand
    assert hand.clicks <= MOST_CLICKS


def hours_ago(site: Site, hours: int) -> datetime:
    """Return the beginning of an hour."""
    return (site.desk.clock() - timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
async def mistake(site: Site, redis_url: str) -> datetime:
    """Fill the list; return when the hour began in which addresses were suppressed by mistake."""
    await refused(site, redis_url, 9, provider="yahoo", category="reputation_block")
    for hours in (9, 8, 7, 7):
        await refused(site, redis_url, hours)
    async with Redis.from_url(redis_url) as server:
        for name, count in {"category:rate_limited": 4, "category:reputation_block": 1}.items():
            await server.hset(site.keys.counts(hour(hours_ago(site, 8))), name, str(count))
        for name, count in {"sent:campaign:autumn": 1000, "hard:campaign:autumn": 60}.items():
            await server.hset(site.keys.counts(hour(hours_ago(site, 3))), f"rate:{name}", str(count))
        alarm = Alarm(Level.PAUSE, stamp(hours_ago(site, 2)), 1000, 60, 0)
        await server.hset(site.keys.alarms, "campaign:autumn", alarm.to_json())
    wrong = hours_ago(site, 20)
    for number in range(WRONG):
        await suppressed(site, f"wrong{number}@example.org", wrong + timedelta(minutes=number))
    for number in range(RIGHT):
        await suppressed(site, f"right{number}@example.org", wrong - timedelta(hours=2, minutes=number))
    return wrong


async def suppressed(site: Site, address: str, at: datetime) -> None:
    """Commit a hard bounce of a time."""
    verdict = Verdict(Category.MAILBOX_UNKNOWN, "generic-user-unknown", "diagnostic", diagnostic="no", proof="words")
    said = Evidence(EvidenceType.REPORT, at, Origin.SMTP, kind=Kind.BOUNCE, verdict=verdict, campaign="summer")
    await site.desk.present.pipeline.commit(ReportId("main", f"path-{address}", "x"), address, said)


@pytest.mark.usefixtures("mistake")
async def test_blocked_at_gmail_last_night_show_me(browser: Watched) -> None:
    """The reason in the overview's table, the provider: its words, its hours, what to do."""
    async with asked(browser) as hand:
        await hand.click("main table a:text('rate limited')")
        await hand.click("main table a:has-text('google')")
        await hand.reads("4 refusals, by hour", "See https://support.example.net/rates", "→")
        assert "yahoo" not in await hand.page.inner_text("main")


@pytest.mark.usefixtures("mistake")
async def test_blocks_are_found_by_the_navigation_too(browser: Watched) -> None:
    """And a bar of the chart shows its hour, of the same provider."""
    async with asked(browser) as hand:
        await hand.click("nav a:text('Providers')")
        await hand.click("main table a:has-text('google')")
        await hand.click(".chart a:has-text('rate limited: 2')")
        await hand.reads("2 refusals, by hour", "Only provider")


@pytest.mark.usefixtures("mistake")
async def test_a_campaign_has_six_per_cent_stop(browser: Watched) -> None:
    """The alarm leads to the campaign: pause, and on what that rests."""
    async with asked(browser) as hand:
        await hand.click("main table a:has-text('campaign:autumn')")
        await hand.reads("pause", "60", "6.0", "What the verdicts rest on")
    async with asked(browser) as hand:
        await hand.click("nav a:text('Campaigns')")
        await hand.reads("autumn", "pause", "What the verdicts rest on")


async def test_undo_what_was_suppressed_in_an_hour(site: Site, browser: Watched, mistake: datetime) -> None:
    """The hour's bar, its recovery, a reason: what was suppressed in another hour stays."""
    async with asked(browser) as hand:
        await hand.click(f".chart a:has-text('{mistake:%Y-%m-%d %H:%M}'):has-text('suppressed: {WRONG}')")
        await hand.click("main a:text('Take back')")
        await hand.reads(f"{WRONG} addresses fit")
        await hand.click("input[name=reason]")
        await hand.page.keyboard.type("their server was broken")
        await hand.page.keyboard.press("Enter")
        await hand.reads(f"{WRONG} of {WRONG} addresses are released.")
    assert (await site.store.load("main", "wrong0@example.org")).state is State.ACTIVE
    assert (await site.store.load("main", "right0@example.org")).state is State.SUPPRESSED


async def test_undo_by_two_times_that_are_typed(browser: Watched, mistake: datetime) -> None:
    """The span that somebody typed goes along to every page."""
    async with asked(browser) as hand:
        await hand.click("input[name=since]")
        await hand.page.keyboard.press("Control+A")
        await hand.page.keyboard.type(f"{mistake:%Y-%m-%d %H:%M}")
        await hand.page.keyboard.press("Tab")
        await hand.page.keyboard.type(f"{mistake + timedelta(hours=1):%Y-%m-%d %H:%M}")
        async with hand.page.expect_navigation():
            await hand.page.keyboard.press("Enter")
        await hand.click("nav a:text('Recover')")
        await hand.reads(f"{WRONG} addresses fit")
