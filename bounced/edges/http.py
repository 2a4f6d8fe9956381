"""Health and metrics over HTTP: GET on a few paths, one request a connection, each within a deadline."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self

DEADLINE_S = 10.0
MAX_REQUEST_BYTES = 16 * 1024
MAX_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers with."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Page = Callable[[], Awaitable[Answer]]


class HttpServer:
    """Serves pages by their path on a listening socket.  For those who watch the daemon, not for the internet."""

    def __init__(self, listening: socket.socket, pages: Mapping[str, Page]) -> None:
        self._listening = listening
        self._pages = pages
        self._places = MAX_CONNECTIONS
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Begin to answer."""
        start = asyncio.start_unix_server if self._listening.family is socket.AF_UNIX else asyncio.start_server
        self._server = await start(self._serve, sock=self._listening, limit=MAX_REQUEST_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Answer no more."""
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._places:
            writer.transport.abort()
            return
        self._places -= 1
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._answer(reader, writer)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._places += 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        answer = await self._page(method, rest.partition(" ")[0].partition("?")[0])
        writer.write(
            f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n"
            f"Content-Type: {answer.content_type}\r\n"
            f"Content-Length: {len(answer.body)}\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode("latin-1")
        )
        if method != "HEAD":
            writer.write(answer.body)
        await writer.drain()

    async def _page(self, method: str, path: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"GET only\n")
        if path not in self._pages:
            return Answer(HTTPStatus.NOT_FOUND, f"There is {', '.join(self._pages)}.\n".encode())
        return await self._pages[path]()
