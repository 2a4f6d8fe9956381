"""TLS in a session: in how many pieces it goes out, and what ends it."""

import asyncio
import contextlib
import gc
import ssl
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bounced.config.files import tls_context
from bounced.edges.smtp import SessionSettings
from bounced.edges.smtp.command_reader import CommandReader
from bounced.edges.smtp.encryption import Encrypted
from tests.support.door import HOSTNAME, OpenDoor, Peer, open_door, self_signed
from tests.support.tls_records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_OF_KEYS,
    GOODBYE,
    HANDSHAKE,
    SUITE,
    Records,
)

MAX_RECORD = 16384


class Wire(asyncio.Transport):
    """A transport that keeps what is written, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False
        self.half_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        assert not self.half_closed
        self.pieces.append(bytes(data))

    def taken(self) -> list[bytes]:
        """Return the pieces written since the last time."""
        taken, self.pieces = self.pieces, []
        return taken

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def write_eof(self) -> None:
        self.half_closed = True


class Client:
    """A TLS client in memory."""

    def __init__(self, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, session=session)

    def hears(self, pieces: list[bytes]) -> None:
        """Take what the server wrote, and go on with the handshake."""
        self.incoming.write(b"".join(pieces))
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()

    def says(self, octets: bytes = b"") -> bytes:
        """Return what goes to the server, with these octets behind it."""
        if octets:
            self.tls.write(octets)
        return self.outgoing.read()


class Side:
    """The server's side upon a wire, with the reader behind it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        self.wire = Wire()
        self.reader = CommandReader(lambda _: None, loop)
        self.encrypted = Encrypted(self.wire, context, self.reader, loop)

    async def agrees_with(self, client: Client) -> None:
        """Do the handshake; leave the server's last pieces on the wire."""
        client.hears([])
        self.encrypted.received(client.says())
        client.hears(self.wire.taken())
        self.encrypted.received(client.says())
        assert await self.encrypted.shake_hands()


@pytest.fixture
def server(tmp_path: Path) -> ssl.SSLContext:
    """Return what the daemon speaks TLS with."""
    self_signed(tmp_path)
    return tls_context(tmp_path / "server.pem", tmp_path / "server.pem")


@pytest.fixture
def context() -> ssl.SSLContext:
    """Return what a peer speaks TLS with that trusts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def test_the_servers_part_of_a_handshake_is_one_piece(server, context) -> None:
    """Certificate, signature and all; the ticket behind it waits for the next reply, and comes with it."""
    side, client = Side(server), Client(context)
    client.hears([])
    side.encrypted.received(client.says())
    flight = side.wire.taken()
    assert len(flight) == 1
    client.hears(flight)
    side.encrypted.received(client.says(b"EHLO x\r\n"))
    assert await side.encrypted.shake_hands()
    assert await side.reader.readuntil() == b"EHLO x\r\n"
    assert side.wire.taken() == []
    side.encrypted.write(b"250 mx\r\n")
    reply = side.wire.taken()
    assert len(reply) == 1
    client.hears(reply)
    assert client.tls.read() == b"250 mx\r\n"
    assert client.tls.session
    assert client.tls.session.has_ticket


async def test_the_end_of_a_handshake_of_tls_1_2_does_not_wait(server, context) -> None:
    """The peer says nothing before it has come."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    side, client = Side(server), Client(context)
    await side.agrees_with(client)
    client.hears(side.wire.taken())
    assert client.tls.version() == "TLSv1.2"
    side.encrypted.received(client.says(b"EHLO x\r\n"))
    assert await side.reader.readuntil() == b"EHLO x\r\n"


async def test_a_session_is_taken_up_again(server, context) -> None:
    """By the one ticket that it got."""
    side, client = Side(server), Client(context)
    await side.agrees_with(client)
    side.encrypted.write(b"250 mx\r\n")
    client.hears(side.wire.taken())
    assert client.tls.read() == b"250 mx\r\n"
    again = Client(context, client.tls.session)
    await Side(server).agrees_with(again)
    assert again.tls.session_reused


