"""Events over HTTP: page by page, and as they happen, over breaks and restarts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from bounced.core.contract.imported import Import
from bounced.core.exchange import Row, merge
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, State
from bounced.edges.redis.bulk import merge_all
from bounced.web.tokens import Right

from .conftest import ALL_RIGHTS, Site, Start

PATH = "/api/v1/lists/main/events"


class Follower:
    """An open stream, and what it said so far."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.last = ""
        self.trimmed = False

    async def next(self) -> dict[str, str]:
        """Return the next event.  Raises StopAsyncIteration at the end of the stream."""
        while True:
            line = await anext(self._lines)
            if line.startswith("id: "):
                self.last = line.removeprefix("id: ")
            self.trimmed = self.trimmed or line == "event: trimmed"
            if line.startswith("data: "):
                return dict(json.loads(line.removeprefix("data: ")))

    async def to_the_end(self) -> None:
        """Read until the stream ends."""
        with suppress(StopAsyncIteration):
            while True:
                await self.next()


@asynccontextmanager
async def following(site: Site, token: str, last: str = "", **query: str) -> AsyncIterator[Follower]:
    """Open a stream, and wait until it has begun."""
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    headers |= {"last-event-id": last} if last else {}
    async with (
        asyncio.timeout(30),
        site.private.stream("GET", PATH, headers=headers, params=query) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Follower(answer)


async def act(site: Site, token: str, address: str) -> None:
    """Make an event: a transition, which the type of the decision precedes."""
    await site.post(token, "suppress", {"address": address, "reason": "a test"})


async def test_pages_go_on_where_the_last_one_ended(site: Site) -> None:
    """From the oldest on; at the end comes an empty page, and the same place."""
    token = await site.token(*ALL_RIGHTS)
    await act(site, token, "a@example.org")
    first = (await site.get(token, "events")).json()
    await act(site, token, "b@example.org")
    second = (await site.get(token, "events", after=first["next"])).json()
    assert {event["address"] for event in first["events"]} == {"a@example.org"}
    assert {event["address"] for event in second["events"]} == {"b@example.org"}
    empty = (await site.get(token, "events", after=second["next"])).json()
    assert empty == {"events": [], "next": second["next"], "trimmed": False}


async def test_the_end_is_a_place_to_begin_at(site: Site) -> None:
    """For whoever wants only what happens from now on; also before anything happened."""
    token = await site.token(*ALL_RIGHTS)
    end = (await site.get(token, "events", after="end")).json()
    await act(site, token, "a@example.org")
    assert end["events"] == []
    assert (await site.get(token, "events", after=end["next"], type="transition")).json()["events"][0]["after"] == (
        "suppressed"
    )


async def test_events_come_as_they_happen(site: Site) -> None:
    """From now on, where nobody says from when on."""
    token = await site.token(*ALL_RIGHTS)
    await act(site, token, "before@example.org")
    async with following(site, token, type="transition") as follower:
        await act(site, token, "a@example.org")
        assert (await follower.next())["address"] == "a@example.org"


async def test_a_stream_goes_on_over_a_restart_of_the_application(start: Start) -> None:
    """The stream ends with the application; Last-Event-ID says where it goes on, and nothing is missed."""
    async with start() as site:
        token = await site.token(*ALL_RIGHTS)
        async with following(site, token, type="transition") as follower:
            await act(site, token, "a@example.org")
            assert (await follower.next())["address"] == "a@example.org"
            await act(site, token, "b@example.org")
            site.desk.stopping.set()
            await follower.to_the_end()
        last = follower.last
    async with start() as again:
        async with following(again, token, "0-0.0-0", type="transition") as follower:
            told = [(await follower.next())["address"] for _ in range(2)]
            assert told == ["a@example.org", "b@example.org"]
        await act(again, token, "c@example.org")
        async with following(again, token, last, type="transition") as follower:
            while (event := await follower.next())["address"] != "c@example.org":
                assert event["address"] == "b@example.org"


async def trim(site: Site, kept: int) -> None:
    """Do to the stream of events what its greatest length does to it."""
    await site.store.write("main", "XTRIM", site.keys.events, "MAXLEN", kept)


async def test_a_reader_hears_that_events_were_trimmed_behind_its_place(site: Site) -> None:
    """Its programs then ask for the whole list again.  Whoever begins at the oldest event misses none that is kept."""
    token = await site.token(*ALL_RIGHTS)
    await act(site, token, "a@example.org")
    place = (await site.get(token, "events")).json()["next"]
    await act(site, token, "b@example.org")
    await act(site, token, "c@example.org")
    assert (await site.get(token, "events", after=place)).json()["trimmed"] is False
    await trim(site, 1)
    told = (await site.get(token, "events", after=place)).json()
    assert (told["trimmed"], [event["address"] for event in told["events"]]) == (True, ["c@example.org"])
    assert (await site.get(token, "events", after=told["next"])).json()["trimmed"] is False
    assert (await site.get(token, "events")).json()["trimmed"] is False


async def test_a_follower_hears_it_too_before_what_is_left(site: Site) -> None:
    """As an event of its own type, whichever types are followed; its place stays, so that it is told again."""
    token = await site.token(*ALL_RIGHTS)
    await act(site, token, "a@example.org")
    place = (await site.get(token, "events")).json()["next"]
    await act(site, token, "b@example.org")
    async with following(site, token, place, type="transition") as follower:
        await follower.next()
        assert not follower.trimmed
    await trim(site, 1)
    async with following(site, token, place, type="transition") as follower:
        assert (await follower.next(), follower.trimmed, follower.last) == ({"type": "trimmed"}, True, place)
        assert (await follower.next())["address"] == "b@example.org"


async def test_each_event_has_the_place_behind_it(site: Site) -> None:
    """A stream that breaks in the middle of a page goes on there."""
    token = await site.token(*ALL_RIGHTS)
    for name in "abc":
        await act(site, token, f"{name}@example.org")
    async with following(site, token, "0-0.0-0") as follower:
        first = await follower.next()
        place = follower.last
    async with following(site, token, place) as follower:
        assert (await follower.next())["stream_id"] != first["stream_id"]


async def test_what_an_import_changed_is_among_the_events(site: Site) -> None:
    """Both streams are one to whoever asks: each page, each stream, and a place in the midst of a change to many."""
    token = await site.token(*ALL_RIGHTS)
    await act(site, token, "a@example.org")
    said = AddressState(State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, datetime.now(UTC))
    items = [(f"{name}@example.org", partial(merge, row=Row(1, "", said))) for name in "bcd"]
    assert await merge_all(site.store, site.keys, items, Import(datetime.now(UTC), "lena")) == 3
    page = (await site.get(token, "events", type="transition")).json()["events"]
    assert [(each["address"][0], each.get("stream")) for each in page] == [
        ("a", None),
        *((name, "bulk") for name in "bcd"),
    ]
    async with following(site, token, "0-0.0-0", type="transition") as follower:
        assert [await follower.next() for _ in range(2)] == page[:2]
        place = follower.last
    async with following(site, token, place, type="transition") as follower:
        assert [await follower.next() for _ in range(2)] == page[2:]


async def test_a_revoked_token_is_cut_off(site: Site) -> None:
    """When the application has read the file again."""
    token = await site.token(Right.READ, name="gone")
    async with following(site, token) as follower:
        await site.token(Right.READ, name="gone")  # another secret under the same name
        with pytest.raises(StopAsyncIteration):
            await follower.next()


async def test_only_so_many_follow(start: Start) -> None:
    """The others are told to come again; a place is free again when one has gone."""
    async with start(private="streams_total = 1") as site:
        token = await site.token(Right.READ)
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        async with following(site, token):
            refused = await site.private.get(PATH, headers=headers)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        async with asyncio.timeout(30):
            while (
                await site.private.send(site.private.build_request("GET", PATH, headers=headers), stream=True)
            ).status_code != 200:
                pass


@pytest.mark.parametrize("cursor", ["x", "1-1", "1-1.", "$", "1-1.1-1.1-1", "-"])
async def test_a_place_that_is_none_is_refused(site: Site, cursor: str) -> None:
    """In the query and in Last-Event-ID."""
    token = await site.token(Right.READ)
    assert (await site.get(token, "events", after=cursor)).status_code == 400
    headers = {"accept": "text/event-stream", "last-event-id": cursor}
    assert (await site.ask(token, "GET", PATH, headers=headers)).status_code == 400
