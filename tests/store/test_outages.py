"""What every store does for providers that are wrong about everybody.  (docs/contract.md, section 1)"""

from dataclasses import replace
from datetime import timedelta

import pytest

from bounced.core.policy.outage import Unknowns
from bounced.core.state import EvidenceType
from bounced.core.terms import Engagement, OptIn, Origin, Profile, State
from bounced.edges import memory_store
from bounced.edges.redis import job_store as redis_job_store
from tests.support.events import recent_events

from .conftest import Bench
from .reports import AT, BOUNCE, HOUR, UNKNOWN_USER, report, suppress
from .test_doubt import job_store

KNOWN = Profile(OptIn.CONFIRMED, Engagement.UNKNOWN)
IMPORTED = Profile(OptIn.IMPORTED, Engagement.UNKNOWN)


async def test_each_path_counts_once_for_the_provider_that_calls_it_unknown(bench: Bench) -> None:
    """By what the sender knew, whatever the provider's domain; a company's at its servers too."""
    told = [("a@yahoo.com", KNOWN), ("b@aol.com", Profile()), ("c@aol.com", IMPORTED), ("d@gmail.com", KNOWN)]
    for number, (address, profile) in enumerate([*told, told[0]]):
        evidence = replace(BOUNCE, profile=profile, verdict=UNKNOWN_USER._replace(remote_mta=None))
        await bench.store.commit(report(number, f"path of {address}"), address, suppress(evidence))
    served = replace(BOUNCE, verdict=UNKNOWN_USER._replace(remote_mta="mta7.am0.yahoodns.net"))
    await bench.store.commit(report(8, "8"), "e@company.example", suppress(served))
    sent = replace(BOUNCE, type=EvidenceType.SENT, verdict=None, count=300, domain="aol.com", origin=Origin.INTAKE)
    await bench.store.commit(report(9, ""), None, suppress(sent))
    found = await job_store(bench).provider_hours("main", "yahoo", [HOUR, "2026030113"])
    assert list(found) == [Unknowns(known=1, other=2, new=1, sent=300), Unknowns()]


async def test_a_shared_failure_counts_where_it_came_in(bench: Bench) -> None:
    """In the list that hears of it from another one it counts for nothing."""
    await bench.store.commit(report(), "a@yahoo.com", suppress(replace(BOUNCE, shared_from="other")))
    assert list(await job_store(bench).provider_hours("main", "yahoo", [HOUR])) == [Unknowns()]


async def test_the_event_names_the_provider(bench: Bench) -> None:
    """Where it is one that is known: a list of hashes could not tell it otherwise."""
    for number, address in enumerate(["a@company.example", "a@me.com"]):
        await bench.store.commit(report(number, address), address, suppress())
    events = await recent_events(bench.store, "main", 9)
    assert [event.get("provider") for event in events if event["type"] == "report"] == ["apple", None]


async def test_decide_knows_that_the_provider_is_disputed(bench: Bench) -> None:
    """Whichever of domain and provider is disputed for longer; for what another provider says it is not."""
    asked, until = job_store(bench), AT + timedelta(hours=5)
    assert await asked.dispute("main", "provider:apple", AT, until, 9)
    assert not await asked.dispute("main", "provider:apple", AT, until, 9)
    assert await asked.disputed("main", AT) == ["provider:apple"]
    for number, (address, disputed) in enumerate([("a@mac.com", until), ("a@gmail.com", None)]):
        committed = await bench.store.commit(report(number, address), address, suppress())
        assert committed.transition is not None
        assert committed.transition.before.disputed_until == disputed
    await bench.inside.dispute("icloud.com", until + timedelta(hours=1))
    committed = await bench.store.commit(report(8, "8"), "a@icloud.com", suppress())
    assert committed.transition is not None
    assert committed.transition.before.disputed_until == until + timedelta(hours=1)
    (event,) = [event for event in await recent_events(bench.store, "main", 9) if event["type"] == "provider.disputed"]
    assert (event["provider"], event["addresses"]) == ("apple", "9")


async def test_a_dispute_that_is_over_is_none(bench: Bench) -> None:
    """The provider is believed again."""
    await job_store(bench).dispute("main", "provider:apple", AT - timedelta(days=1), AT, 9)
    committed = await bench.store.commit(report(), "a@mac.com", suppress())
    assert committed.transition is not None
    assert committed.transition.before.disputed_until is None
    assert committed.transition.after.state is State.SUPPRESSED


async def test_who_was_called_unknown_is_found_page_by_page(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest first, each once on a page, and none from before the time that is asked for."""
    for store in (memory_store, redis_job_store):
        monkeypatch.setattr(store, "EVENTS_IN_PAGE", 4)
    for number in range(6):
        evidence = replace(BOUNCE, at=AT + timedelta(hours=number))
        await bench.store.commit(report(number, f"{number}"), f"{number}@aol.com", suppress(evidence))
        await bench.store.commit(report(10 + number, f"1{number}"), f"{number}@gmail.com", suppress(evidence))
    asked, newest = job_store(bench), "+"
    found: list[str] = []
    while newest:
        page = await asked.called_unknown("main", "yahoo", AT + timedelta(hours=2), newest)
        found += page.addresses
        newest = page.next
    assert found == [f"{number}@aol.com" for number in (5, 4, 3, 2)]
