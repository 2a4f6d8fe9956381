"""Every page with the keyboard alone: all that can be pressed is reached, in its order, and seen when it is."""

import pytest

from tests.support.browser import Watched
from tests.web.conftest import Site

from .test_address import BOB, bounced
from .test_in_browser import fill

PAGES = (
    "/",
    f"/address?q={BOB}",
    "/changes?what=all",
    "/recover?since=9d",
    "/explain",
    "/providers",
    "/campaigns?since=7d",
    "/live?stop=1",
    "/unknown?look=1",
    "/policy",
    "/health?look=1",
    "/?since=never",
)
CAN_BE_PRESSED = """() => Array.from(
  document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')
).filter((each) => each.checkVisibility() && !each.disabled && each.type !== 'hidden' && each.tabIndex >= 0).length"""
HAS_FOCUS = """() => {
  const each = document.activeElement, style = getComputedStyle(each), place = each.getBoundingClientRect();
  if (each === document.body) return null;
  each.dataset.times = Number(each.dataset.times || 0) + 1;
  const isShown = place.bottom > 0 && place.top < innerHeight && place.right > 0 && place.left < innerWidth;
  return {isSeen: isShown && style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 3,
    times: Number(each.dataset.times), isFirst: each.className === 'skip', html: each.outerHTML.slice(0, 120)};
}"""


@pytest.mark.parametrize("width", [360, 1440])
async def test_all_that_can_be_pressed_is_reached(site: Site, browser: Watched, redis_url: str, width: int) -> None:
    """By Tab from the first to the last and then out of the page, each once; what has the focus is outlined in view.

    Behind the last comes the browser itself, or where it has nothing to press the first again.
    """
    await fill(site, redis_url)
    page = browser.page
    await page.emulate_media(reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        await browser.open(path)
        many, reached = await page.evaluate(CAN_BE_PRESSED), 0
        await page.keyboard.press("Tab")
        while (has := await page.evaluate(HAS_FOCUS)) and not (has["isFirst"] and reached):
            assert has["times"] == 1, f"{path}: {has['html']} again"
            assert has["isSeen"], f"{path}: {has['html']} has the focus unseen"
            reached += 1
            await page.keyboard.press("Tab")
        assert reached == many, path


async def test_escape_leads_back_from_the_search(site: Site, browser: Watched) -> None:
    """First it empties the box; then what had the focus has it again, or the content."""
    await bounced(site)
    page = browser.page
    await browser.open("/changes?what=all")
    link = f"main a:has-text('{BOB}')"
    await page.focus(link)
    await page.keyboard.press("/")
    await page.keyboard.type("x")
    await page.keyboard.press("Escape")
    assert await page.input_value("#search") == ""
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.textContent") == BOB
    await page.focus("#search")
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.id") == "main"


async def test_a_slash_in_a_field_is_a_slash(browser: Watched) -> None:
    """Nobody who types a path is taken away."""
    await browser.open("/explain")
    await browser.page.focus("textarea")
    await browser.page.keyboard.type("a/b")
    assert await browser.page.input_value("textarea") == "a/b"
