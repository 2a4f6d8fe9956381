"""Whose message is read next: a flood at one address holds up nobody but those who write there."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final, TypeVar

T = TypeVar("T")

SLICE_S: Final = 0.005
"""How long messages are read before the loop turns to sessions and Redis; one that has begun is read to its end."""
REST: Final = 3
"""After a message to a role address, role addresses rest this many times as long: they get a quarter of the time."""


class _Lane:
    """Messages that wait, in the rotation of their addresses: the next message is the next address's."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[tuple[Callable[[], Any], asyncio.Future[Any]]]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, address: str, read: Callable[[], Any], done: asyncio.Future[Any]) -> None:
        self._waiting.setdefault(address, deque()).append((read, done))

    def next(self) -> tuple[Callable[[], Any], asyncio.Future[Any]]:
        address = next(iter(self._waiting))
        messages = self._waiting.pop(address)
        found = messages.popleft()
        if messages:
            self._waiting[address] = messages  # behind all others
        return found


class FairTurns:
    """Reads messages in turns (``ports.Turns``), for one event loop.

    Reading is work of the processor: while one message is read, nobody else is served.  So no more is read at a stretch
    than a slice of time allows, and what then waits is read in the next turns of the loop, one message of each address
    after the other.  As long as nobody waits, a message is read at once.

    A ``last`` address is one that anybody may write to without a signature, such as the postmaster's.  These share one
    rotation of their own, which gets a quarter of the time at most.  ``clock`` is in seconds.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._first = _Lane()
        self._last = _Lane()
        self._used_s = 0.0
        self._rests_until = 0.0
        self._turn: asyncio.Handle | None = None
        self._rest: asyncio.Handle | None = None

    async def take(self, lane: str, read: Callable[[], T], *, last: bool = False) -> T:
        """Return what ``read`` returns, called when it is this address's turn."""
        rotation = self._last if last else self._first
        if not rotation and self._used_s < SLICE_S and not (last and self._rests):
            return self._timed(read, last=last)
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        rotation.add(lane, read, done)
        self._await_turn()
        return await done

    @property
    def _rests(self) -> bool:
        return self._clock() < self._rests_until

    def _timed(self, read: Callable[[], T], *, last: bool) -> T:
        begun = self._clock()
        try:
            return read()
        finally:
            now = self._clock()
            self._used_s += now - begun
            if last:
                self._rests_until = now + (now - begun) * REST
            self._await_turn()

    def _await_turn(self) -> None:
        """See to it that a turn begins with the loop's next."""
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """Begin a turn: one message of the role addresses, if they have rested, then the others."""
        self._turn = None
        self._used_s = 0.0
        if self._last and not self._rests:
            self._serve(self._last)
        while self._first and self._used_s < SLICE_S:
            self._serve(self._first)
        if self._first or (self._last and not self._rests):
            self._await_turn()
        elif self._last and self._rest is None:
            delay_s = self._rests_until - self._clock()
            self._rest = asyncio.get_running_loop().call_later(delay_s, self._rested)

    def _rested(self) -> None:
        self._rest = None
        self._await_turn()

    def _serve(self, rotation: _Lane) -> None:
        read, done = rotation.next()
        if done.done():  # its peer was told 451 meanwhile
            return
        try:
            result = self._timed(read, last=rotation is self._last)
        except Exception as error:  # noqa: BLE001 - it is raised again, for whom it concerns
            done.set_exception(error)
        else:
            done.set_result(result)
