"""Many addresses are released after a look at them: by time, provider, category, campaign, rule or words."""

import asyncio
import re

import httpx
import pytest

from bounced.core.selection import Selection
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Origin, State
from bounced.edges.redis.event_streams import BEGINNING, END, EventStreams
from bounced.ports import StoreUnavailable
from bounced.web import recoveries
from bounced.web.problems import Problem
from tests.support.browser import Watched
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_address import BOB, bounced
from .test_overview import text_of

MANY = 1000


async def bounce_all(site: Site, *addresses: str) -> None:
    """Commit a hard bounce of each address."""
    await asyncio.gather(*(bounced(site, address) for address in addresses))


async def complained(site: Site, address: str) -> None:
    """Commit a complaint."""
    said = Evidence(EvidenceType.COMPLAINED, site.desk.clock(), Origin.INTAKE)
    await site.desk.present.pipeline.commit(ReportId("main", "", f"complained {address}"), address, said)


def form_of(page: httpx.Response) -> dict[str, str]:
    """Return the hidden fields of the form that releases."""
    form = page.text.partition('action="/recover/release')[2].partition("</form>")[0]
    return dict(re.findall(r'name="(form|id)" value="([^"]+)"', form))


async def found(alice: httpx.AsyncClient, **asked: str) -> httpx.Response:
    """Return the page when the look is over."""
    page = await alice.get("/recover", params=asked)
    while "Looking through the list" in page.text:
        page = await alice.get("/recover", params=asked)
    return page


async def release(alice: httpx.AsyncClient, page: httpx.Response, **fields: str) -> httpx.Response:
    """Send the form as a browser does."""
    data = form_of(page) | {"reason": "they called everybody unknown"} | fields
    return await alice.post("/recover/release?list=main", data=data)


async def state(site: Site, address: str) -> State:
    """Return how an address stands in main."""
    return (await site.store.load("main", address)).state


async def test_a_look_counts_by_category_shows_some_and_says_what_stays(site: Site, alice: httpx.AsyncClient) -> None:
    """A complaint is no failure, and nothing is changed yet."""
    await bounce_all(site, BOB, "carol@example.org", "dave@example.net")
    await bounced(site, "erin@example.org")
    await complained(site, "erin@example.org")
    told = text_of(await found(alice, domain="example.org"))
    for fact in (
        "2 addresses fit",
        "domain example.org. Looked at",
        "mailbox unknown 2 Total 2",
        "Because of Addresses complaint 1",
        "Release 2 addresses",
        "User unknown in virtual mailbox table",
    ):
        assert fact in told
    assert "dave" not in told
    assert await state(site, BOB) is State.SUPPRESSED


async def test_what_was_looked_at_is_released_and_told_once(site: Site, alice: httpx.AsyncClient) -> None:
    """Each with the person's name and reason, and once more for all of them."""
    await bounce_all(site, BOB, "carol@example.org", "dave@example.net")
    answer = await release(alice, await found(alice, domain="example.org"))
    assert answer.status_code == 303
    page = await alice.get(answer.headers["location"])
    while "Released" not in page.text:
        page = await alice.get(answer.headers["location"])
    told = text_of(page)
    assert "2 of 2 addresses are released." in told
    assert "By alice Why they called everybody unknown" in told
    assert "tz=local&amp;id=" in page.text, "the other zone shows the same"
    assert [await state(site, each) for each in (BOB, "dave@example.net")] == [State.ACTIVE, State.SUPPRESSED]
    streams = EventStreams(site.store, site.keys)
    events = [each async for several in streams.between(BEGINNING, END) for each in several]
    assert [each.fields["actor"] for each in events if each.bulk] == ["alice", "alice"]
    assert events[-1].fields["type"] == "addresses.recovered"
    assert (events[-1].fields["addresses"], events[-1].fields["filters"]) == ("2", "domain example.org")
    assert "No addresses fit" in text_of(await found(alice, domain="example.org", match="user"))


async def test_a_form_that_comes_twice_releases_once(site: Site, alice: httpx.AsyncClient) -> None:
    """The second answer shows the same release."""
    await bounced(site)
    page = await found(alice, domain="example.org")
    first, second = await release(alice, page), await release(alice, page)
    assert first.headers["location"] == second.headers["location"]


