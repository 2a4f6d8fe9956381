"""The small HTTP server: pages, and nothing that holds it up."""

import asyncio
import socket
from http import HTTPStatus

import pytest

from bounced.edges.watch import http
from bounced.edges.watch.http import Answer, HttpServer

CUT_OFF = b""


async def _hello() -> Answer:
    return Answer(HTTPStatus.OK, b"hello\n")


def _listening() -> socket.socket:
    opened = socket.create_server(("127.0.0.1", 0))
    opened.setblocking(False)
    return opened


async def _ask(listening: socket.socket, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionError:
        return CUT_OFF
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        (b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", b"200 OK", b"hello\n"),
        (b"GET /hello?x=1 HTTP/1.0\r\n\r\n", b"200 OK", b"hello\n"),
        (b"HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", b"200 OK", b""),
        (b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n", b"404 Not Found", b"There is /hello.\n"),
        (b"POST /hello HTTP/1.1\r\nHost: x\r\n\r\n", b"405 Method Not Allowed", b"GET only\n"),
        (b"nonsense\r\n\r\n", b"405 Method Not Allowed", b"GET only\n"),
    ],
)
async def test_answers(request_: bytes, status: bytes, body: bytes) -> None:
    """Each request gets one complete answer, and the connection is closed."""
    with _listening() as listening:
        async with HttpServer(listening, {"/hello": _hello}):
            head, _, got = (await _ask(listening, request_)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert got == body


async def test_a_request_without_end_is_cut_off() -> None:
    """No more than 16 KiB is read of what has no end."""
    with _listening() as listening:
        async with HttpServer(listening, {"/hello": _hello}):
            assert await _ask(listening, b"GET /" + b"x" * 100_000) == CUT_OFF


async def test_a_slow_peer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that does not finish its request in time loses its connection."""
    monkeypatch.setattr(http, "DEADLINE_S", 0.05)
    with _listening() as listening:
        async with HttpServer(listening, {"/hello": _hello}):
            assert await _ask(listening, b"GET /hello HTTP/1.1\r\n") == CUT_OFF


@pytest.mark.parametrize("begun", [b"", b"GET /hello HTTP/1.1\r\n", b"GET /slow HTTP/1.1\r\n\r\n"])
async def test_a_probe_is_answered_however_many_are_slow(begun: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Those that took a place and finish nothing give it up, the oldest first, without a word in the log."""
    with _listening() as listening:
        async with HttpServer(listening, {"/hello": _hello, "/slow": _never}) as server:
            slow = [await _connect(listening, begun) for _ in range(3 * http.MAX_CONNECTIONS)]
            for _ in range(3):
                assert (await _ask(listening, b"GET /hello HTTP/1.1\r\n\r\n")).endswith(b"hello\n")
            assert len(server._clients) <= http.MAX_CONNECTIONS
            assert await _all(slow[0]) == CUT_OFF
            for _, writer in slow:
                writer.close()
            assert len(await _waiting_tasks()) <= http.MAX_CONNECTIONS
    await _waiting_tasks()
    assert not caplog.records


async def test_who_has_asked_keeps_its_place_before_who_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scrape that waits for Redis is older than the slow clients that came after it, and is answered."""
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 3)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def scrape() -> Answer:
        asked.set()
        await answer.wait()
        return Answer(HTTPStatus.OK, b"all\n")

    with _listening() as listening:
        async with HttpServer(listening, {"/scrape": scrape, "/hello": _hello}):
            reader, writer = await _connect(listening, b"GET /scrape HTTP/1.1\r\n\r\n")
            await asked.wait()
            slow = [await _connect(listening, b"GET") for _ in range(10)]
            assert (await _ask(listening, b"GET /hello HTTP/1.1\r\n\r\n")).endswith(b"hello\n")
            answer.set()
            assert (await reader.read()).endswith(b"all\n")
            for each in (writer, *(writer for _, writer in slow)):
                each.close()


async def _never() -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


async def _connect(listening: socket.socket, octets: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(octets)
    await writer.drain()
    return reader, writer


async def _all(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
    try:
        return await connection[0].read()
    except ConnectionError:
        return CUT_OFF


async def _waiting_tasks() -> list[asyncio.Task[object]]:
    """Return what is still served; what was broken off has had its turn to end."""
    await asyncio.sleep(0)
    return [task for task in asyncio.all_tasks() if "_serve" in repr(task.get_coro())]
