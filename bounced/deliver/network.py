"""Connections to a receiver: the address is looked at that is then connected to."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore

from bounced.core.targets import Target
from bounced.edges.host_names import resolved

CONNECT_S = 5.0
"""How long one of several addresses of a name is tried."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class TargetRefused(OSError):  # noqa: N818 - says what is so
    """Every address of the host is one that may not be connected to."""


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections to allowed addresses of one target alone.

    The name is resolved here, and the library gets the address: there is no second look-up that could answer otherwise.
    TLS still asks for the name.  Connections that are opened at once share one look-up.
    """

    def __init__(self, target: Target, resolve: Resolve = resolved) -> None:
        self._target = target
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()
        self._looking: asyncio.Task[Sequence[str]] | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first allowed address that answers.  Raises TargetRefused, OSError, httpcore's errors."""
        found = await self._found(host, port)
        refused = {address: self._target.refusal(address) for address in found}
        allowed = [address for address in found if not refused[address]]
        if not allowed:
            reasons = "; ".join(f"{address}: {why}" for address, why in refused.items())
            raise TargetRefused(f"{host} leads nowhere that may be reached ({reasons or 'no address'})")
        *others, last = allowed
        for address in others:
            try:
                return await self._network.connect_tcp(address, port, CONNECT_S, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def _found(self, host: str, port: int) -> Sequence[str]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._ask(host, port))
        return await asyncio.shield(self._looking)

    async def _ask(self, host: str, port: int) -> Sequence[str]:
        return await self._resolve(host, port)
