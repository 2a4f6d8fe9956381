"""What people, programs and failures do to the pages: each answer has words, none is a fault of ours."""

import asyncio
import re
from urllib.parse import quote, urlencode

import httpx
import pytest

from bounced.core.terms import State
from bounced.web.pages import routes
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, session, signed_in
from .test_address import BOB, bounced, state
from .test_in_browser import HOSTILE, fill
from .test_overview import text_of

PATHS = sorted({route.path for route in routes() if "GET" in (route.methods or ()) and "{" not in route.path})
POSTED = sorted({route.path for route in routes() if "POST" in (route.methods or ())})
OF_ALL = ("list", "tz", "since", "until")
OF_ONE = {
    "/": ("look",),
    "/address": ("q", "done"),
    "/address/events": ("q",),
    "/campaigns": ("campaign", "look"),
    "/campaigns/failures": ("campaign",),
    "/changes": ("what", "who", "about"),
    "/health": ("look",),
    "/live": ("older", "type", "address", "stop"),
    "/live/new": ("after", "type", "address"),
    "/policy": ("rule", "failures", "over_days", "then", "hold_days", "finally"),
    "/providers": ("provider", "category", "ip"),
    "/recover": ("category", "provider", "domain", "campaign", "rule", "match"),
    "/recover/part": ("id",),
    "/recover/watch": ("id",),
    "/unknown": ("look",),
}
"""Every parameter that pages read: all of them, or one."""
WRONG = (
    "\x00",
    "99999999999999999999999999",
    "-1",
    "999999w",
    "9999-12-31T23:59:59",
    "0001-01-01",
    "0001-01-01T00:00:00+23:59",
    "2026-02-30",
    "²³",
    "18446744073709551616-0",
    "[]",
    "{{7*7}}",
    "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    "a@b@c@example.org",
    f'"{"x" * 300}"@example.org',
    "yes",
    HOSTILE,
    "x" * 5000,
)


def check(answer: httpx.Response, asked: str) -> None:
    """Fail unless an answer says in words what was wrong, if anything was."""
    assert answer.status_code < 500, f"{asked}: {answer.status_code}"
    assert "Traceback" not in answer.text, asked
    if answer.status_code >= 400:
        assert len(text_of(answer)) > 20, asked


@pytest.mark.parametrize("path", PATHS)
async def test_no_parameter_breaks_a_page(site: Site, alice: httpx.AsyncClient, path: str, redis_url: str) -> None:
    """Huge numbers, NUL, times that are none, markup; one at a time, all at once, twice, as arrays."""
    await fill(site, redis_url)
    own = OF_ONE.get(path, ())
    for wrong in WRONG:
        for name in (*(OF_ALL if path in ("/", "/live") else ()), *own):
            more = {"rule": "mailbox_unknown"} if path == "/policy" and name != "rule" else {}
            check(await alice.get(path, params={name: wrong, **more}), f"{path}?{name}={wrong[:40]!r}")
        check(await alice.get(path, params=dict.fromkeys((*OF_ALL[2:], *own), wrong)), f"{path}: all {wrong[:40]!r}")
    for query in ("since[]=1&q[]=2&rule[]=3", "q=a&q=b&since=1h&since=2h", "&&&=&;", "%", "%ff=%ff", "list=main%00"):
        check(await alice.get(f"{path}?{query}"), f"{path}?{query}")


@pytest.mark.parametrize("path", PATHS)
async def test_a_query_of_60_kilobytes_is_refused(alice: httpx.AsyncClient, path: str) -> None:
    """Before anything of it is looked at."""
    answer = await alice.get(f"{path}?q={'x' * 60_000}")
    assert answer.status_code == 431


@pytest.mark.parametrize("path", [*PATHS, *POSTED])
async def test_other_methods_are_refused(alice: httpx.AsyncClient, path: str) -> None:
    """With those that are allowed."""
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
        answer = await alice.request(method, path)
        assert answer.status_code == 405, method
        assert answer.headers["allow"]


