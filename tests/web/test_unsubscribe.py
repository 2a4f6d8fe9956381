"""Unsubscribing by the link in a message: as mailbox providers post it, and as people and scanners follow it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bounced.core.contract.times import hour
from bounced.core.return_path import Directory, Keyring, KeyStatus, ReturnPaths
from bounced.core.terms import Envelope
from bounced.edges.redis.embedded import EmbeddedServer
from bounced.edges.redis.job_store import JobStore
from bounced.jobs import IntakeReader
from bounced.web.peers import network_of
from bounced.web.rates import MAX_NAMES, Rates
from bounced.web.unsubscribe.handlers import REQUESTS_A_SECOND
from bounced.web.unsubscribe.languages import LANGUAGES, chosen

from .conftest import ALL_RIGHTS, Site, Start

ALICE = "alice@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
BASE = 'base_url = "https://mail.example.com"'


@pytest.fixture
async def site(start: Start) -> AsyncIterator[Site]:
    """Give the application, whose links name the public listener."""
    async with start(public=BASE) as site:
        yield site


def paths_of(site: Site, list_: str = "main") -> ReturnPaths:
    """Return what makes the paths of a list."""
    return site.desk.present.pipeline.directory[list_]


def today() -> date:
    """Return the day at this moment: the tests may run into another one."""
    return datetime.now(UTC).date()


def link(site: Site, list_: str = "main", age_days: int = 0, address: str = ALICE) -> str:
    """Return the path of the URL in a message of a day."""
    made = paths_of(site, list_).encode_unsubscribe(address, issued=today() - timedelta(days=age_days), tag="nov")
    return "/u/" + quote(made.rpartition("@")[0], safe="")


async def work(site: Site) -> None:
    """Let a worker read the intake."""
    jobs = JobStore(site.store, "worker", events_max=10_000, failed_max=100)
    await IntakeReader(lambda: site.desk.present.pipeline, jobs).round()


async def waiting(site: Site, list_: str = "main") -> int:
    """Return how many entries no worker has taken in."""
    length = await site.store.read(list_, "XLEN", site.store.keyspace(list_).intake)
    assert isinstance(length, int)
    return length


async def unsubscribed(site: Site, list_: str = "main", address: str = ALICE) -> bool:
    """Let a worker read, and tell whether an address is suppressed because it was unsubscribed."""
    await work(site)
    return (await site.store.load(list_, address)).category == "unsubscribed"


def same_for_all(answer: httpx.Response) -> tuple[object, ...]:
    """Return what one answer has in common with others: all but its time and its id."""
    apart = ("date", "x-request-id")
    return answer.status_code, answer.content, {name: it for name, it in answer.headers.items() if name not in apart}


@pytest.mark.parametrize("body", ["urlencoded", "multipart"])
@pytest.mark.parametrize("address", [ALICE, "a/very%odd!one@example.org", f"{'long' * 12}@example.org"])
async def test_a_mailbox_provider_unsubscribes_by_the_header_fields(site: Site, body: str, address: str) -> None:
    """It posts what the field says to its URL, with a body of either type, and needs neither cookie nor redirect."""
    token = await site.token(*ALL_RIGHTS)
    made = (await site.post(token, "return-path", {"address": address, "tag": "nov"})).json()["headers"]
    found = re.search(r"<(https://[^>]+)>", made["List-Unsubscribe"])
    assert found is not None
    url = urlsplit(found[1])
    assert (url.netloc, made["List-Unsubscribe-Post"]) == ("mail.example.com", "List-Unsubscribe=One-Click")
    sent = {"data": ONE_CLICK} if body == "urlencoded" else {"files": {"List-Unsubscribe": (None, "One-Click")}}
    answer = await site.public.post(url.path, **sent)
    assert (answer.status_code, "set-cookie" in answer.headers, "location" in answer.headers) == (200, False, False)
    assert await waiting(site) == 1
    await work(site)
    told = (await site.post(token, "lookup", {"address": address})).json()
    assert (told["state"], told["category"], told["campaign"], told["origin"]) == (
        "suppressed",
        "unsubscribed",
        "nov",
        "intake",
    )


async def test_following_the_link_changes_nothing(site: Site) -> None:
    """Scanners follow links.  A page asks, and its form posts what a provider posts, to where it stands."""
    page = await site.public.get(link(site))
    head = await site.public.head(link(site))
    assert (page.status_code, head.status_code, head.content) == (200, 200, b"")
    assert await waiting(site) == 0
    form = Form()
    form.feed(page.text)
    assert (form.method, form.action, form.fields) == ("post", None, ONE_CLICK)
    assert "<script" not in page.text
    assert (await site.public.post(link(site), data=form.fields)).status_code == 200
    assert await unsubscribed(site)


class Form(HTMLParser):
    """What the form of a page sends."""

    def __init__(self) -> None:
        super().__init__()
        self.method: str | None = None
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the form and its fields."""
        named = dict(attrs)
        if tag == "form":
            self.method, self.action = named.get("method"), named.get("action")
        if tag == "input":
            self.fields[named["name"] or ""] = named["value"] or ""