@pytest.mark.parametrize("end", [Encrypted.close, Encrypted.write_eof])
async def test_the_last_reply_and_the_goodbye_are_one_piece(server, context, end: Callable[[Encrypted], None]) -> None:
    """Nothing is waited for, and nothing is written after it."""
    side, client = Side(server), Client(context)
    await side.agrees_with(client)
    side.encrypted.cork()
    side.encrypted.write(b"221 2.0.0 Bye\r\n")
    assert side.wire.taken() == []
    end(side.encrypted)
    last = side.wire.taken()
    assert len(last) == 1
    side.encrypted.received(client.says(b"NOOP\r\n"))
    side.encrypted.close()
    assert side.wire.taken() == []
    assert side.wire.closed
    assert not side.reader.has_octets
    client.hears(last)
    assert client.tls.read() == b"221 2.0.0 Bye\r\n"
    assert client.tls.read() == b""


async def test_octets_may_come_one_by_one(server, context) -> None:
    """A record that has not come as a whole is waited for, in the handshake and behind it."""
    side, client = Side(server), Client(context)

    def hand_over(octets: bytes) -> None:
        for octet in octets:
            side.encrypted.received(bytes([octet]))

    client.hears([])
    hand_over(client.says())
    client.hears(side.wire.taken())
    hand_over(client.says(b"NOOP\r\n") + client.says(b"QUIT\r\n"))
    assert await side.encrypted.shake_hands()
    assert [await side.reader.readuntil() for _ in range(2)] == [b"NOOP\r\n", b"QUIT\r\n"]


async def test_much_goes_in_several_records(server, context) -> None:
    """In both directions: none holds more than 16 KB."""
    side, client = Side(server), Client(context)
    await side.agrees_with(client)
    much = bytes(range(256)) * 200
    side.encrypted.write(much)
    side.encrypted.received(client.says(much))
    assert await side.reader.block(len(much)) == much
    client.incoming.write(b"".join(side.wire.taken()))
    told = b""
    while len(told) < len(much):
        record = client.tls.read(len(much))
        assert len(record) <= MAX_RECORD
        told += record
    assert told == much


