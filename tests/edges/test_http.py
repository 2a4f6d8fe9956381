"""The small HTTP server: pages, and nothing that holds it up."""

import asyncio
import socket
from http import HTTPStatus

import pytest

from bounced.edges import http
from bounced.edges.http import Answer, HttpServer

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


async def test_too_many_connections_leave_the_server_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection beyond the limit is cut off, and when another has gone there is room again."""
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 1)
    with _listening() as listening:
        async with HttpServer(listening, {"/hello": _hello}):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(b"GET /hello HTTP/1.1\r\n")
            assert await _ask(listening, b"GET /hello HTTP/1.1\r\n\r\n") == CUT_OFF
            writer.write(b"\r\n")
            assert (await reader.read()).endswith(b"hello\n")
            writer.close()
            assert (await _ask(listening, b"GET /hello HTTP/1.1\r\n\r\n")).endswith(b"hello\n")