async def test_one_answer_whoever_a_link_is_for(site: Site) -> None:
    """Forged, expired, a return path, a token that nobody knows, rubbish: all hear what a good one's owner hears."""
    good = link(site)
    mail = paths_of(site).encode(ALICE, issued=today()).rpartition("@")[0]
    others = [
        good.replace("alice", "alicf"),
        link(site, age_days=401),
        link(site, age_days=-3),
        f"/u/{quote(mail)}",
        f"/u/u-t{'a' * 26}",
        "/u/u-",
        "/u/",
        "/u/postmaster",
        "/u/u-%00%ff%0d%0aX-A:b",
        "/u/..%2f..%2fetc/passwd",
        "/u/%3Cscript%3Ealert(1)%3C/script%3E",
        "/u/u-" + "a" * 5000,
        "/u/%E2%80%AEu-%F0%9F%92%A9",
        f"/u/{quote('u-' + '=' * 60)}",
    ]
    for method in ("GET", "POST"):
        data = ONE_CLICK if method == "POST" else None
        expected = same_for_all(await site.public.request(method, good, data=data))
        for other in others:
            assert same_for_all(await site.public.request(method, other, data=data)) == expected, other
    assert await waiting(site) == 1


@pytest.mark.parametrize("age_days", [0, 400])
async def test_a_link_is_good_for_400_days_and_names_its_list_by_its_signature(site: Site, age_days: int) -> None:
    """The URL has no domain: the link of the second list unsubscribes there, and nowhere else."""
    await site.public.post(link(site, "other", age_days), data=ONE_CLICK)
    assert (await waiting(site), await waiting(site, "other")) == (0, 1)
    assert await unsubscribed(site, "other")
    assert not await unsubscribed(site)


async def test_a_link_under_a_revoked_key_is_good(site: Site) -> None:
    """Nobody is kept for a secret of ours that leaked."""
    path = link(site)
    desk = site.serving._parts[1].desk
    directory = desk.present.pipeline.directory
    key = replace(directory["main"].keyring.signing, status=KeyStatus.REVOKED)
    another = replace(directory["other"].keyring.signing, id="n", secret=b"another secret of enough octets")
    rotated = Directory(
        tuple(replace(each, keyring=Keyring(another, key)) if each.list == "main" else each for each in directory.lists)
    )
    desk.use(replace(desk.present, pipeline=replace(desk.present.pipeline, directory=rotated)))
    await site.public.post(path, data=ONE_CLICK)
    assert await unsubscribed(site)


async def test_whoever_posts_twice_or_writes_too_is_counted_once(site: Site) -> None:
    """A provider tries again, and a person writes to the address beside the link."""
    for _ in range(2):
        await site.public.post(link(site), data=ONE_CLICK)
        await work(site)
    pipeline, now = site.desk.present.pipeline, site.desk.clock()
    path = paths_of(site).encode_unsubscribe(ALICE, issued=today(), tag="nov")
    request = b"From: alice@example.org\r\nSubject: unsubscribe\r\nMessage-ID: <1@example.org>\r\n\r\n"
    await pipeline.process(await pipeline.admit(path), Envelope("192.0.2.1", ALICE, path, request, now))
    fields = await site.store.read("main", "HGETALL", site.keys.counts(hour(now)))
    assert isinstance(fields, list)
    counted = dict(zip(fields[::2], fields[1::2], strict=True))
    assert (counted[b"type:unsubscribed"], counted[b"transition:active:suppressed"]) == (b"1", b"1")
    assert b"type:report" not in counted


async def test_whoever_subscribed_again_leaves_again_by_the_same_link(site: Site) -> None:
    """However soon: no two requests are taken for one."""
    token = await site.token(*ALL_RIGHTS)
    await site.public.post(link(site), data=ONE_CLICK)
    assert await unsubscribed(site)
    await site.post(token, "release", {"address": ALICE, "reason": "asked"})
    assert not await unsubscribed(site)
    later = site.desk.clock() + timedelta(seconds=2)
    desk = site.serving._parts[1].desk
    desk.use(replace(desk.present, pipeline=replace(desk.present.pipeline, clock=lambda: later)))
    await site.public.post(link(site), data=ONE_CLICK)
    assert await unsubscribed(site)


