"""Connections to a receiver: the address is looked at that is then connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from threading import Thread

import httpcore

from bounced.core.targets import Target

CONNECT_S = 5.0
"""How long one of several addresses of a name is tried."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class TargetRefused(OSError):  # noqa: N818 - says what is so
    """Every address of the host is one that may not be connected to."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host.  Raises OSError.

    In a thread of its own: a loop has a few threads for all names (uvloop two), and names whose servers do not answer
    would hold up every other receiver, and the end of the process.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def tell(found: Sequence[str] | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        found = _looked_up(host, port)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, found)

    Thread(target=ask, name=f"look up {host}", daemon=True).start()
    return await answer


def _looked_up(host: str, port: int) -> Sequence[str] | OSError:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        return OSError(f"{host} is no name of a host: {error}")
    except OSError as error:
        return error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


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
