"""One listener of the application: its sockets, its certificate, and how it drains."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from bounced.config.files import tls_context
from bounced.edges.sockets import accept
from bounced.web.connection import ConnectionLimits, Places, factory

HANDSHAKE_S = 10.0


def silence_uvicorn() -> None:
    """Let uvicorn write nothing: our log has each request and each fault once."""
    logger = logging.getLogger("uvicorn")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


class Listener:
    """Serves an application on sockets.  ``certificate`` are the files of the chain and its key, None for plain HTTP.

    ``limits`` may be replaced while it serves.
    """

    def __init__(self, app: ASGIApp, limits: ConnectionLimits, certificate: tuple[Path, Path] | None = None) -> None:
        self.places = Places(limits)
        self._tls = tls_context(*certificate) if certificate else None
        self._state = ServerState()
        self._config = Config(
            app,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )
        self._servers: list[asyncio.Server] = []
        self._clock: asyncio.Task[None] | None = None

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to answer."""
        silence_uvicorn()
        loop = asyncio.get_running_loop()
        make = factory(self._config, self._state, self.places, loop)
        handshake_s = HANDSHAKE_S if self._tls else None
        for each in sockets:
            self._servers.append(await accept(make, each, ssl=self._tls, ssl_handshake_timeout=handshake_s))
        self._clock = asyncio.create_task(self._tell_time())

    def use(self, limits: ConnectionLimits, certificate: tuple[Path, Path] | None) -> None:
        """Use other limits, and another certificate that `tls_context` took, for connections from now on.

        Whether HTTPS is spoken stays as it was.  Raises OSError, ssl.SSLError.
        """
        if self._tls is not None and certificate:
            self._tls.load_cert_chain(*certificate, password="")
        self.places.limits = limits

    async def drain(self, patience_s: float) -> bool:
        """Accept no more and let the requests in hand come to their end; return whether they did in time."""
        for server in self._servers:
            server.close()
        self.places.close()
        try:
            async with asyncio.timeout(patience_s):
                while self.places.taken:
                    await self.places.nobody.wait()
                while tasks := tuple(self._state.tasks):
                    await asyncio.wait(tasks)
        except TimeoutError:
            return False
        finally:
            if self._clock is not None:
                self._clock.cancel()
            for connection in tuple(self.places.taken):
                connection.leave()
            for task in tuple(self._state.tasks):
                task.cancel()
        return True

    async def _tell_time(self) -> None:
        """Keep the Date field.  (RFC 9110 section 6.6.1)"""
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            await asyncio.sleep(1)
