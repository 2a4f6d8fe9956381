"""Events arrive at receivers that fail, are slow, are down, or want nothing more."""

import asyncio
import json
from typing import Any

import pytest

from bounced.deliver import delivery
from bounced.deliver.notes import Notes
from bounced.edges.redis.erasing import erase
from bounced.opening import now
from bounced.ports import StoreUnavailable
from tests.support.receiver import OK, WAIT_S, Request, answers, ids, port_of, receiving, status

from .conftest import Site, Start, config_of, hook, until

pytestmark = pytest.mark.usefixtures("quick")


async def test_an_event_arrives_as_it_stands_in_the_stream(start: Start) -> None:
    """In our own body, with its list, its entry and all fields, and it is settled then."""
    async with receiving() as crm, start(hook(crm.url)) as site:
        (entry,) = await site.write("alice", before="active", after="suppressed")
        await crm.until(lambda: bool(crm.heard))
        (request,) = crm.heard
        assert request.line == "POST /hook HTTP/1.1"
        assert request.headers["content-type"] == "application/json"
        assert request.id == f"main_events_{entry}"
        assert request.told == {
            "version": 1,
            "type": "transition",
            "timestamp": "2026-11-29T12:00:00Z",
            "data": {
                "list": "main",
                "stream_id": entry,
                "type": "transition",
                "at": "2026-11-29T12:00:00Z",
                "before": "active",
                "after": "suppressed",
                "address": "alice@example.org",
            },
        }
        await site.settled()
        await site.stands(lambda state: state.delivered == 1 and not state.pending)


async def test_only_chosen_types_are_sent_and_both_streams_are_read(start: Start) -> None:
    """What is not wanted is settled unsent."""
    async with receiving() as crm, start(hook(crm.url)) as site:
        await site.write("ignored", type="report")
        await site.write("alice")
        await site.write("bob", bulk=True)
        await crm.until(lambda: len(crm.heard) == 2)
        assert {request.id.split("_")[1]: request.address for request in crm.heard} == {
            "events": "alice@example.org",
            "bulk": "bob@example.org",
        }
        await site.settled()


async def test_a_refused_event_is_sent_again_under_the_same_id_with_a_fresh_time(start: Start) -> None:
    """Until it is taken; the receiver knows it again by the id."""
    told = answers(status(500), status(404), b"", status(302, "Location: /"), OK)
    async with receiving(told) as crm, start(hook(crm.url)) as site:
        await site.write("alice")
        await crm.until(lambda: bool(crm.heard))
        assert len(crm.refused) == 4
        assert set(ids(crm.refused)) == set(ids(crm.heard))
        await site.settled()
        await site.stands(lambda state: state.last_failure == "302 Told: redirects are not followed")
        assert await site.redis.exists(site.keys.hook_failing("crm")) == 0


async def test_a_refused_event_holds_only_what_came_later_for_its_address(start: Start) -> None:
    """Other addresses go on, and of its own nothing overtakes."""
    open_, refused = asyncio.Event(), 0

    async def answer(request: Request) -> bytes:
        nonlocal refused
        if request.told["data"].get("note") == "first" and not open_.is_set():
            refused += 1
            return status(503)
        return OK

    async with receiving(answer) as crm, start(hook(crm.url)) as site:
        await site.write("alice", note="first")
        await site.write("alice", note="second")
        await site.write(*"bcdefgh")
        await crm.until(lambda: len(crm.heard) == 7)
        assert sorted(crm.addresses) == list("bcdefgh")
        open_.set()
        await crm.until(lambda: len(crm.heard) == 9)
        assert [request.told["data"]["note"] for request in crm.heard[7:]] == ["first", "second"]


async def test_another_receiver_is_not_delayed_by_one_that_hangs(start: Start) -> None:
    """Each webhook has a window of its own."""

    async def hang(_request: Request) -> bytes:
        await asyncio.sleep(3600)
        return OK

    names = [f"a{number}" for number in range(300)]
    async with (
        receiving(hang) as slow,
        receiving() as quick,
        start(hook(slow.url, name="slow"), hook(quick.url, name="quick")) as site,
    ):
        await site.write(*names)
        await quick.until(lambda: len(quick.heard) == len(names))
        assert sorted(quick.addresses) == sorted(names)
        assert slow.heard == []


async def test_gone_ends_a_webhook_until_it_is_resumed(start: Start) -> None:
    """410: nothing more is sent; what was not taken comes first when somebody resumes it."""
    async with receiving(answers(status(410, body="not here"), OK)) as crm, start(hook(crm.url)) as site:
        await site.write("alice")
        state = await site.stands(lambda state: state.stopped)
        await site.write("alice")
        assert state.stopped == "410 Told: not here"
        assert (len(crm.refused), crm.heard) == (1, [])
        await site.streams().resume()
        await crm.until(lambda: len(crm.heard) == 2)
        assert ids(crm.heard)[0] == ids(crm.refused)[0]


