"""What doctor says of a port."""

import asyncio
import socket
from pathlib import Path

import pytest

from bounced.config.fields import TcpAddress, UnixAddress
from bounced.doctor import ports
from bounced.doctor.ports import examine_port
from bounced.edges.judge.finding import Outcome


async def _serve(greeting: bytes) -> tuple[asyncio.Server, TcpAddress]:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    return server, TcpAddress("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("greeting", "outcome"),
    [
        (b"220 mx.example.com ESMTP\r\n", Outcome.OK),
        (b"220 other.example.com ESMTP Postfix\r\n", Outcome.WARNING),
        (b"HTTP/1.1 400\r\n", Outcome.WARNING),
    ],
)
async def test_who_answers_is_told_by_the_greeting(greeting: bytes, outcome: Outcome) -> None:
    """Our own name is ours, any other is another MTA."""
    server, address = await _serve(greeting)
    async with server:
        assert (await examine_port(address, "mx.example.com")).outcome is outcome


async def test_a_port_that_says_nothing_is_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody listens who does not speak SMTP."""
    monkeypatch.setattr(ports, "ANSWER_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = TcpAddress("127.0.0.1", silent.getsockname()[1])
        assert (await examine_port(address, "mx.example.com")).outcome is Outcome.WARNING


async def test_a_free_port_is_fine() -> None:
    """Nobody listens, and we could."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert (await examine_port(TcpAddress("127.0.0.1", port), "mx.example.com")).outcome is Outcome.OK


async def test_a_port_that_somebody_keeps_is_an_error() -> None:
    """Nobody answers there, and the daemon could not listen either."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as bound:
        bound.bind(("127.0.0.1", 0))  # bound, not listening: nobody answers, and nobody else can listen
        taken = await examine_port(TcpAddress("127.0.0.1", bound.getsockname()[1]), "mx.example.com")
    assert taken.outcome is Outcome.ERROR
    assert taken.advice


async def test_a_socket_that_is_not_there_means_that_the_daemon_does_not_run(tmp_path: Path) -> None:
    """No file is created by looking."""
    address = UnixAddress(tmp_path / "lmtp")
    assert (await examine_port(address, "mx.example.com")).outcome is Outcome.OK
    assert not address.path.exists()
