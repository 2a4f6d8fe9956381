"""What was changed in a list, by whom, when and why."""

import re
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from bounced.web.pages import looking
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_address import BOB, bounced, decide
from .test_overview import text_of
from .test_recover import found, release


async def test_decisions_have_who_when_what_and_why(site: Site, alice: httpx.AsyncClient) -> None:
    """What nobody decided is not among them; a recovery is told once, not for each address."""
    await bounced(site)
    await bounced(site, "carol@example.org")
    await decide(alice, "release", reason="they wrote to us")
    await decide(alice, "suppress", reason="they did not")
    watch = await release(alice, await found(alice, domain="example.org"))
    while "Released" not in (page := await alice.get(watch.headers["location"])).text:
        assert page.status_code == 200
    told = text_of(await alice.get("/changes"))
    assert "an operator released it; now active alice they wrote to us" in told
    assert "an operator suppressed it; now suppressed alice they did not" in told
    assert "the list 1 address was recovered alice they called everybody unknown; domain example.org" in told
    assert "carol" not in told
    assert "User unknown" not in told
    assert told.index("recovered") < told.index("they did not") < told.index("they wrote to us")


async def test_changes_are_filtered_by_what_who_and_address(site: Site, alice: httpx.AsyncClient) -> None:
    """The URL has the filters, and the page keeps them."""
    await bounced(site)
    await bounced(site, "carol@example.org")
    await decide(alice, "release")
    states = text_of(await alice.get("/changes?what=states"))
    assert "carol@example.org" in states
    assert "Nobody decided anything in this time that fits." in text_of(await alice.get("/changes?who=mallory"))
    assert "carol" not in text_of(await alice.get("/changes", params={"what": "all", "about": f" {BOB} "}))
    assert "Nothing of this kind happened in this time" in text_of(await alice.get("/changes?what=alarms"))
    page = (await alice.get("/changes?what=states&who=ali")).text
    assert "tz=local&amp;what=states&amp;who=ali" in page, "the other zone shows the same"


@pytest.mark.parametrize(
    ("query", "said"),
    [("what=x", "what is one of decisions, states, alarms, all"), ("about=x", "“x” is no mail address"),
     (f"who={'x' * 401}", "A filter has at most 400 characters here."), ("older=1", "older is what an answer gave")],
)  # fmt: skip
async def test_a_wrong_filter_is_said_so(alice: httpx.AsyncClient, query: str, said: str) -> None:
    """Nothing is looked through."""
    answer = await alice.get(f"/changes?{query}")
    assert answer.status_code == 400
    assert said in answer.text


async def test_more_is_looked_at_further_back(
    site: Site, alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link leads on with the last that is shown, and leaves none out."""
    monkeypatch.setattr(looking, "MOST_EVENTS", 2)
    for each in ("bob", "carol", "dave"):
        await bounced(site, f"{each}@example.org")
    seen, url = "", "/changes?what=states"
    for _ in range(9):
        page = (await alice.get(url)).text
        seen += page
        if "look further back" not in page:
            break
        url = page.partition('That is not all: <a href="')[2].partition('"')[0].replace("&amp;", "&")
    assert all(f"{each}@example.org" in seen for each in ("bob", "carol", "dave"))


async def test_a_list_without_addresses_shows_none(start: Start, people: None) -> None:
    """It is asked by the address all the same."""
    async with start(private=PRIVATE, lists='address_form = "hmac"\npepper_file = "a.key"\n') as site:
        alice = await signed_in(site)
        await bounced(site, list_="other")
        page = await alice.get("/changes?list=other&what=all")
        assert "now suppressed" in page.text
        assert "bob" not in page.text
        assert "now suppressed" in (await alice.get(f"/changes?list=other&what=all&about={BOB}")).text


async def test_what_a_look_did_not_come_to_is_shown_by_the_next(
    site: Site, alice: httpx.AsyncClient, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what stands in the stream of mass changes, through which the look had gone further back."""
    monkeypatch.setattr(looking, "MOST_EVENTS", 2)
    async with Redis.from_url(redis_url) as server:
        for key, name, times in ((site.keys.events, "e", (6, 5, 4)), (site.keys.bulk, "b", (7, 3, 1))):
            for time in sorted(times):
                fields: dict[Any, Any] = {"type": "transition", "address": f"{name}{time}@example.org"}
                await server.xadd(key, fields, id=f"{time}000-1")
    seen, url, told = list[str](), "/changes?what=states&since=1970-01-01", ""
    while url:
        told = (await alice.get(url)).text
        seen += re.findall(r"<bdi>([eb]\d)@example.org</bdi>", told)
        found = re.findall(r'That is not all: <a href="([^"]+)"', told)
        url = found[0].replace("&amp;", "&") if found else ""
        assert not found or f"back to 1970-01-01 00:00:0{seen[-1][1]} UTC" in told
    assert seen == ["b7", "e6", "e5", "e4", "b3", "b1"]
    assert "from where the last look ended" not in told, "the last page is the end of it"