async def test_a_span_is_of_when_they_came_onto_the_list(site: Site, alice: httpx.AsyncClient) -> None:
    """They came three days ago."""
    await bounced(site)
    assert "1 address fits" in text_of(await found(alice, since="4d", until="2d"))
    assert "No addresses fit" in text_of(await found(alice, since="2d"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"provider": "hotmail"}, "provider: there is no &#39;hotmail&#39;; did you mean microsoft?"),
        ({"category": "complaint"}, "category: complaint stays: no filter releases it"),
        ({"rule": "nothing"}, "rule: there is no &#39;nothing&#39;"),
        ({"match": "x" * 201}, "A filter has at most 200 characters here."),
    ],
)
async def test_what_there_is_not_is_said_so(alice: httpx.AsyncClient, asked: dict[str, str], said: str) -> None:
    """Nobody looks for it."""
    page = await alice.get("/recover", params=asked)
    assert page.status_code == 400
    assert said in page.text


@pytest.mark.parametrize(
    ("fields", "status"), [({"form": "forged"}, 403), ({"reason": " "}, 400), ({"id": "another"}, 404)]
)
async def test_a_wrong_form_releases_nothing(
    site: Site, alice: httpx.AsyncClient, fields: dict[str, str], status: int
) -> None:
    """The page says what is wrong."""
    await bounced(site)
    assert (await release(alice, await found(alice, domain="example.org"), **fields)).status_code == status
    assert await state(site, BOB) is State.SUPPRESSED


async def test_without_writes_it_can_be_looked_at_only(start: Start, people: None) -> None:
    """The page names the command."""
    async with start(private=PRIVATE, writes="false") as site:
        alice = await signed_in(site)
        await bounced(site)
        page = await found(alice, domain="example.org")
        assert "1 address fits" in text_of(page)
        assert "/recover/release" not in page.text
        assert "bounced recover" in page.text
        form = re.findall(r'name="form" value="([^"]+)"', page.text)[0]
        assert (await release(alice, page, form=form, id="x")).status_code == 403


async def test_a_list_without_addresses_shows_none(start: Start, people: None) -> None:
    """It is not asked by the domain either."""
    async with start(private=PRIVATE, lists='address_form = "hmac"\npepper_file = "a.key"\n') as site:
        alice = await signed_in(site)
        await bounced(site, list_="other")
        page = await found(alice, list="other", since="9d")
        assert "1 address fits" in text_of(page)
        assert "bob" not in page.text
        assert "keeps keyed hashes" in (await alice.get("/recover?list=other&domain=example.org")).text


async def test_a_redis_that_goes_away_is_said_in_words(
    site: Site, alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was changed, and the page says so."""

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(recoveries, "find", away)
    told = text_of(await found(alice, domain="example.org"))
    assert "Redis cannot be asked now. Nothing was changed." in told


async def test_only_so_many_go_on_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the same sees the same; one more is told to wait, and none goes on after the end."""

    async def for_ever(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(recoveries, "find", for_ever)
    all_, now = recoveries.Recoveries(), site.desk.clock()
    look = [all_.look(site.store, "main", Selection(), (str(n),), now) for n in range(recoveries.AT_ONCE)]
    assert all_.look(site.store, "main", Selection(), ("0",), now) is look[0]
    with pytest.raises(Problem, match="are under way"):
        all_.look(site.store, "main", Selection(), ("more",), now)
    await all_.close()
    assert all(each.task and each.task.cancelled() for each in look)


async def test_a_thousand_are_recovered_in_the_browser(site: Site, browser: Watched) -> None:
    """Choose, look, say why, and see them released; the URL of the look can be sent."""
    await bounce_all(site, *(f"user{number}@example.org" for number in range(MANY)))
    page = browser.page
    await page.click("nav >> text=Recover")
    await page.fill('input[name="since"]', "4d")
    await page.select_option('select[name="category"]', "mailbox_unknown")
    await page.click("button:text('Look at them')")
    await page.wait_for_selector("text=1,000 addresses fit")
    assert "category=mailbox_unknown" in page.url
    await page.fill('input[name="reason"]', "they called everybody unknown")
    await page.click("text=Release 1,000 addresses")
    await page.wait_for_selector("text=1,000 of 1,000 addresses are released.")
    assert await state(site, "user7@example.org") is State.ACTIVE


async def test_a_long_look_tells_how_far_it_is(alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page asks for itself again, with a script and without one; the part that it asks for alone has no frame."""

    async def for_long(*given: object, **_: object) -> None:
        advance = given[3]
        assert callable(advance)
        advance(1234)
        await asyncio.Event().wait()

    monkeypatch.setattr(recoveries, "find", for_long)
    page = (await alice.get("/recover?since=2h")).text
    assert "1,234 addresses fit so far" in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page
    part = re.findall(r'hx-get="(/recover/part[^"]+)"', page)[0].replace("&amp;", "&")
    assert "1,234" in (again := (await alice.get(part)).text)
    assert "<html" not in again
