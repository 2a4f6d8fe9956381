"""The pages in a real browser: keyboard, both themes, narrow and wide, whatever text others wrote."""

from urllib.parse import urlencode

import pytest
from redis.asyncio import Redis

from bounced.core.contract.alarms import Alarm, Level
from bounced.core.contract.times import hour
from bounced.core.escape import visible
from bounced.core.terms import State
from tests.support.browser import Watched
from tests.support.programs import private_root
from tests.web.conftest import Site

from .test_address import BOB, bounced, state
from .test_unknown import leave

HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&lt;b&gt;{{7*7}} "
    "\x1b[31mred\x00\x07 \u202etxt.exe\u202c \u2066\u200f \u0301\u0301\u0301 " + "W" * 120
)
"""Markup, control characters, marks that turn the direction, a word without an end."""
CAMPAIGN = f"/campaigns?{urlencode({'campaign': visible(HOSTILE)[:255], 'since': '7d', 'look': 'yes'})}"
TELLING = (
    "/",
    f"/address?q={BOB}",
    "/address?q=%3Cscript%3E%E2%80%AE",
    "/changes?what=all",
    "/recover?since=9d",
    "/providers",
    "/providers?provider=%3Cscript%3E%E2%80%AE",
    "/campaigns",
    CAMPAIGN,
    "/live",
    "/unknown?look=1",
)
"""Pages that tell what others wrote."""
PAGES = (
    *TELLING,
    "/?since=35d&list=other",
    "/?since=never",
    "/address?q=nobody",
    "/changes",
    "/recover",
    "/recover?provider=nobody",
    "/explain",
    "/providers?list=other",
    "/policy?rule=mailbox_unknown&failures=3&then=hold",
    "/health?look=1",
)
"""Every page, also empty and where what was asked for is wrong."""
WIDTHS = (360, 800, 1440)


async def fill(site: Site, url: str) -> None:
    """Put something into everything that the pages show."""
    now = site.desk.clock()
    async with Redis.from_url(url) as server:
        for name, count in {
            "category:mailbox_unknown": 12,
            "category:reputation_block": 7,
            "transition:active:suppressed": 3,
            f"campaign:{HOSTILE}:block": 3,
            f"rate:hard:campaign:{HOSTILE}": 5,
        }.items():
            await server.hset(site.keys.counts(hour(now)), name, str(count))
        for scope in (f"campaign:{HOSTILE}", "list"):
            await server.hset(site.keys.alarms, scope, Alarm(Level.WARN, HOSTILE, 500, 20, 1).to_json())
        await server.zadd(site.keys.disputed, {HOSTILE: int(now.timestamp()) + 3600})
        await server.xadd(site.keys.intake_failed, {"error": HOSTILE})
        names = ("provider", "category", "rule", "sending_ip", "words", "campaign")
        await server.xadd(site.keys.blocks, dict.fromkeys(names, HOSTILE))
    await leave(site, url, "eve", words=HOSTILE.replace("{{7*7}}", "") + "{} {}")
    await bounced(site, words=HOSTILE, mta=HOSTILE, campaign=HOSTILE)


async def test_the_search_is_reached_by_a_key(site: Site, browser: Watched) -> None:
    """`/`, the address, Enter; and the key can be turned off."""
    await bounced(site)
    page = browser.page
    await page.keyboard.press("/")
    await page.keyboard.type(BOB)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/address?*")
    assert "must not be mailed" in await page.inner_text("main")
    await page.click("#slash")
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.id") == "slash"


async def test_the_content_is_reached_past_the_navigation(browser: Watched) -> None:
    """The first Tab shows the link; what has the focus is outlined."""
    page = browser.page
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"


async def test_an_address_is_released_by_keyboard_alone(site: Site, browser: Watched) -> None:
    """A reason and Enter; the page that follows says what was done, and shows it again when it is loaded again."""
    await bounced(site)
    page = browser.page
    await browser.open(f"/address?q={BOB}")
    await page.focus("#release-main")
    await page.keyboard.press("Enter")
    assert await state(site) is State.SUPPRESSED, "without a reason the browser sends nothing"
    await page.keyboard.type("they wrote to us")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=Done,")
    assert await state(site) is State.ACTIVE
    await page.reload()
    assert "by alice" in await page.inner_text('[role="status"]')


