"""What happens in a list: the newest events, filters over all that is kept, and what comes meanwhile."""

import re
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from bounced.web.pages import live
from tests.support.browser import Watched
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_address import BOB, bounced, decide
from .test_overview import text_of

CAROL = "carol@example.org"


def follow_url(page: httpx.Response) -> str:
    """Return where the page asks for what comes."""
    (url,) = map(str, re.findall(r'id="follow"[^>]* hx-get="([^"]+)"', page.text))
    return url.replace("&amp;", "&")


async def test_a_list_without_events_says_so(alice: httpx.AsyncClient) -> None:
    """In words, and it waits for the first."""
    page = await alice.get("/live")
    assert "no event is kept" in text_of(page)
    assert (await alice.get(follow_url(page))).status_code == 204


async def test_what_comes_is_shown_once(site: Site, alice: httpx.AsyncClient) -> None:
    """A report and the change that followed from it are one event for people."""
    await bounced(site)
    page = await alice.get("/live")
    assert text_of(page).count("User unknown in virtual mailbox table") == 1
    await bounced(site, CAROL)
    new = await alice.get(follow_url(page))
    assert "carol@example.org" in text_of(new)
    assert "bob@example.org :" not in text_of(new)
    assert (await alice.get(follow_url(new))).status_code == 204


async def test_type_and_address_filter_all_that_is_kept(site: Site, alice: httpx.AsyncClient) -> None:
    """The filters stand in the URL, also in that which asks for more."""
    await bounced(site)
    await bounced(site, CAROL)
    await decide(alice, "release")
    told = text_of(await alice.get("/live", params={"address": "Bob@Example.org", "type": "release"}))
    assert "an operator released it" in told
    assert "carol" not in told
    assert "User unknown" not in told
    page = await alice.get("/live", params={"address": CAROL})
    assert "address=carol%40example.org" in follow_url(page)
    assert "No such event is kept." in text_of(await alice.get("/live", params={"type": "alarm"}))
    assert "No such event is kept." in text_of(await alice.get("/live", params={"until": "2h"}))


async def test_older_events_follow_without_a_gap(
    site: Site, alice: httpx.AsyncClient, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page, each event once, whichever of the two streams it stands in."""
    monkeypatch.setattr(live, "MOST", 2)
    async with Redis.from_url(redis_url) as server:
        for number in range(5):
            for key, name in ((site.keys.events, "e"), (site.keys.bulk, "b")):
                fields: dict[Any, Any] = {
                    "type": "transition",
                    "address": f"{name}{number}@example.org",
                    "at": "2001-05-10T10:00:00Z",
                }
                await server.xadd(key, fields, id=f"{1000 + number // 2}-{number + 1}")
    seen, url = list[str](), "/live"
    while url:
        page = await alice.get(url)
        seen += re.findall(r"<bdi>([eb]\d)@example.org</bdi>", page.text)
        found = re.findall(r'<a href="([^"]+)">Look further back', page.text)
        url = found[0].replace("&amp;", "&") if found else ""
    assert seen == ["e4", "b4", "e3", "e2", "b3", "b2", "e1", "e0", "b1", "b0"]


async def test_nothing_is_older_than_the_beginning(alice: httpx.AsyncClient) -> None:
    """Redis takes no end before the first id that there may be."""
    page = await alice.get("/live?older=0-0.0-0")
    assert page.status_code == 200
    assert "No" in text_of(page)


@pytest.mark.parametrize(
    "query", ["type=nothing", "address=bob", "older=1", "older=99999999999999999999-1.1-1", "since=never"]
)
async def test_what_cannot_be_read_is_said_so(alice: httpx.AsyncClient, query: str) -> None:
    """As a page, with what is wrong."""
    answer = await alice.get(f"/live?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


async def test_a_list_without_addresses_shows_none(start: Start, people: None) -> None:
    """It can be asked for one nevertheless, and leads to no page of one."""
    pepper = 'address_form = "hmac"\npepper_file = "a.key"\n'
    async with start(private=PRIVATE, lists=pepper) as site:
        browser = await signed_in(site)
        await bounced(site, list_="other")
        page = await browser.get("/live", params={"list": "other"})
        assert "mailbox unknown" in page.text
        assert BOB not in page.text
        assert "/address?list=other&amp;q=" not in page.text
        assert "mailbox unknown" in (await browser.get("/live", params={"list": "other", "address": BOB})).text


async def test_an_event_comes_into_the_page(site: Site, browser: Watched) -> None:
    """By itself, at the top, within two seconds; the page keeps its place for the next."""
    await browser.open("/live")
    for address in (BOB, CAROL):
        await bounced(site, address)
        await browser.page.wait_for_selector(f"#events li:first-child:has-text('{address}')", timeout=10_000)
    assert await browser.page.locator("#events li").count() == 2
    assert await browser.page.locator("#follow").count() == 1
