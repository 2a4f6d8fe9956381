"""What is told of an address, and what somebody may decide about it."""

import re
from datetime import timedelta

import httpx
import pytest

from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Kind, Origin, Profile, State, Verdict
from bounced.web.pages import looking
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_overview import text_of

BOB = "bob@example.org"
WORDS = "550 5.1.1 <bob@example.org>: Recipient address rejected: User unknown in virtual mailbox table"


async def bounced(site: Site, address: str = BOB, list_: str = "main", **more: str) -> None:
    """Commit a hard bounce of mail that was sent three days ago."""
    at = site.desk.clock() - timedelta(days=3)
    verdict = Verdict(
        Category(more.get("category", Category.MAILBOX_UNKNOWN)), "generic-user-unknown", "diagnostic",
        status="5.1.1", reply_code="550", diagnostic=more.get("words", WORDS), proof="words",
    )  # fmt: skip
    evidence = Evidence(
        EvidenceType.REPORT, at, Origin.SMTP, kind=Kind.BOUNCE, verdict=verdict, sent_on=at.date(),
        profile=Profile.of("single inactive"), campaign=more.get("campaign", "spring"),
        reporting_mta=more.get("mta", "mx.example.org"),
    )  # fmt: skip
    await site.desk.present.pipeline.commit(ReportId(list_, f"path-{address}", "x"), address, evidence)


async def decide(browser: httpx.AsyncClient, verb: str, list_: str = "main", **fields: str) -> httpx.Response:
    """Send the form as a browser does."""
    page = await browser.get("/address", params={"q": BOB})
    form = re.findall(r'name="form" value="([^"]+)"', page.text)[0]
    data = {"form": form, "q": BOB, "reason": "they wrote to us"} | fields
    return await browser.post(f"/address/{verb}?list={list_}", data=data)


async def state(site: Site, list_: str = "main") -> State:
    """Return the state of Bob."""
    return (await site.store.load(list_, BOB)).state


async def test_an_address_is_told_in_a_sentence_and_why(site: Site, alice: httpx.AsyncClient) -> None:
    """Who said what, by which rule and proof, what followed, and what the sender knew."""
    await bounced(site)
    told = text_of(await alice.get("/address", params={"q": " <Bob@Example.org> "}))
    assert "In list main it must not be mailed: it is suppressed since " in told
    assert ", because of mailbox unknown." in told
    for fact in (
        "Reason mailbox unknown (hard)",
        "Said by mx.example.org",
        "Words 550 5.1.1 &lt;bob@example.org&gt;: Recipient address rejected: User unknown in virtual mailbox table",
        "Rule generic-user-unknown",
        "Proof words",
        "Until an operator releases it, or a confirmed opt-in comes",
        "Opt-in, interest single inactive",
        "Campaign spring",
        "now suppressed",
    ):
        assert fact in told
    assert "Nothing is known in list other" in told


async def test_an_address_that_nobody_knows_may_be_mailed(alice: httpx.AsyncClient) -> None:
    """The page says so, and no list looks as if it knew it."""
    told = text_of(await alice.get("/address", params={"q": BOB}))
    assert "No list knows anything of it" in told
    assert "Nothing is known in list main" in told


async def test_what_is_no_address_is_said_so(alice: httpx.AsyncClient) -> None:
    """With what is wrong with it."""
    answer = await alice.get("/address", params={"q": "bob"})
    assert answer.status_code == 400
    assert "is no mail address" in answer.text
    assert (await alice.get("/address", params={"q": "x" * 401})).status_code == 400


async def test_a_release_has_a_reason_and_the_name_of_the_person(site: Site, alice: httpx.AsyncClient) -> None:
    """It is committed before the answer, and the page that follows shows it as the history has it."""
    await bounced(site)
    answer = await decide(alice, "release")
    assert answer.status_code == 303
    assert await state(site) is State.ACTIVE
    told = text_of(await alice.get(answer.headers["location"].partition("#")[0]))
    assert re.search(r"Done, [0-9: -]+ UTC: an operator released it; now active; by alice; ", told)
    assert "they wrote to us" in told


