"""A line to each of the servers that hold the lists: one to a lone server, one for each list's slot in a Cluster."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from bounced.edges.redis.connect import Connect, Connections
from bounced.edges.redis.line import Line


class Lines:
    """Lines of one kind, made when a key first needs them.  ``make`` makes one from how it is to connect."""

    def __init__(self, connections: Connections, make: Callable[[Connect], Line]) -> None:
        self._connections = connections
        self._make = make
        self._lines: dict[int, Line] = {}

    def to(self, key: str) -> Line:
        """Return the line to the server that holds a key."""
        shard = self._connections.shard(key)
        if shard not in self._lines:
            self._lines[shard] = self._make(partial(self._connections.open, shard))
        return self._lines[shard]

    async def start(self, keys: Iterable[str]) -> None:
        """Connect to the servers of these keys.  Raises Misconfigured."""
        await asyncio.gather(*(line.start() for line in {self.to(key) for key in keys}))

    async def close(self) -> None:
        """Disconnect from all."""
        await asyncio.gather(*(line.close() for line in self._lines.values()))
