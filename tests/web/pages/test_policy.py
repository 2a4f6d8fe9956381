"""The policy of a list, and another threshold tried with what happened."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from bounced.core.terms import State
from bounced.web.pages import policy
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_address import BOB, bounced, state
from .test_overview import text_of

STRICT = {"rule": "mailbox_full", "failures": "2", "over_days": "0", "then": "suppress"}


async def fill(site: Site, url: str, address: str = BOB) -> None:
    """Leave two full mailboxes, a week apart."""
    async with Redis.from_url(url) as server:
        for days in (9, 2):
            fields: dict[Any, Any] = {
                "type": "report",
                "address": address,
                "at": (site.desk.clock() - timedelta(days=days)).isoformat(),
                "origin": "smtp",
                "kind": "bounce",
                "category": "mailbox_full",
            }
            await server.xadd(site.keys.events, fields)


async def test_the_rules_in_force_are_a_table(alice: httpx.AsyncClient) -> None:
    """Each with its class and what follows in a sentence; what is not the default is marked."""
    told = text_of(await alice.get("/policy"))
    assert "mailbox full soft 3 consecutive ones, more than 15 days from first to last: held 30, then 60" in told
    assert "policy.caution_hours 24 24 Hours" in told
    assert "mailbox unknown, bad address, mailbox moved hard the first: suppressed." in told
    assert "mailbox full changed" not in told


async def test_what_the_configuration_changes_is_marked(start: Start, people: None) -> None:
    """A rule and a figure."""
    lists = "[lists.other.policy]\ncaution_hours = 48\n[lists.other.policy.rules.mailbox_full]\nfailures = 7\n"
    async with start(private=PRIVATE, lists=lists) as site:
        told = text_of(await (await signed_in(site)).get("/policy", params={"list": "other"}))
    assert "mailbox full changed soft 7 consecutive ones" in told
    assert "policy.caution_hours changed 48 24" in told
    assert "held 48 hours" in told


async def test_another_threshold_is_tried_with_what_is_recorded(
    site: Site, alice: httpx.AsyncClient, redis_url: str
) -> None:
    """The totals of both, and who fares differently; nothing is changed."""
    await fill(site, redis_url)
    told = text_of(await alice.get("/policy", params=STRICT))
    assert "Tried: mailbox full: 2 of them, at least 24 hours apart: suppressed" in told
    assert "suppressed 0 1" in told
    assert "1 of 1 addresses that bounced fare differently. 2 events were run." in told
    assert "bob@example.org mailed all the time suppressed " in told
    assert await state(site) is State.ACTIVE
    assert "No event is kept of this time" in text_of(await alice.get("/policy", params={**STRICT, "until": "1h"}))


async def test_of_very_many_events_the_newest_are_run(
    site: Site, alice: httpx.AsyncClient, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a trial takes some seconds; the page says so."""
    monkeypatch.setattr(policy, "MOST_EVENTS", 1)
    await fill(site, redis_url)
    assert "1 events were run, the newest" in text_of(await alice.get("/policy", params=STRICT))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"failures": "many"}, "rules.mailbox_full.failures must be a whole number"),
        ({"failures": "0"}, "rules.mailbox_full.failures must be at least 1"),
        ({"hold_days": "1, x"}, "must be a whole number"),
        ({"rule": "greylisted"}, "keep what the daemon promises"),
        ({"rule": "<script>"}, "It was not tried"),
    ],
)
async def test_what_cannot_be_tried_is_said(alice: httpx.AsyncClient, changed: dict[str, str], told: str) -> None:
    """In the words of the configuration."""
    page = await alice.get("/policy", params=STRICT | changed)
    assert told in text_of(page)
    assert "<script>" not in page.text


async def test_a_list_without_addresses_shows_none(start: Start, people: None) -> None:
    """Only how many there are."""
    pepper = 'address_form = "hmac"\npepper_file = "a.key"\n'
    trial = {"list": "other", "rule": "mailbox_unknown", "then": "nothing"}
    async with start(private=PRIVATE, lists=pepper) as site:
        browser = await signed_in(site)
        await bounced(site, list_="other")
        page = await browser.get("/policy", params=trial)
    assert "1 of 1 addresses that bounced fare differently" in text_of(page)
    assert "so none are shown" in page.text
    assert BOB not in page.text