async def test_a_peer_with_whom_nothing_is_agreed_is_told_why(server, context) -> None:
    """An alert goes out before the connection ends."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # the certificate has no such key
    side, client = Side(server), Client(context)
    client.hears([])
    side.encrypted.received(client.says())
    assert not await side.encrypted.shake_hands()
    assert side.wire.closed
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        client.hears(side.wire.taken())


async def test_what_is_no_tls_ends_the_connection(server) -> None:
    """Such as a command."""
    side = Side(server)
    side.encrypted.received(b"EHLO peer.example\r\n")
    assert not await side.encrypted.shake_hands()
    assert side.wire.closed


async def test_a_record_that_was_changed_on_its_way_ends_the_connection(server, context) -> None:
    """Nothing of it is read."""
    side, client = Side(server), Client(context)
    await side.agrees_with(client)
    record = client.says(b"NOOP\r\n")
    side.encrypted.received(record[:-1] + bytes([record[-1] ^ 1]))
    assert side.wire.closed
    assert not side.reader.has_octets


async def test_the_goodbye_of_a_peer_is_its_end(server, context) -> None:
    """What it said before is read first."""
    side, client = Side(server), Client(context)
    await side.agrees_with(client)
    octets = client.says(b"QUIT\r\n")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.tls.unwrap()
    side.encrypted.received(octets + client.says())
    assert await side.reader.readuntil() == b"QUIT\r\n"
    with pytest.raises(ConnectionResetError):
        await side.reader.readuntil()


async def test_a_handshake_that_was_given_up_is_not_gone_on_with(server, context) -> None:
    """What comes after that is not looked at."""
    side, client = Side(server), Client(context)
    waiting = asyncio.create_task(side.encrypted.shake_hands())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    client.hears([])
    side.encrypted.received(client.says())
    side.encrypted.ended()
    assert side.wire.taken() == []


@pytest.fixture
def hostile(server, context, tmp_path: Path) -> Callable[[], Awaitable[tuple[Side, Records]]]:
    """Return what agrees with a client that then makes its records by hand."""
    context.keylog_filename = str(tmp_path / "secrets")

    async def agreed() -> tuple[Side, Records]:
        side, client = Side(server), Client(context)
        await side.agrees_with(client)
        assert SUITE in (client.tls.cipher() or ())
        side.wire.taken()
        return side, Records(tmp_path / "secrets")

    return agreed


async def test_a_peer_that_begins_to_change_keys_and_stops_is_hung_up_on(hostile) -> None:
    """Nothing can be written until the rest has come; who writes hears no error of it."""
    side, records = await hostile()
    side.encrypted.received(records.of(APPLICATION_DATA, b"NOOP\r\n") + records.of(HANDSHAKE, CHANGE_OF_KEYS[:4]))
    assert await side.reader.readuntil() == b"NOOP\r\n"
    side.encrypted.write(b"250 2.0.0 OK\r\n")
    assert side.wire.closed


async def test_keys_may_change(hostile) -> None:
    """Each time the peer is answered, and says more."""
    side, records = await hostile()
    for _ in range(100):
        side.encrypted.received(records.change_keys())
        assert len(side.wire.taken()) == 1
        side.encrypted.received(records.of(APPLICATION_DATA, b"NOOP\r\n"))
        assert await side.reader.readuntil() == b"NOOP\r\n"
    assert not side.wire.closed


@pytest.mark.parametrize("words", [b"", b"x"])
async def test_a_peer_that_only_changes_keys_is_hung_up_on(hostile, words: bytes) -> None:
    """It would cost us time and answers without end, and nothing would stop it."""
    side, records = await hostile()
    flood = b"".join(records.change_keys() for _ in range(9_000)) + records.of(APPLICATION_DATA, words)
    side.encrypted.received(flood)
    assert side.wire.closed
    assert sum(map(len, side.wire.taken())) < 50_000
    assert not side.reader.has_octets


async def test_what_comes_after_a_goodbye_is_not_kept(hostile) -> None:
    """Nobody would ever read it."""
    side, records = await hostile()
    side.encrypted.received(records.of(ALERT, GOODBYE) + b"x" * 100_000)
    for _ in range(10):
        side.encrypted.received(b"x" * 100_000)
    assert side.encrypted._incoming.pending <= MAX_RECORD
    with pytest.raises(ConnectionResetError):
        await side.reader.readuntil()


async def _encrypted(door: OpenDoor) -> Peer:
    peer = await door.greeted()
    await peer.start_tls()
    return peer


async def test_a_peer_that_was_sent_away_may_finish_what_it_says(tmp_path: Path) -> None:
    """Over TLS as in the clear only our side is closed, so that no reset overtakes the last reply."""
    async with open_door(SessionSettings(HOSTNAME, tls_context=self_signed(tmp_path))) as door:
        peer = await _encrypted(door)
        peer.send("NONSENSE\r\n" * 5 + "x" * 200_000)
        assert [(await peer.reply())[:3] for _ in range(4)] == ["500"] * 4
        assert (await peer.reply()).startswith("421 4.7.0")
        assert await peer.end() == b""
        await peer.close()
        await door.emptied()
        assert not door.observer.failures


async def test_a_peer_that_asks_and_hangs_up_is_answered(tmp_path: Path) -> None:
    """Its message is taken although it does not wait for the reply, and nobody stays inside."""
    async with open_door(SessionSettings(HOSTNAME, tls_context=self_signed(tmp_path))) as door:
        peer = await _encrypted(door)
        await peer.begin()
        peer.send(b"x\r\n.\r\nQUIT\r\n")
        await peer.close()
        await door.emptied()
        assert len(door.receiver.taken) == 1
        assert not door.observer.failures


async def test_an_encrypted_session_that_is_over_leaves_no_cycle(tmp_path: Path) -> None:
    """Nor does one whose handshake failed."""
    async with open_door(SessionSettings(HOSTNAME, tls_context=self_signed(tmp_path))) as door:
        finished, failed = await _encrypted(door), await door.greeted()
        sessions = [weakref.ref(session) for session in door.door._sessions]
        gc.disable()
        try:
            await finished.say("QUIT")
            await failed.say("STARTTLS")
            failed.send("this is no handshake\r\n")
            await failed.end()
            await door.emptied()
            for _ in range(3):  # what the loop itself still has to do with them
                await asyncio.sleep(0)
            assert [session() for session in sessions] == [None, None]
        finally:
            gc.enable()
