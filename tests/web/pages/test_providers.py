"""What is told of those who refused the sender."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from bounced.core.meaning.refused import MEANINGS, UNKNOWN, meaning_of
from bounced.core.terms import CLASS_OF, Category, Class
from bounced.edges.redis import refusals
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_address import bounced
from .test_overview import text_of

WORDS = (
    "421-4.7.28 Our system has detected an unusual rate of mail from your IP address [192.0.2.25]. "
    "See https://support.example.net/rates?a=1&b=2"
)
USUAL = {
    "provider": "google",
    "category": "rate_limited",
    "rule": "google.unusual-rate",
    "sending_ip": "192.0.2.25",
    "words": WORDS,
    "campaign": "spring",
}


async def refused(site: Site, url: str, hours_ago: int, list_: str = "main", **fields: str) -> None:
    """Let a provider have refused the sender some hours ago."""
    at = site.desk.clock() - timedelta(hours=hours_ago)
    async with Redis.from_url(url) as server:
        entry: dict[Any, Any] = {name: value for name, value in (USUAL | fields).items() if value}
        await server.xadd(site.store.keyspace(list_).blocks, entry, id=f"{int(at.timestamp() * 1000)}-*")


async def test_a_quiet_list_says_so_in_words(alice: httpx.AsyncClient) -> None:
    """There is no chart with nothing in it."""
    page = await alice.get("/providers")
    assert "Nobody refused the sender in this time." in text_of(page)
    assert "<svg" not in page.text


async def test_who_refused_is_told_with_the_words_and_what_to_do(
    site: Site, alice: httpx.AsyncClient, redis_url: str
) -> None:
    """How often, when, of which address, through which campaign; the link of the words is text, no link of ours."""
    for hours_ago in (5, 3, 2):
        await refused(site, redis_url, hours_ago)
    await refused(site, redis_url, 1, provider="example.net", category="reputation_block", sending_ip="", campaign="")
    page = await alice.get("/providers")
    told = text_of(page)
    assert "4 refusals, by hour" in told
    assert "google 3 75.0 % rate limited 3" in told
    assert "google : rate limited, sent from 192.0.2.25 3 times, " in told
    assert "Campaigns: spring 3" in told
    assert "See https://support.example.net/rates?a=1&amp;b=2" in told
    assert 'href="https://' not in page.text
    for category in ("rate_limited", "reputation_block"):
        assert meaning_of(category).means in told.replace("&#39;", "'")
        assert f"→ {meaning_of(category).to_do}" in told.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 3),
        ({"provider": "google"}, 2),
        ({"provider": "gmail"}, 2),
        ({"category": "rate_limited"}, 2),
        ({"ip": "198.51.100.7"}, 1),
        ({"provider": "google", "ip": "198.51.100.7"}, 1),
        ({"since": "3h"}, 2),
        ({"since": "9h", "until": "90m"}, 2),
        ({"list": "other"}, 0),
        ({"provider": "yahoo"}, 0),
    ],
)
async def test_a_url_names_what_is_shown(
    site: Site, alice: httpx.AsyncClient, redis_url: str, query: dict[str, str], count: int
) -> None:
    """List, span, provider (by any word that people know it by), reason and sending address."""
    await refused(site, redis_url, 5)
    await refused(site, redis_url, 2, sending_ip="198.51.100.7", category="reputation_block")
    await refused(site, redis_url, 1, provider="example.net")
    told = text_of(await alice.get("/providers", params=query))
    assert (f"{count} refusal" in told) if count else ("Nobody refused the sender" in told)


async def test_filters_stay_where_another_span_or_zone_is_chosen(
    site: Site, alice: httpx.AsyncClient, redis_url: str
) -> None:
    """The other pages know nothing of them."""
    await refused(site, redis_url, 1)
    page = await alice.get("/providers?provider=google&since=48h")
    assert 'href="/providers?list=main&amp;since=7d&amp;provider=google"' in page.text
    assert 'href="/providers?list=main&amp;since=48h&amp;tz=local&amp;provider=google"' in page.text
    assert '<option value="google" selected>google</option>' in page.text
    assert 'href="/?list=main&amp;since=48h"' in page.text


async def test_what_is_no_longer_kept_is_said_so(
    site: Site, alice: httpx.AsyncClient, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a long span would look as if it had been quiet before."""
    monkeypatch.setattr(refusals, "MOST_KEPT", 2)
    await refused(site, redis_url, 3)
    assert "Refusals are kept from" not in text_of(await alice.get("/providers"))
    await refused(site, redis_url, 2)
    assert "Refusals are kept from" in text_of(await alice.get("/providers"))
    assert "Refusals are kept from" not in text_of(await alice.get("/providers?since=1h"))


async def test_a_list_without_addresses_shows_none(start: Start, people: None, redis_url: str) -> None:
    """What the server said was kept without them."""
    pepper = 'address_form = "hmac"\npepper_file = "a.key"\n'
    async with start(private=PRIVATE, lists=pepper) as site:
        browser = await signed_in(site)
        await bounced(site, list_="other", category="reputation_block", words="550 5.7.1 <bob@example.org> blocked")
        told = text_of(await browser.get("/providers?list=other&since=7d"))
    assert "550 5.7.1 &lt;(address)&gt; blocked" in told
    assert "bob" not in told


def test_every_refusal_has_a_meaning() -> None:
    """So have the limits on what a sender may send; nothing else is a refusal of the sender."""
    blocks = {category for category in Category if CLASS_OF[category] is Class.BLOCK}
    assert set(MEANINGS) == blocks | {Category.RATE_LIMITED}
    assert meaning_of("of_a_later_version") == UNKNOWN
