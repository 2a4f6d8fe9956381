"""Connections to a receiver: the address is looked at that is then connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore

from bounced.core.targets import Target

CONNECT_S = 5.0
"""How long one of several addresses of a name is tried."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class TargetRefused(OSError):  # noqa: N818 - says what is so
    """Every address of the host is one that may not be connected to."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host.  Raises OSError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(f"{host} is no name of a host: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections to allowed addresses of one target alone.

    The name is resolved here, once for each connection, and the library gets the address: there is no second look-up
    that could answer otherwise.  TLS still asks for the name.
    """

    def __init__(self, target: Target, resolve: Resolve = resolved) -> None:
        self._target = target
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first allowed address that answers.  Raises TargetRefused, OSError, httpcore's errors."""
        found = await self._resolve(host, port)
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
