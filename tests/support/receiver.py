"""A receiver of webhooks on a real socket, which answers as a test wants."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What came: header fields by their names in small letters, and the body."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id of the event."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def address(self) -> str:
        """Whom it is about, in our own body."""
        return str(self.told["data"]["address"])


OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Answer = Callable[[Request], Awaitable[bytes]]


def status(code: int, *fields: str, body: str = "") -> bytes:
    """Return an answer."""
    head = [f"HTTP/1.1 {code} Told", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join([*head, "", body]).encode()


@dataclass(slots=True)
class Receiver:
    """A receiver; ``heard`` has the requests that it took, with a status of 2xx, and ``refused`` the others."""

    url: str = ""
    heard: list[Request] = field(default_factory=list)
    refused: list[Request] = field(default_factory=list)
    answer: Answer | None = None
    requests: int = 0
    connections: int = 0
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _writers: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def addresses(self) -> list[str]:
        """Whom it heard of, in the order in which it heard, without the domain."""
        return [request.address.partition("@")[0] for request in self.heard]

    async def until(self, ready: Callable[[], bool], wait_s: float = WAIT_S) -> None:
        """Wait until something is true, which is looked at after each request; none may come later than ``wait_s``."""
        while not ready():
            self._more.clear()
            async with asyncio.timeout(wait_s):
                await self._more.wait()

    async def begun(self) -> None:
        """Wait until the first request has come."""
        await self.until(lambda: self.requests > 0)

    async def down(self) -> None:
        """Take no more connections, and drop those that there are."""
        assert self._server is not None
        self._server.close()
        for task, writer in self._writers.items():
            task.cancel()
            writer.transport.abort()
        if self._writers:
            await asyncio.wait(list(self._writers))

    async def up(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Take connections; again at the same port where it was down."""
        port = port_of(self) if self.url else port
        self._server = await asyncio.start_server(self.serve, "127.0.0.1", port, ssl=tls)
        opened = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{opened}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._writers[task] = writer
        task.add_done_callback(self._writers.pop)
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                line, *rest = head.strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Request(line, headers, body)
                self.requests += 1
                self._more.set()
                told = await self.answer(request) if self.answer else OK
                (self.heard if told.startswith(b"HTTP/1.1 2") else self.refused).append(request)
                self._more.set()
                if not told:
                    break
                writer.write(told)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving(
    answer: Answer | None = None, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Give a receiver on loopback."""
    receiver = Receiver(answer=answer)
    await receiver.up(port, tls)
    try:
        yield receiver
    finally:
        await receiver.down()


def answers(*told: bytes) -> Answer:
    """Return what gives these answers one after the other, and the last one from then on."""
    left: list[bytes] = list(told)

    async def answer(_request: Request) -> bytes:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def port_of(receiver: Receiver) -> int:
    """Return the port of a receiver."""
    return int(receiver.url.rsplit(":", 1)[1].partition("/")[0])


def ids(requests: Sequence[Request]) -> list[str]:
    """Return the ids of requests."""
    return [request.id for request in requests]