async def test_an_event_that_was_never_taken_is_set_aside_and_the_next_one_goes_on(start: Start) -> None:
    """With the last answer; it can be sent again later, under its own id."""
    bad = True

    async def answer(request: Request) -> bytes:
        return status(422, body="no such contact") if bad and "first" in request.body.decode() else OK

    async with receiving(answer) as crm, start(hook(crm.url, more="give_up_s = 0.1")) as site:
        await site.write("alice", note="first")
        await site.write("alice")
        await crm.until(lambda: len(crm.heard) == 1)
        found: Any = await site.redis.xrange(site.keys.undelivered("crm"))
        ((_, kept),) = found
        assert (kept["error"], kept["address"]) == ("422 Told: no such contact", "alice@example.org")
        assert (await site.state()).set_aside == 1
        bad = False
        assert await site.streams().resume() == 1
        await crm.until(lambda: len(crm.heard) == 2)
        assert ids(crm.heard)[1] == ids(crm.refused)[0]
        await site.settled()


async def test_a_receiver_that_is_down_is_asked_by_one_request_at_a_time(start: Start) -> None:
    """Not by each event that waits; when it is back, everything arrives in order."""
    async with receiving() as crm:
        port = port_of(crm)
    async with start(hook(crm.url, more="connections = 4")) as site:
        await site.write(*[f"a{number % 50}" for number in range(200)])
        await site.stands(lambda state: "refused" in state.last_failure)
        async with receiving(port=port) as crm:
            await crm.until(lambda: len(set(ids(crm.heard))) == 200)
            for name in {request.address for request in crm.heard}:
                own = [request.id for request in crm.heard if request.address == name]
                assert own == sorted(own, key=_number)
        await site.settled()
        await site.stands(lambda state: state.failing_since is None)


def _number(id_: str) -> tuple[int, int]:
    at, _, number = id_.rpartition("_")[2].partition("-")
    return int(at), int(number)


async def test_retry_after_is_heeded(start: Start) -> None:
    """For every event: the receiver speaks of itself."""
    loop, times = asyncio.get_running_loop(), list[float]()

    async def answer(_request: Request) -> bytes:
        times.append(loop.time())
        return status(429, "Retry-After: 1") if len(times) == 1 else OK

    async with receiving(answer) as crm, start(hook(crm.url, more="connections = 1")) as site:
        await site.write("alice", "bob")
        await crm.until(lambda: len(crm.heard) == 2)
        assert times[1] - times[0] >= 1


async def test_of_two_deliverers_one_works(start: Start) -> None:
    """The other one takes over when the first is gone, with what was not settled."""
    release = asyncio.Event()

    async def answer(_request: Request) -> bytes:
        await release.wait()
        return OK

    async with receiving(answer) as crm, start(hook(crm.url)) as site:
        await site.write("alice")
        await crm.begun()
        config = config_of(site.file)
        other = type(site.delivering)(site.store, now)
        other.use(config)
        first = site.delivering._parts[0]
        first.task.cancel()  # as a kill: it leaves nothing
        await asyncio.wait([first.task])
        release.set()
        await crm.until(lambda: bool(crm.heard))
        await site.settled()
        await other.stop()


async def test_a_reload_stops_what_is_gone_and_starts_what_is_new(start: Start) -> None:
    """Nothing is lost for the ones that stay."""
    async with receiving() as crm, receiving() as new, start(hook(crm.url)) as site:
        await site.write("alice")
        await crm.until(lambda: len(crm.heard) == 1)
        site.file.write_text(site.file.read_text() + hook(new.url, name="new"))
        await site.delivering.reload(config_of(site.file))
        await site.stands(lambda state: state.begun, "new")
        await site.write("bob")
        await crm.until(lambda: len(crm.heard) == 2)
        await new.until(lambda: len(new.heard) == 1)


async def test_a_reload_waits_until_what_was_taken_is_settled(start: Start) -> None:
    """So no receiver is sent an event twice for it."""

    async def answer(_request: Request) -> bytes:
        await asyncio.sleep(0.02)
        return OK

    async with receiving(answer) as crm, start(hook(crm.url)) as site:
        for round_ in range(5):
            await site.write(*(f"a{round_}-{number}" for number in range(30)))
            await crm.until(lambda: crm.requests > 30 * round_ + 5)  # noqa: B023 - awaited in this round
            await site.delivering.reload(config_of(site.file))
            await crm.until(lambda: len(set(ids(crm.heard))) == 30 * round_ + 30)  # noqa: B023
        assert len(crm.heard) == 150