async def test_all_events_come_into_the_page(site: Site, browser: Watched) -> None:
    """In the place of the button that asked for them."""
    await bounced(site)
    await browser.open(f"/address?q={BOB}")
    await browser.page.click("text=Look through all events")
    await browser.page.wait_for_selector("text=events were looked through")


async def test_a_part_that_fails_is_said_in_words(site: Site, browser: Watched) -> None:
    """What stands there stays, and the page says that it is old."""
    await browser.page.route("**/overview/now*", lambda route: route.fulfill(status=503, body=""))
    await browser.page.evaluate("htmx.trigger('#now', 'htmx:load'); htmx.ajax('GET', '/overview/now', '#now')")
    await browser.page.wait_for_selector("text=It could not be loaded (503).")
    assert await browser.page.is_visible("#taken")


async def test_pages_fit_every_screen_in_both_themes(site: Site, browser: Watched, redis_url: str) -> None:
    """None is wider than the window, whatever stands in it; light and dark are as the system has it."""
    await fill(site, redis_url)
    page, backs = browser.page, set()
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        for path in PAGES:
            await browser.open(path)
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 800})
                assert await browser.hangs_over() == 0, f"{path} at {width} px"
        backs.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(backs) == 2


async def test_what_others_wrote_is_text_and_nothing_else(site: Site, browser: Watched, redis_url: str) -> None:
    """No element comes of it, no control character is sent, and nothing turns the direction of what stands beside."""
    await fill(site, redis_url)
    page = browser.page
    for path in (*TELLING, f"/address/events?q={BOB}"):
        await browser.open(path)
        text, title = await page.inner_text("body"), await page.title()
        assert "script>" in text
        assert not {"\x1b", "\x07", "\u202e", "\u2066"} & set(text)
        assert "owned" not in title
        assert await page.evaluate("document.querySelectorAll('main script, main img, div.events img').length") == 0


async def test_axe_finds_nothing(site: Site, browser: Watched, redis_url: str) -> None:
    """What of WCAG 2.2 AA and of good practice a program can see is kept, in both themes, narrow and wide."""
    root = private_root("axe") or pytest.skip("axe-core is not here: tests/install-programs")
    axe = (root / "node_modules/axe-core/axe.min.js").read_text("utf-8")
    await fill(site, redis_url)
    for theme, width in (("light", 1440), ("dark", 360)):
        await browser.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await browser.page.set_viewport_size({"width": width, "height": 800})
        for path in PAGES:
            await browser.open(path)
            await browser.page.evaluate(axe)
            found = await browser.page.evaluate("axe.run().then((found) => found.violations)")
            assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], f"{path} in {theme} at {width} px"


async def test_pages_print_without_what_is_pressed(site: Site, browser: Watched) -> None:
    """On paper stands what is told, on white."""
    await bounced(site)
    await page_for_print(browser)
    assert not await browser.page.is_visible("#search")
    assert not await browser.page.is_visible("#release-main")
    assert await browser.page.is_visible("text=In list main it must not be mailed")
    await browser.page.set_viewport_size({"width": 720, "height": 1000})
    for path in ("/", "/changes?what=all", "/providers", "/campaigns", "/policy"):
        await browser.open(path)
        assert await browser.hangs_over() == 0, f"{path} on paper"
    shades = "getComputedStyle(document.documentElement).getPropertyValue('--bad-back')"
    printed = await browser.page.evaluate(shades)
    await browser.page.emulate_media(media="screen", color_scheme="light")
    assert printed == await browser.page.evaluate(shades), "what is printed is that of the light theme"


async def page_for_print(browser: Watched) -> None:
    """Show the page of Bob as it is printed from a dark screen."""
    await browser.page.emulate_media(media="print", color_scheme="dark")
    await browser.open(f"/address?q={BOB}")
    assert await browser.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


async def test_the_failures_of_a_campaign_come_into_the_page(site: Site, browser: Watched) -> None:
    """In the place of the link that asked for them, by two clicks from the navigation and with the keyboard alone."""
    await bounced(site)
    page = browser.page
    await browser.open("/campaigns?campaign=spring&since=7d")
    await page.focus("text=Look through the events")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=that were looked through")
    assert "look=" not in page.url
    assert "example.org" in await page.inner_text("#failures")
