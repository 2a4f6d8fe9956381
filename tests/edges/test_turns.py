"""Who reads next: a flood at one address holds up nobody but those who write there."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from bounced.edges.turns import HEAVY_S, LONGEST_REST_S, REST, SLICE_S, FairTurns

LONG_S = 1.5 * SLICE_S


class Desk:
    """Messages that are read by a clock that nothing else moves, and the order in which they were."""

    def __init__(self) -> None:
        self.now = 100.0
        self.order: list[str] = []
        self.turns = FairTurns(lambda: self.now)

    async def take(self, lane: str, seconds: float = LONG_S, *, last: bool = False) -> str:
        """Bring a message, and wait until it was read."""
        return await self.turns.take(lane, lambda: self._read(lane, seconds), last=last)

    def _read(self, lane: str, seconds: float) -> str:
        self.now += seconds
        self.order.append(lane)
        return lane


async def turns_until(done: asyncio.Future[Any]) -> int:
    """Return how many turns of the loop went by."""
    turns = 0
    while not done.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_messages_that_came_together_are_read_in_the_next_turn_of_the_loop() -> None:
    """Where nobody waits nothing else delays them, whoever may write there."""
    desk = Desk()
    waiting = asyncio.gather(desk.take("path", 0), desk.take("another", 0), desk.take("postmaster", 0, last=True))
    await asyncio.sleep(0)
    assert desk.order == []
    await asyncio.sleep(0)
    assert Counter(desk.order) == {"path": 1, "another": 1, "postmaster": 1}
    await waiting


async def test_a_flood_at_one_address_waits_behind_the_first_of_another() -> None:
    """Ten messages of one address came before it; it waits for one of them."""
    desk = Desk()
    await asyncio.gather(*(desk.take("flood") for _ in range(10)), desk.take("other"))
    assert desk.order.index("other") == 1
    assert Counter(desk.order) == {"flood": 10, "other": 1}


async def test_the_loop_goes_on_between_messages() -> None:
    """Sessions and Redis are served after each slice of time, however many messages wait."""
    desk = Desk()
    waiting = asyncio.gather(*(desk.take(f"path {n}") for n in range(10)))
    seen = 0
    while not waiting.done():
        await asyncio.sleep(0)
        assert len(desk.order) <= seen + 1
        seen = len(desk.order)
    assert seen == 10


async def test_short_messages_share_a_turn() -> None:
    """A turn is a slice of time, so that a busy worker loses nothing."""
    desk = Desk()
    waiting = asyncio.gather(desk.take("long"), *(desk.take(f"path {n}", SLICE_S / 20) for n in range(40)))
    assert await turns_until(waiting) < 10
    assert len(desk.order) == 41


async def test_role_addresses_rest_three_times_as_long_as_they_took() -> None:
    """So they get a quarter of the time; meanwhile others are read at once."""
    desk = Desk()
    await desk.take("role", last=True)
    waiting = asyncio.create_task(desk.take("role", last=True))
    await asyncio.sleep(0)
    desk.now += REST * LONG_S * 0.9
    await desk.take("path", 0)
    assert desk.order == ["role", "path"]
    desk.now += REST * LONG_S
    assert await waiting == "role"


async def test_a_machine_that_stood_still_is_not_paid_for() -> None:
    """It was stopped for an hour while a message was read; the next one of a role address is not put off for three."""
    desk = Desk()
    await desk.take("role", 3600.0, last=True)
    desk.now += LONGEST_REST_S
    waiting = asyncio.create_task(desk.take("role", 0, last=True))
    assert await turns_until(waiting) <= 3


async def test_role_addresses_are_read_while_others_never_stop() -> None:
    """A quarter is what they get, not what is left."""
    desk = Desk()
    paths = [desk.take(f"path {n}") for n in range(20)]
    await asyncio.gather(*paths, *(desk.take("role", last=True) for _ in range(3)))
    assert Counter(desk.order[:12])["role"] == 3


async def test_an_address_with_a_heavy_message_joins_the_last() -> None:
    """What waits for it too: a flood of them at one valid path leaves three quarters of the time to others."""
    desk = Desk()
    flood = asyncio.gather(*(desk.take("flood", 2 * HEAVY_S) for _ in range(5)))
    await asyncio.sleep(0)
    await asyncio.gather(*(desk.take(f"path {n}") for n in range(8)))
    assert Counter(desk.order)["flood"] <= 3
    while not flood.done():
        desk.now += REST * 2 * HEAVY_S
        await asyncio.sleep(0)
    assert Counter(desk.order)["flood"] == 5


async def test_who_does_not_wait_any_more_is_passed_over() -> None:
    """Its peer was told 451, and its message is not read."""
    desk = Desk()
    first, given_up, after = (asyncio.create_task(desk.take(name)) for name in ("first", "given up", "after"))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(first, after)
    assert desk.order == ["first", "after"]


async def test_what_reading_raises_reaches_whom_it_concerns() -> None:
    """And the next is read all the same."""
    desk = Desk()

    def fail() -> str:
        raise MemoryError

    first = asyncio.create_task(desk.take("first"))
    failing = asyncio.create_task(desk.turns.take("path", fail))
    after = asyncio.create_task(desk.take("after"))
    with pytest.raises(MemoryError):
        await failing
    await asyncio.gather(first, after)
    assert desk.order == ["first", "after"]
