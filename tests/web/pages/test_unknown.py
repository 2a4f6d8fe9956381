"""What was not understood, in groups, with the rows that would understand it."""

from typing import Any

import httpx
from redis.asyncio import Redis

from bounced.web.pages import unknown
from tests.support.browser import Watched
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_overview import text_of

POOL = "550 Sending pool frobnicated ({}) for <{}@example.org>"


async def leave(site: Site, url: str, *names: str, words: str = POOL) -> None:
    """Leave events of reports that gave no reason."""
    async with Redis.from_url(url) as server:
        for number, name in enumerate(names):
            fields: dict[Any, Any] = {
                "type": "report",
                "id": name,
                "at": site.desk.clock().isoformat(),
                "kind": "bounce",
                "origin": "smtp",
                "address": f"{name}@example.org",
                "category": "undetermined",
                "class": "undetermined",
                "rule": "none",
                "diagnostic": words.format(number, name),
            }
            await server.xadd(site.keys.events, fields)


async def test_where_all_was_understood_the_page_says_so(alice: httpx.AsyncClient) -> None:
    """In words."""
    assert "Everything was understood" in text_of(await alice.get("/unknown/groups"))


async def test_replies_of_the_same_words_are_a_group_with_a_row(
    site: Site, alice: httpx.AsyncClient, redis_url: str
) -> None:
    """The row is the one that `bounced unknown` proposes, and nobody's address is in it."""
    await leave(site, redis_url, "bob", "carol", "dan")
    page = await alice.get("/unknown", params={"look": "1"})
    told = text_of(page)
    assert "1. undetermined: 3" in told
    assert "[[rule]] id = &#34;own.sending-pool-frobnicated-for&#34;" in told
    assert "category = &#34;undetermined&#34;" in told
    assert "bob" not in told
    assert "3 events were looked through" in told
    before = text_of(await alice.get("/unknown/groups", params={"until": "1h"}))
    assert "Everything was understood" in before


async def test_a_look_that_takes_too_long_is_ended_and_said_so(
    site: Site, alice: httpx.AsyncClient, redis_url: str, monkeypatch: Any
) -> None:
    """What was found until then is shown; the command looks through everything."""
    await leave(site, redis_url, "bob")
    monkeypatch.setattr(unknown, "LOOK_S", 0.0)
    told = text_of(await alice.get("/unknown/groups"))
    assert "The look was ended because it took too long." in told


async def test_a_list_without_addresses_has_nothing_to_learn_from(start: Start, people: None) -> None:
    """The page says why."""
    pepper = 'address_form = "hmac"\npepper_file = "a.key"\n'
    async with start(private=PRIVATE, lists=pepper) as site:
        browser = await signed_in(site)
        assert "keeps no addresses" in text_of(await browser.get("/unknown", params={"list": "other"}))


async def test_the_groups_come_into_the_page(site: Site, browser: Watched, redis_url: str) -> None:
    """By themselves; without a script a link leads to them."""
    await leave(site, redis_url, "bob", "carol")
    await browser.open("/unknown")
    await browser.page.wait_for_selector("text=Proposed row")
