"""Health and metrics over HTTP: GET on a few paths, one request a connection, each within a deadline.

Where all places are taken the slowest client gives its place up, so that a probe is always answered.
"""

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
"""One more makes the oldest go, first of those that have not finished their request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers with."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Page = Callable[[], Awaitable[Answer]]


@dataclass(eq=False, slots=True)
class _Client:
    """A connection, what serves it, and whether it has said what it wants."""

    transport: asyncio.WriteTransport
    task: asyncio.Task[None]
    has_asked: bool = False


class HttpServer:
    """Serves pages by their path on a listening socket.  For those who watch the daemon, not for the internet."""

    def __init__(self, listening: socket.socket, pages: Mapping[str, Page]) -> None:
        self._listening = listening
        self._pages = pages
        self._clients: dict[_Client, None] = {}  # the oldest first
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
        for client in tuple(self._clients):
            self._break_with(client)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = self._let_in(writer)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._answer(client, reader, writer)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        except asyncio.CancelledError:  # asyncio 3.11 takes a connection's task that was cancelled for a fault
            if client in self._clients:
                raise
        finally:
            self._clients.pop(client, None)
            writer.close()

    def _let_in(self, writer: asyncio.StreamWriter) -> _Client:
        task = asyncio.current_task()
        assert task is not None
        while len(self._clients) >= MAX_CONNECTIONS:
            self._break_with(next((each for each in self._clients if not each.has_asked), next(iter(self._clients))))
        client = _Client(writer.transport, task)
        self._clients[client] = None
        return client

    def _break_with(self, client: _Client) -> None:
        del self._clients[client]
        client.transport.abort()
        client.task.cancel()

    async def _answer(self, client: _Client, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        client.has_asked = True
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