async def test_a_stop_is_a_stop_also_while_redis_goes_away(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that comes of it, or at the same moment, does not begin the work anew."""

    async def go_away(_notes: Notes) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise StoreUnavailable("away")

    monkeypatch.setattr(Notes, "write_for_ever", go_away)
    async with receiving() as crm, start(hook(crm.url)) as site:
        await site.write("alice")
        await crm.until(lambda: bool(crm.heard))
        async with asyncio.timeout(WAIT_S):
            await site.delivering.stop()


async def test_an_erased_event_is_neither_sent_again_nor_set_aside(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is held already, and what waits behind it for the same address."""
    monkeypatch.setattr(delivery, "STALE_S", 0.0)

    async def answer(request: Request) -> bytes:
        return status(500) if "alice" in request.address else OK

    async with receiving(answer) as crm, start(hook(crm.url, more="give_up_s = 0.5")) as site:
        await site.write("alice", "alice", "alice")
        await crm.until(lambda: bool(crm.refused))
        await erase(site.store, "main", "alice@example.org", lambda _count: None)
        await site.write("bob")
        await site.settled()
        assert await site.redis.exists(site.keys.undelivered("crm"), site.keys.hook_failing("crm")) == 0
        assert len(set(ids(crm.refused))) == 1
        await site.stands(lambda state: (state.failing_since, state.set_aside) == (None, 0))


async def test_an_event_that_is_erased_while_it_is_sent_is_not_set_aside(start: Start) -> None:
    """Its last request has ended after the erasure."""
    erased = asyncio.Event()

    async def answer(request: Request) -> bytes:
        if crm.refused:
            await erased.wait()
        return status(500)

    async with receiving(answer) as crm, start(hook(crm.url, more="give_up_s = 0.1")) as site:
        await site.write("alice")
        await crm.until(lambda: crm.requests == 2)
        await erase(site.store, "main", "alice@example.org", lambda _count: None)
        erased.set()
        await site.settled()
        assert await site.redis.exists(site.keys.undelivered("crm")) == 0


async def test_an_event_that_is_trimmed_while_it_is_held_is_delivered(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read in time."""
    monkeypatch.setattr(delivery, "STALE_S", 0.0)
    async with receiving(answers(status(500), status(500), OK)) as crm, start(hook(crm.url)) as site:
        await site.write("alice")
        await crm.until(lambda: bool(crm.refused))
        await site.redis.xtrim(site.keys.events, maxlen=0, approximate=False)
        await crm.until(lambda: bool(crm.heard))
        await site.settled()


async def test_trimmed_events_are_told(start: Start) -> None:
    """By the state that the status and the alarm read."""
    async with receiving() as crm, start(hook(crm.url)) as site:
        await site.delivering.stop()
        await site.write(*"abcd")
        await site.redis.xtrim(site.keys.events, maxlen=1, approximate=False)
        site.delivering.use(config_of(site.file))
        await crm.until(lambda: len(crm.heard) == 1)
        assert (crm.addresses, (await site.state()).trimmed) == (["d"], 3)


async def test_a_lease_that_was_taken_away_stops_the_sending(start: Start) -> None:
    """The holder notices, and gets it back when it is free."""
    async with receiving() as crm, start(hook(crm.url)) as site:
        await site.write("alice")
        await crm.until(lambda: len(crm.heard) == 1)
        await site.redis.set(site.keys.hook_lease("crm"), "another", px=700)
        await until(lambda: _left(site))
        await site.write("bob")
        await crm.until(lambda: len(crm.heard) == 2)


async def _left(site: Site) -> bool:
    return not site.delivering._parts[0].delivery._lease.held


async def test_listmonk_gets_what_it_takes(start: Start) -> None:
    """Failures that put an address onto the list, with our reason beside them."""
    more = 'body = "listmonk"\nauthorization = "basic"\nauthorization_file = "login"'
    async with receiving() as crm, start(hook(crm.url, more=more)) as site:
        failed: dict[str, Any] = {"before": "active", "after": "suppressed"}
        await site.write("dead", **failed, category="mailbox_unknown", class_="hard")
        await site.write("unsubscribed", **failed, category="unsubscribed", class_="none")
        await site.write("full", before="active", after="held", class_="soft")
        await site.write("angry", **failed, class_="complaint")
        await site.write("back", before="held", after="active", class_="soft")
        await crm.until(lambda: len(crm.heard) == 3)
        told = {request.told["email"]: request.told for request in crm.heard}
        assert {email: each["type"] for email, each in told.items()} == {
            "dead@example.org": "hard",
            "full@example.org": "soft",
            "angry@example.org": "complaint",
        }
        dead = told["dead@example.org"]
        assert dead["source"] == "bounced"
        assert json.loads(dead["meta"])["category"] == "mailbox_unknown"
        assert {each.headers["authorization"] for each in crm.heard} == {"Basic YXBpOnRva2Vu"}
