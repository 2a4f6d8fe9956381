"""Which message is read next: a flood at one address delays mail to that address only."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, Final, TypeVar

T = TypeVar("T")

SLICE_S: Final = 0.005
"""How long messages are read before the loop turns to sessions and Redis; one that has begun is read to its end."""
REST: Final = 3
"""After one of its messages the last rotation rests this many times as long: it gets a quarter of the time."""
LONGEST_REST_S: Final = 1.0
"""No message takes a second to read.  If the clock says so, the machine stood still, and the rest is not longer."""
HEAVY_S: Final = 2 * SLICE_S
"""No real bounce takes a fifth of this to read."""
REMEMBERED: Final = 1000
"""How many addresses with heavy messages are remembered."""


_Message = tuple[Callable[[], Any], asyncio.Future[Any]]


class _Rotation:
    """Messages that wait, in the rotation of their addresses: the next message is the next address's."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[_Message]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def remove(self, address: str) -> Iterable[_Message]:
        """Take out the messages of an address."""
        return self._waiting.pop(address, ())

    def add(self, address: str, read: Callable[[], Any], done: asyncio.Future[Any]) -> None:
        self._waiting.setdefault(address, deque()).append((read, done))

    def next(self) -> tuple[str, Callable[[], Any], asyncio.Future[Any]]:
        address = next(iter(self._waiting))
        messages = self._waiting.pop(address)
        read, done = messages.popleft()
        if messages:
            self._waiting[address] = messages  # behind all others
        return address, read, done


class FairTurns:
    """Reads messages in turns (``ports.Turns``), for one event loop.

    Reading is work of the processor: while one message is read, nobody else is served.  So no more is read at a stretch
    than a slice of time allows, and what then waits is read in the next turns of the loop, one message of each address
    after the other.  What came in one turn of the loop is read together in the next: the second message takes less time
    than the first, because what reading needs is in the processor's caches by then.

    A ``last`` address is one that anybody may write to without a signature, such as the postmaster's.  These share one
    rotation of their own, which gets a quarter of the time at most.  An address whose message was heavy joins them.
    ``clock`` is in seconds.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._first = _Rotation()
        self._last = _Rotation()
        self._heavy: OrderedDict[str, None] = OrderedDict()
        self._used_s = 0.0
        self._rests_until = 0.0
        self._turn: asyncio.Handle | None = None
        self._rest: asyncio.Handle | None = None

    async def take(self, lane: str, read: Callable[[], T], *, last: bool = False) -> T:
        """Return what ``read`` returns, called when it is this address's turn."""
        rotation = self._last if last or lane in self._heavy else self._first
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        rotation.add(lane, read, done)
        self._await_turn()
        return await done

    @property
    def _rests(self) -> bool:
        return self._clock() < self._rests_until

    def _timed(self, lane: str, read: Callable[[], T], *, last: bool) -> T:
        begun = self._clock()
        try:
            return read()
        finally:
            now = self._clock()
            took_s = now - begun
            self._used_s += took_s
            if took_s > HEAVY_S:
                self._remember(lane)
            if last or took_s > HEAVY_S:
                self._rests_until = now + min(took_s * REST, LONGEST_REST_S)

    def _remember(self, lane: str) -> None:
        self._heavy[lane] = None
        self._heavy.move_to_end(lane)
        if len(self._heavy) > REMEMBERED:
            self._heavy.popitem(last=False)
        for read, done in self._first.remove(lane):
            self._last.add(lane, read, done)

    def _await_turn(self) -> None:
        """Have a turn begin with the next turn of the event loop, unless one is to begin already."""
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """Begin a turn: one message of the last rotation, if it has rested, then the others."""
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

    def _serve(self, rotation: _Rotation) -> None:
        lane, read, done = rotation.next()
        if done.done():  # its peer was told 451 meanwhile
            return
        try:
            result = self._timed(lane, read, last=rotation is self._last)
        except Exception as error:  # noqa: BLE001 - it is raised again, for whom it concerns
            done.set_exception(error)
        else:
            done.set_result(result)
