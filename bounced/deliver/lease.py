"""The lease of a webhook in one list: of several deliverers one works, and knows by itself when it must not."""

import asyncio

from bounced.edges.redis.hook_streams import HookStreams
from bounced.ports import StoreUnavailable

ROUNDS = 4
"""How often a lease is renewed in the time that it lasts."""


class LeaseLost(Exception):  # noqa: N818 - says what is so
    """Another deliverer may work now."""


class Lease:
    """A lease, taken under a name that nobody else has.

    How it works: Redis forgets the lease ``ttl_s`` after it was last renewed.  The holder counts from the moment before
    it asked, so it gives up no later than Redis does.  It looks at its own clock before each request too: a process
    that was frozen for a while finds out before it sends anything.
    """

    def __init__(self, streams: HookStreams, holder: str, ttl_s: float) -> None:
        self._streams = streams
        self._holder = holder
        self._ttl_s = ttl_s
        self._until = 0.0

    @property
    def held(self) -> bool:
        """Whether nobody else can be working."""
        return asyncio.get_running_loop().time() < self._until

    async def taken(self) -> None:
        """Return when the lease is ours, or ours still.  Raises StoreUnavailable."""
        while True:
            asked_at = asyncio.get_running_loop().time()
            about = self._holder, self._ttl_s
            if await self._streams.renew_lease(*about) or await self._streams.take_lease(*about):
                self._until = asked_at + self._ttl_s
                return
            await asyncio.sleep(self._ttl_s / ROUNDS)

    async def keep(self) -> None:
        """Renew the lease for ever.  Raises LeaseLost when it is over."""
        while True:
            await asyncio.sleep(self._ttl_s / ROUNDS)
            asked_at = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout_at(self._until):
                    if not await self._streams.renew_lease(self._holder, self._ttl_s):
                        self._until = 0.0
                        raise LeaseLost
                    self._until = asked_at + self._ttl_s
            except (StoreUnavailable, TimeoutError):
                if not self.held:
                    raise LeaseLost from None

    async def leave(self) -> None:
        """Let another one work at once.  Raises StoreUnavailable."""
        self._until = 0.0
        await self._streams.leave(self._holder)