@pytest.mark.parametrize("path", [*PATHS, *POSTED])
async def test_nobody_sees_or_does_anything_unless_signed_in(site: Site, path: str) -> None:
    """Whoever is not is led to the door."""
    method = "GET" if path in PATHS else "POST"
    answer = await site.private.request(method, path, params={"q": BOB, "look": "yes"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("path", POSTED)
async def test_a_form_that_is_not_ours_does_nothing(site: Site, alice: httpx.AsyncClient, path: str) -> None:
    """Without the token, with that of another session, or sent by a page of another site."""
    await bounced(site)
    page = await alice.get("/address", params={"q": BOB})
    form = re.findall(r'name="form" value="([^"]+)"', page.text)[0]
    data = {"q": BOB, "reason": "because", "id": "x"}
    for headers, more in (
        ({}, {}),
        ({}, {"form": "x" * 5000}),
        ({}, {"form": form[:-1]}),
        ({"sec-fetch-site": "cross-site"}, {"form": form}),
        ({"sec-fetch-site": "same-site"}, {"form": form}),
        ({"content-type": "application/json"}, {"form": form} if path == "/explain" else {}),
    ):
        answer = await alice.post(path, data=data | more, headers=headers)
        assert answer.status_code == 403, (headers, more)
        assert "Nothing was done." in answer.text
    assert await state(site) is State.SUPPRESSED


async def test_a_reason_may_be_any_text(site: Site, alice: httpx.AsyncClient) -> None:
    """It is shown as text wherever it is told, with no control character in it."""
    await bounced(site)
    page = await alice.get("/address", params={"q": BOB})
    form = re.findall(r'name="form" value="([^"]+)"', page.text)[0]
    reason = HOSTILE[:190]
    answer = await alice.post("/address/release?list=main", data={"form": form, "q": BOB, "reason": reason})
    assert answer.status_code == 303
    for path in (answer.headers["location"].partition("#")[0], "/changes", "/live"):
        told = (await alice.get(path)).text
        assert "&lt;script&gt;" in told
        assert "<script>document" not in told
        assert not {"\x1b", "\x00", "\x07", "\u202e", "\u2066"} & set(told)


async def test_explain_shows_what_others_wrote_as_text(alice: httpx.AsyncClient) -> None:
    """A reply, a message and a page of HTML, pasted and as a file."""
    page = await alice.get("/explain")
    form = re.findall(r'name="form" value="([^"]+)"', page.text)[0]
    message = f"From: MAILER-DAEMON@example.org\nSubject: {HOSTILE[:60]}\nContent-Type: text/html\n\n<p>{HOSTILE}</p>"
    texts = (f"550 5.1.1 {HOSTILE}", message, f"<html><body>{HOSTILE}</body></html>", "\x00" * 500, "\udcff" * 3)
    for text in texts:
        content = text.encode("utf-8", "surrogateescape")
        for files, data in (
            ({"file": (HOSTILE[:80], content, "text/html")}, {}),
            ({"file": ("", b"")}, {"text": content.decode("utf-8", "replace")}),
        ):
            answer = await alice.post("/explain", data={"form": form, "list": "main", **data}, files=files)
            if answer.status_code == 429:
                continue
            check(answer, text[:30])
            assert "<script>document" not in answer.text
            assert "<img src=x" not in answer.text
            assert not {"\x1b", "\x07", "\u202e", "\u2066"} & set(answer.text)


async def test_what_is_too_long_to_be_explained_is_refused(site: Site, alice: httpx.AsyncClient) -> None:
    """Some megabytes are a body that nobody has to read."""
    page = await alice.get("/explain")
    form = re.findall(r'name="form" value="([^"]+)"', page.text)[0]
    most = site.desk.present.listener.max_body_bytes
    answer = await alice.post("/explain", data={"form": form}, files={"file": ("a", b"550 " + b"x" * (most + 1))})
    assert answer.status_code == 413
    assert "A body has at most" in answer.text


async def test_a_list_that_a_reload_took_away_is_said_so(site: Site, alice: httpx.AsyncClient) -> None:
    """On each page that somebody had open, and in its forms; nothing is done."""
    await bounced(site, list_="other")
    page = await alice.get("/address", params={"q": BOB, "list": "other"})
    form = re.findall(r'name="form" value="([^"]+)"', page.text)[0]
    text = site.file.read_text("utf-8")
    site.file.write_text(text[: text.index("[lists.other]")])
    await site.reload()
    for path in PATHS:
        answer = await alice.get(path, params={"list": "other", "q": BOB})
        assert answer.status_code == 404, path
        assert "There is no list other." in answer.text
        assert (await alice.get(path, params={"list": "main", "q": BOB})).status_code in (200, 204, 400, 404), path
    for path in POSTED:
        data = {"form": form, "q": BOB, "reason": "because"}
        assert (await alice.post(f"{path}?list=other", data=data)).status_code == 404


async def test_a_recovery_of_a_list_that_a_reload_took_away_is_said_so(site: Site, alice: httpx.AsyncClient) -> None:
    """What was looked at before cannot be released after."""
    await bounced(site, list_="other")
    page = await alice.get("/recover?since=9d&list=other")
    form, id_ = (re.findall(rf'name="{name}" value="([^"]+)"', page.text)[-1] for name in ("form", "id"))
    text = site.file.read_text("utf-8")
    site.file.write_text(text[: text.index("[lists.other]")])
    await site.reload()
    answer = await alice.post("/recover/release?list=main", data={"form": form, "id": id_, "reason": "because"})
    assert answer.status_code == 404
    assert "There is no list other" in answer.text


async def test_two_recoveries_of_the_same_addresses_release_each_once(site: Site, alice: httpx.AsyncClient) -> None:
    """What one released, the other says that it left alone."""
    for number in range(20):
        await bounced(site, f"user{number}@example.org")
    ids = []
    for query in ("since=9d", "since=9d&category=mailbox_unknown"):
        page = await alice.get(f"/recover?{query}")
        form, id_ = (re.findall(rf'name="{name}" value="([^"]+)"', page.text)[-1] for name in ("form", "id"))
        ids.append(id_)
    posted = (alice.post("/recover/release", data={"form": form, "id": id_, "reason": "because"}) for id_ in ids)
    assert {answer.status_code for answer in await asyncio.gather(*posted)} == {303}
    recoveries = [site.desk.recoveries.find(id_) for id_ in ids]
    await asyncio.gather(*(each.task for each in recoveries if each.task))
    assert sum(each.told[True] for each in recoveries) == 20
    assert sum(each.told.total() for each in recoveries) == 40


async def test_a_list_without_addresses_shows_none_on_any_page(start: Start, people: None, redis_url: str) -> None:
    """But the page of an address that somebody names, and what somebody types."""
    pepper = 'address_form = "hmac"\npepper_file = "a.key"\n'
    async with start(private=PRIVATE, lists=pepper) as site:
        browser = await signed_in(site)
        await bounced(site, "hidden.person@example.org", "other", words="550 <hidden.person@example.org> unknown")
        queries = [{}, {"since": "9d"}, {"what": "all"}, {"what": "states"}, {"campaign": "spring", "look": "yes"}]
        for path in PATHS:
            for query in (*queries, {"look": "1"}, {"rule": "mailbox_unknown", "failures": "3"}):
                answer = await browser.get(path, params={"list": "other", **query})
                assert "hidden.person" not in answer.text, f"{path} {query}"


async def test_a_hundred_people_follow_what_happens(site: Site, alice: httpx.AsyncClient) -> None:
    """Each sees the event."""
    cookies = {"cookie": f"bounced={session(site)}"}
    pages = await asyncio.gather(*(alice.get("/live", headers=cookies) for _ in range(100)))
    after = {re.findall(r"/live/new\?[^\"]*after=([^\"&]+)", page.text)[0] for page in pages}
    await bounced(site)
    asked = [f"/live/new?{urlencode({'after': each})}" for each in after] * (100 // len(after))
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(alice.get(each) for each in asked))
    assert all(quote(BOB, safe="") in answer.text for answer in answers)
