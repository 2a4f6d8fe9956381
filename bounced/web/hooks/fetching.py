"""One small document of a server, within limits of size and time.

httpcore follows no redirects and reads no proxy variables, and what is asked here is never chosen by a peer.
"""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import httpcore
import structlog

from bounced.core.escape import escaped
from bounced.edges.host_names import resolved
from bounced.edges.watch.log import Event
from bounced.web.problems import Problem, not_available

LOG = structlog.get_logger()

MAX_BYTES = 64 * 1024
MAX_TIME_S = 5.0
"""From the name of the server to the last octet.  SNS waits 15 s for an answer; up to three documents are fetched."""

_TRY_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class NotFetched(Exception):  # noqa: N818 - says what is so
    """A document that a server did not give.  ``for_good``: it said that it has none."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


class Fetch(Protocol):
    """Gets a document."""

    async def __call__(self, url: str, /) -> bytes:
        """Return the document.  Raises NotFetched."""


class LookedUpFirst(httpcore.AnyIOBackend):
    """Connects to a name only when it has addresses.

    The library's own look-up holds up the end of the process if no name server answers; so it asks only after one has.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect.  Raises OSError, httpcore's errors."""
        await resolved(host, port)
        return await super().connect_tcp(host, port, timeout, local_address, socket_options)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Gets documents from servers whose certificates the system's authorities vouch for.

    ``network`` connects; only tests have one of their own.
    """

    tls: ssl.SSLContext
    network: httpcore.AsyncNetworkBackend = field(default_factory=LookedUpFirst)

    async def __call__(self, url: str) -> bytes:
        """Return the document.  Raises NotFetched."""
        try:
            async with asyncio.timeout(MAX_TIME_S):
                return await self._get(url)
        except TimeoutError:
            raise NotFetched(f"it took longer than {MAX_TIME_S:g} s") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise NotFetched(str(error) or type(error).__name__) from error

    async def _get(self, url: str) -> bytes:
        pool = httpcore.AsyncConnectionPool(self.tls, max_connections=1, network_backend=self.network)
        async with pool, pool.stream("GET", url, headers={"connection": "close"}) as response:
            if response.status != HTTPStatus.OK:
                for_good = response.status < HTTPStatus.INTERNAL_SERVER_ERROR and response.status not in _TRY_AGAIN
                raise NotFetched(f"the server answered {response.status}", for_good=for_good)
            found = bytearray()
            async for piece in response.aiter_stream():
                found += piece
                if len(found) > MAX_BYTES:
                    raise NotFetched(f"it is larger than {MAX_BYTES} bytes", for_good=True)
            return bytes(found)


def deferred(url: str, error: NotFetched) -> Problem:
    """Tell the log what could not be fetched and why, and return the answer, which says neither."""
    LOG.warning(Event.HOOK_DEFERRED, url=escaped(url, 200), reason=str(error))
    return not_available("What proves this cannot be fetched now.")
