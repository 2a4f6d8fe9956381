"""Names of hosts, looked up so that nobody but who asks for them waits for a name server."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop
from redis.exceptions import ConnectionError as RedisConnectionError

from bounced.edges.host_names import HostNames
from bounced.edges.redis.connect import Options, Standalone, connections
from tests.support.host_names import Known

SILENT = "silent.example"


class NameServer:
    """Answers for ``SILENT`` when it is let; ``asked`` are the names that it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.hears, self.answers = threading.Event(), threading.Event()
        self._look_up = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, *more: Any, **named: Any) -> Any:
        self.asked.append(host)
        self.hears.set()
        if host == SILENT:
            self.answers.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._look_up(host, *more, **named)


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """Return one that is silent as long as the test runs."""
    server = NameServer(monkeypatch)
    yield server
    server.answers.set()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_no_process_waits_for_a_name_server_when_it_ends(name_server: NameServer, run: Any) -> None:
    """Both loops wait for look-ups of their own, uvloop for each one that was ever begun."""
    (redis,) = [found.options for found in [connections(f"redis://{SILENT}")] if isinstance(found, Standalone)]

    async def give_up() -> None:
        opening = asyncio.create_task(redis.open())
        await asyncio.to_thread(name_server.hears.wait)
        opening.cancel()

    run(give_up())
    assert name_server.asked == [SILENT]
    assert not name_server.answers.is_set()


async def test_a_name_is_looked_up_once_at_a_time(name_server: NameServer) -> None:
    """Whoever tries again each second while a name server is silent does not begin a thread each second."""
    names = HostNames()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await names.addresses(SILENT, 6379)
    last = asyncio.create_task(names.addresses(SILENT, 6379))
    await asyncio.to_thread(name_server.hears.wait)
    name_server.answers.set()
    with pytest.raises(socket.gaierror):
        await last
    assert name_server.asked == [SILENT]
    with pytest.raises(socket.gaierror):
        await names.addresses(SILENT, 6379)
    assert name_server.asked == [SILENT, SILENT], "a name is asked for again after the answer"


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
async def test_an_address_is_asked_of_nobody(name_server: NameServer, address: str) -> None:
    """It is its own answer."""
    assert await HostNames().addresses(address, 6379) == [address]
    assert not name_server.asked


async def test_what_the_name_server_says_is_told(name_server: NameServer) -> None:
    """In the words of the system, with the name."""
    name_server.answers.set()
    (redis,) = [found.options for found in [connections(f"redis://{SILENT}")] if isinstance(found, Standalone)]
    with pytest.raises(RedisConnectionError, match=rf"^{SILENT}:6379: Temporary failure in name resolution$"):
        await redis.open()


async def test_every_address_of_a_name_is_tried() -> None:
    """The first where a server listens is taken; where none does, the name is what an error says."""
    spoken = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n" * 2)
        await reader.read()
        writer.close()
        await writer.wait_closed()
        spoken.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = connections(f"redis://redis.example:{port}")
    assert isinstance(found, Standalone)
    several = Options(found.options.kind, found.options.arguments, Known("127.0.0.2", "127.0.0.1"))
    connection = await several.open()
    await connection.disconnect(nowait=True)
    await spoken.wait()
    server.close()
    with pytest.raises(RedisConnectionError, match=f"111 connecting to redis.example:{port}"):
        await several.open()
