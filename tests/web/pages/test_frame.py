"""What all pages have in common: who sees them, what their URL names, what they load, and how they fail."""

import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from bounced.core.contract.hourly_counters import DAYS_KEPT, KEPT_DAYS
from bounced.ports import StoreUnavailable
from bounced.web.pages import assets, routes
from bounced.web.pages.view import view_of
from bounced.web.problems import Problem
from tests.web.conftest import Site, Start

from .conftest import ALICE, PASSWORD, PRIVATE, signed_in

ROOT = Path(__file__).parents[3]
LINK = "/address?list=other&q=bob%40example.org&tz=local"
NOW = datetime(2001, 5, 10, 12, 30, tzinfo=UTC)


async def test_only_who_is_signed_in_sees_a_page(site: Site) -> None:
    """Every other request leads to the door, also one that would change something; the style sheet is for all."""
    for route in routes():
        for method in route.methods or ():
            answer = await site.private.request(method, route.path)
            if route.path.startswith(assets.FOLDER):
                assert answer.status_code == 404
            else:
                assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")


async def test_a_link_is_seen_after_signing_in(site: Site) -> None:
    """A colleague who follows it signs in first, and then is where the link leads."""
    browser = site.private
    door = (await browser.get(LINK)).headers["location"]
    form = await browser.get(door)
    (action,) = re.findall(r'action="(/sign-in[^"]*)"', form.text)
    (token,) = re.findall(r'name="form" value="([^"]+)"', form.text)
    done = await browser.post(action, data={"form": token, "name": "alice", "password": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, LINK)


@pytest.mark.parametrize(
    "next_", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "x"]
)
async def test_signing_in_leads_nowhere_else(alice: httpx.AsyncClient, next_: str) -> None:
    """Whatever a link to the door names: it is a path of ours, or the overview."""
    assert (await alice.get("/sign-in", params={"next": next_})).headers["location"] == "/"


async def test_a_link_on_another_site_is_asked_for_once_more(site: Site) -> None:
    """Browsers leave the cookie out of it (SameSite=Strict); the second request comes from our own page."""
    answer = await site.private.get(LINK, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in answer.text
    assert "bob" not in answer.text


async def test_a_part_of_a_page_sends_the_whole_page_to_the_door(site: Site) -> None:
    """A form inside a page would be wrong there; afterwards the page is seen again."""
    headers = {"hx-request": "true", "hx-current-url": "http://127.0.0.1:1/?list=other"}
    answer = await site.private.get("/overview/now", headers=headers)
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2F%3Flist%3Dother"


async def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(site: Site) -> None:
    """Else a forgotten window would be signed in for half a day."""
    now = 0.0
    sessions = site.desk.door.sessions
    sessions._now = lambda: now
    browser = await signed_in(site)
    now = 3000.0
    assert (await browser.get("/overview/now")).status_code == 200
    now = 3700.0
    assert (await browser.get("/overview/now")).status_code == 303


async def test_what_pages_load_is_ours_and_kept_for_a_year(alice: httpx.AsyncClient) -> None:
    """Each URL has a hash of what is in it; another hash has nothing.  No page has a script or a style in itself."""
    page = await alice.get("/")
    loaded = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
    assert sorted(loaded) == sorted(assets.URLS.values())
    for url in loaded:
        answer = await alice.get(url)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await alice.get(url.replace(".", ".0", 1))).status_code == 404
    assert not re.search(r"<script>|<style| style=| on[a-z]+=|javascript:", page.text)
    assert "'unsafe" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_htmx_is_the_release_that_we_name() -> None:
    """As its project publishes it, to the byte; the licence lies beside it, and nothing else is vendored."""
    static = ROOT / "bounced/web/pages/static"
    htmx = (static / "htmx.min.js").read_bytes()
    assert f'version:"{assets.HTMX_VERSION}"'.encode() in htmx
    assert sha256(htmx).hexdigest() == assets.HTMX_SHA256
    assert "Zero-Clause BSD" in (static / "htmx.LICENSE").read_text("utf-8")
    own = {"pages.css", "pages.js", "icon.svg"}
    assert {file.name for file in static.iterdir()} == own | {"htmx.min.js", "htmx.LICENSE"}


async def test_htmx_evaluates_nothing_and_asks_nobody_else(alice: httpx.AsyncClient) -> None:
    """Nor does it put styles into the page, or keep pages with addresses in the browser."""
    page = await alice.get("/")
    for setting in (
        '"includeIndicatorStyles": false',
        '"allowEval": false',
        '"allowScriptTags": false',
        '"selfRequestsOnly": true',
        '"historyEnabled": false',
    ):
        assert setting in page.text


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("list=nowhere", 404, "There is no list nowhere."),
        ("since=frobnicate", 400, "which is no time. A time is 2026-05-01"),
        ("since=2h&until=3h", 400, "The beginning of the span is not before its end."),
        ("since=500d", 400, "A span has at most 400 days here."),
        ("tz=mars", 400, "tz is utc or local, not mars."),
    ],
)
async def test_a_wrong_url_is_answered_in_words(alice: httpx.AsyncClient, query: str, status: int, said: str) -> None:
    """On a page with the navigation, from which somebody can go on."""
    answer = await alice.get(f"/?{query}")
    assert answer.status_code == status
    assert said in answer.text
    assert '<nav aria-label="Pages">' in answer.text


async def test_a_redis_that_is_away_is_said_in_words(
    site: Site, alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so with 503, and when to come again."""

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(type(site.store), "read", away)
    answer = await alice.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Redis cannot be asked now." in answer.text


def test_a_url_keeps_list_span_and_zone_from_page_to_page() -> None:
    """Whoever gets it sees the same."""
    view = view_of(("main", "other"), {"list": "other", "since": "2001-05-01", "tz": "local"}, NOW)
    assert view.url("/address", q="a@b.example") == ("/address?list=other&since=2001-05-01&tz=local&q=a%40b.example")
    assert view.url("/", tz="", since="") == "/?list=other"


def test_a_span_without_an_end_goes_on_until_now() -> None:
    """A day alone begins with its first hour, and as an end it is over with its last."""
    view = view_of(("main",), {"since": "2001-05-01", "until": "2001-05-02"}, NOW)
    assert (view.since, view.until) == (datetime(2001, 5, 1, tzinfo=UTC), datetime(2001, 5, 3, tzinfo=UTC))
    assert view_of(("main",), {}, NOW, "2h").since == datetime(2001, 5, 10, 10, 30, tzinfo=UTC)
    with pytest.raises(Problem):
        view_of(("main",), {"since": "1h", "until": "2h"}, NOW)


def test_counters_are_kept_for_as_long_as_the_page_says() -> None:
    """The script that writes them has the same numbers."""
    assert f"DAYS_TTL_S = {DAYS_KEPT} * DAY_S" in (ROOT / "bounced/edges/redis/commit.lua").read_text("utf-8")
    assert f"COUNTS_TTL_S, BLOCKS_MAX, UNRECOGNISED_MAX, COMPLAINTS_MAX = {KEPT_DAYS} * DAY_S" in (
        ROOT / "bounced/edges/redis/commit.lua"
    ).read_text("utf-8")


async def test_whom_a_proxy_names_sees_pages_and_no_button_to_sign_out(start: Start, people: None) -> None:
    """Signing out is done at the proxy."""
    async with start(private=PRIVATE + 'user_header = "X-User"\nproxies = ["127.0.0.1"]\n') as site:
        page = await site.private.get("/", headers={"x-user": ALICE.name})
    assert "signed in by the proxy" in page.text
    assert "/sign-out" not in page.text
