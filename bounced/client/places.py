"""Limits how many calls of one client run at once; the others wait for their turn, up to a deadline.

A place stands for a connection.  redis-py's pools raise an error where one is wanted too many, or open any number of
them, and a Cluster's have no other choice; so the client counts by itself, in the same way for every kind of server.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from redis.exceptions import TimeoutError as RedisTimeoutError

MAX_CONNECTIONS = 50
"""With each server; fewer than redis-py's own limit, which is therefore never met."""
ONCE_MORE_S = 0.1
"""After this time an asyncio call that goes on beyond its deadline is ended again.  While a connection is being made,
the first cancellation is lost now and then, and the call would wait for as long as the server hangs."""


class NoFreeConnection(RedisTimeoutError):  # noqa: N818 - names what is the case, as our other errors do
    """All connections were in use for the whole time that a call may wait.  Nothing was sent."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(
            f"none of the client's {MAX_CONNECTIONS} connections became free within {waited_s:g} s; nothing was sent"
        )


class Places:
    """The places of a client that threads share."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._free = threading.Semaphore(MAX_CONNECTIONS)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a place for one call.  Raises NoFreeConnection."""
        if not self._free.acquire(timeout=self._timeout_s):
            raise NoFreeConnection(self._timeout_s)
        try:
            yield
        finally:
            self._free.release()


class AsyncPlaces:
    """The places of a client in one event loop."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Take a place for one call, which must end in the same time.  Raises NoFreeConnection, RedisTimeoutError."""
        waiting = True
        try:
            async with asyncio.timeout(self._timeout_s + ONCE_MORE_S), asyncio.timeout(self._timeout_s), self._free:
                waiting = False
                yield
        except TimeoutError as error:
            if waiting:
                raise NoFreeConnection(self._timeout_s) from error
            raise RedisTimeoutError(f"no answer within {self._timeout_s:g} s") from error