async def test_a_suppression_is_of_one_list(site: Site, alice: httpx.AsyncClient) -> None:
    """That of the form, whichever list somebody looks at."""
    assert (await decide(alice, "suppress", "other")).status_code == 303
    assert (await state(site), await state(site, "other")) == (State.ACTIVE, State.SUPPRESSED)


async def test_a_url_alone_tells_of_no_decision(site: Site, alice: httpx.AsyncClient) -> None:
    """Else a link could make somebody believe that something was done."""
    await bounced(site)
    assert "Done" not in text_of(await alice.get("/address", params={"q": BOB, "done": "release"}))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"form": "forged"}, 403),
        ({"form": ""}, 403),
        ({"reason": " "}, 400),
        ({"reason": "x" * 201}, 400),
        ({"q": "nobody"}, 400),
    ],
)
async def test_a_form_that_is_not_ours_or_not_filled_in_does_nothing(
    site: Site, alice: httpx.AsyncClient, fields: dict[str, str], status: int
) -> None:
    """The page says what is wrong."""
    await bounced(site)
    answer = await decide(alice, "release", **fields)
    assert answer.status_code == status
    assert '<div class="notice bad" role="alert">' in answer.text
    assert await state(site) is State.SUPPRESSED


async def test_another_site_decides_nothing(site: Site, alice: httpx.AsyncClient) -> None:
    """Even with the right token of the form."""
    await bounced(site)
    alice.headers["sec-fetch-site"] = "cross-site"
    assert (await decide(alice, "release")).status_code == 403
    assert await state(site) is State.SUPPRESSED


async def test_without_writes_nothing_is_offered_and_nothing_done(start: Start, people: None) -> None:
    """The page names the commands that do it."""
    async with start(private=PRIVATE, writes="false") as site:
        browser = await signed_in(site)
        page = await browser.get("/address", params={"q": BOB})
        assert "/address/suppress" not in page.text
        assert "bounced suppress" in page.text
        assert (await decide(browser, "suppress")).status_code == 403
        assert await state(site) is State.ACTIVE


async def test_all_events_that_are_kept_can_be_looked_through(site: Site, alice: httpx.AsyncClient) -> None:
    """Of this address only, and only of the span that the URL names."""
    await bounced(site)
    await bounced(site, "carol@example.org", words="550 5.1.1 no such carol")
    told = text_of(await alice.get("/address/events", params={"q": BOB}))
    assert "User unknown in virtual mailbox table" in told
    assert "carol" not in told
    assert told.count("User unknown in virtual mailbox table") == 1
    assert "4 events were looked through" in told
    before = text_of(await alice.get("/address/events", params={"q": BOB, "until": "2h"}))
    assert "No event of this address is kept." in before
    assert "Look through all events that are kept" in text_of(await alice.get("/address", params={"q": BOB}))
    page = text_of(await alice.get("/address", params={"q": BOB, "since": "2001-05-01"}))
    assert "Look through the events since 2001-05-01 00:00" in page


async def test_a_look_through_its_events_goes_on_where_it_ended(
    site: Site, alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a link that brings the rest into the page; without a script it leads to the page, which looks further back."""
    monkeypatch.setattr(looking, "MOST_EVENTS", 1)
    for _ in range(3):
        await decide(alice, "release")
        await decide(alice, "suppress")
    count, url = 0, f"/address/events?q={BOB}"
    while url:
        part = (await alice.get(url)).text
        count += part.count("<li>")
        found = re.findall(r'<a href="([^"]+)" hx-get="([^"]+)"', part)
        url = found[0][1].replace("&amp;", "&") if found else ""
        if found:
            page = await alice.get(found[0][0].replace("&amp;", "&"))
            assert f'hx-get="{found[0][1]}"' in page.text
    assert count >= 6


async def test_a_list_without_addresses_shows_none(start: Start, people: None) -> None:
    """It is asked by the address, and what it kept of the words has none in it."""
    pepper = 'address_form = "hmac"\npepper_file = "a.key"\n'
    async with start(private=PRIVATE, lists=pepper) as site:
        browser = await signed_in(site)
        await bounced(site, list_="other")
        page = await browser.get("/address", params={"q": BOB, "list": "other"})
        assert "In list other it must not be mailed" in text_of(page)
        assert "550 5.1.1 &lt;(address)&gt;" in page.text
        assert BOB not in (await browser.get("/?list=other")).text