@pytest.mark.parametrize(
    ("content", "type_", "status"),
    [
        (b"list-unsubscribe=one-click&x=1", "application/x-www-form-urlencoded; charset=utf-8", 200),
        (b"List-Unsubscribe=One-Click", "", 200),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"List-Unsubscribe=No", "application/x-www-form-urlencoded", 400),
        (b"&" * 100, "application/x-www-form-urlencoded", 400),
        (b"List-Unsubscribe=One-Click", "multipart/form-data", 400),
        (b"--x\r\nrubbish", "multipart/form-data; boundary=x", 400),
        (b"\xff\xfe\x00", "application/json", 400),
        (b"x" * 16_385, "application/x-www-form-urlencoded", 413),
        (b"x" * 2_000_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_bodies(site: Site, content: bytes, type_: str, status: int) -> None:
    """One that does not ask is no request, whoever sends it."""
    headers = {"content-type": type_} if type_ else {}
    for path in (link(site), "/u/nobody"):
        assert (await site.public.post(path, content=content, headers=headers)).status_code == status
    assert await waiting(site) == (status == 200)


async def test_nobody_is_told_to_be_unsubscribed_while_redis_is_away(start: Start, tmp_path: Path) -> None:
    """Good or not, a link gets 503 and when to come again; the same link works afterwards."""
    async with (
        EmbeddedServer(tmp_path / "server") as server,
        start(url=server.url, public=BASE, redis="timeout_s = 2.0") as site,
    ):
        bad = link(site).replace("alice", "alicf")
        async with Redis.from_url(server.url) as admin:
            await admin.execute_command("CONFIG", "SET", "min-replicas-to-write", "1")
            for path in (link(site), bad):
                answer = await site.public.post(path, data=ONE_CLICK, headers={"accept-language": "de"})
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
                assert LANGUAGES["de"].later in answer.text
            await admin.execute_command("CONFIG", "SET", "min-replicas-to-write", "0")
        async with asyncio.timeout(20):
            while (await site.public.post(link(site), data=ONE_CLICK)).status_code == 503:  # noqa: ASYNC110 - of Redis
                await asyncio.sleep(0.05)
        assert await unsubscribed(site)
        await server.stop()
        told = [same_for_all(await site.public.post(path, data=ONE_CLICK)) for path in (link(site), bad)]
        assert told[0] == told[1]
        assert told[0][0] == 503
        assert (await site.public.get(link(site))).status_code == 200


async def test_what_protects_those_who_follow_a_link(site: Site) -> None:
    """No cache keeps the page, no search engine finds it, no other page learns its URL."""
    for answer in (await site.public.get(link(site)), await site.public.post(link(site), data=ONE_CLICK)):
        expected = {
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-robots-tag": "noindex",
            "vary": "Accept-Language",
            "content-security-policy": "default-src 'self'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'",
        }
        assert {name: answer.headers[name] for name in expected} == expected
    assert (await site.public.put(link(site))).status_code == 405
    style = await site.public.get("/u/style.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")


async def test_neither_address_nor_path_is_logged(site: Site) -> None:
    """A log has the route."""
    with capture_logs() as logs:
        await site.public.get(link(site))
        await site.public.post(link(site), data=ONE_CLICK)
    assert [entry["route"] for entry in logs] == ["/u/{path:anything}"] * 2
    assert not [entry for entry in logs if "alice" in str(entry) or link(site) in str(entry)]


async def test_a_peer_asks_so_often_and_no_more(site: Site) -> None:
    """With 429 and when to come again; nothing is written for it."""
    site.serving._parts[1].desk.rates = Rates(lambda: 0.0)
    for _ in range(2 * REQUESTS_A_SECOND):
        assert (await site.public.get("/u/u-")).status_code == 200
    for answer in (await site.public.get("/u/u-"), await site.public.post(link(site), data=ONE_CLICK)):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert await waiting(site) == 0


def test_one_network_is_one_peer_and_the_longest_silent_is_forgotten() -> None:
    """Who has a /64 takes a new address for each request; who has very many addresses fills no memory."""
    assert network_of("2001:db8::1") == network_of("2001:db8:0:0:ffff::2") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    rates = Rates(lambda: 0.0)
    for number in range(MAX_NAMES + 10):
        rates.wait_s(str(number), 1)
    assert len(rates._buckets) == MAX_NAMES


@pytest.mark.parametrize("tag", LANGUAGES)
async def test_pages_speak_the_browsers_language(site: Site, tag: str) -> None:
    """Each sentence of each of them, in its direction."""
    words, headers = LANGUAGES[tag], {"accept-language": f"xx, {tag}-XX;q=0.9, en;q=0.1"}
    asked = await site.public.get("/u/u-", headers=headers)
    done = await site.public.post("/u/u-", data=ONE_CLICK, headers=headers)
    assert asked.headers["content-language"] == tag
    assert f'<html lang="{tag}" dir="{"rtl" if tag == "ar" else "ltr"}">' in asked.text
    assert (words.ask in asked.text, words.button in asked.text, words.done in done.text) == (True, True, True)


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("*", "en"),
        ("de;q=0, fr;q=0.5", "fr"),
        ("fr;q=0.5,de", "de"),
        ("pt-BR,pt;q=0.9", "pt"),
        ("zh-Hant-TW", "zh"),
        ("de;q=nan", "en"),
        ("de;q=x,,;;=", "en"),
        ("xx," * 5000 + "de", "en"),
    ],
)
def test_which_language_a_browser_asks_for(accepted: str, tag: str) -> None:
    """The one that it likes best; English where it says nothing that can be read."""
    assert chosen(accepted).tag == tag
