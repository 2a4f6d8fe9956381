"""A door on loopback with a receiver that does as its addresses say, and a peer to talk to it."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bounced.core.terms import Destination, Envelope, RoleAddress
from bounced.edges.smtp import Door, Gate, SessionLimits, SessionSettings, Unobserved
from bounced.opening import now
from bounced.ports import Committed, PathRefused, StoreUnavailable

GOOD = "b-alice@bounce.example"
HOSTNAME = "mx.bounce.example"
GREETING = f"220 {HOSTNAME} ESMTP"
WAIT_S = 10.0


class ScriptedReceiver:
    """A Receiver that admits ``b-`` addresses of bounce.example and does with them what their names say.

    ``b-forged`` is refused, ``b-early`` for now; at ``b-down`` the store cannot be asked; a message for ``b-frozen``
    cannot be written, one for ``b-broken`` meets a fault of ours.  Where ``held`` is set, no message is written before
    ``release``.
    """

    def __init__(self, *, held: bool = False) -> None:
        self.taken: list[Envelope] = []
        self.begun = asyncio.Event()
        self.arrival = asyncio.Event()
        self.release = asyncio.Event()
        if not held:
            self.release.set()

    async def admit(self, forward_path: str) -> Destination:
        local_part, _, domain = forward_path.lower().rpartition("@")
        if domain != "bounce.example":
            raise PathRefused("foreign", foreign=True)
        if local_part == "b-down":
            raise StoreUnavailable
        if local_part == "b-early":
            raise PathRefused("not_yet_valid", for_now=True)
        if local_part == "b-forged" or not local_part.startswith("b-"):
            raise PathRefused("tampered")
        return RoleAddress("main", local_part)

    async def process(self, destination: Destination, envelope: Envelope) -> Committed:
        self.begun.set()
        await self.release.wait()
        local_part = envelope.forward_path.lower().partition("@")[0]
        if local_part == "b-frozen":
            raise StoreUnavailable
        if local_part == "b-broken":
            raise RuntimeError("a secret detail")
        self.taken.append(envelope)
        self.arrival.set()
        return Committed(f"E{len(self.taken)}", None)


@dataclass
class RecordingObserver(Unobserved):
    """An Observer that remembers."""

    inside: int = 0
    refused: list[str] = field(default_factory=list)
    paths_refused: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def session_opened(self, peer: str) -> None:
        self.inside += 1

    def session_closed(self, peer: str) -> None:
        self.inside -= 1
        self.left.set()

    def connection_refused(self, peer: str, reason: str) -> None:
        self.refused.append(reason)

    def path_refused(self, peer: str, reason: str) -> None:
        self.paths_refused.append(reason)

    def replied(self, code: int) -> None:
        self.codes.append(code)

    def failed(self, peer: str, error: Exception) -> None:
        self.failures.append(error)


class Peer:
    """A client that reads replies whole and waits for nothing longer than ten seconds."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, octets: str | bytes) -> None:
        """Send octets as they are."""
        self.writer.write(octets.encode() if isinstance(octets, str) else octets)

    async def reply(self) -> str:
        """Return the next reply, its lines joined by LF; empty at the end of the connection."""
        lines: list[str] = []
        async with asyncio.timeout(WAIT_S):
            while line := (await self._line()).decode():
                lines.append(line.removesuffix("\r\n"))
                if line[3:4] != "-":
                    break
        return "\n".join(lines)

    async def say(self, command: str) -> str:
        """Send a command and return its reply."""
        self.send(f"{command}\r\n")
        return await self.reply()

    async def begin(self, forward_path: str = GOOD, mail: str = "FROM:<>") -> None:
        """Go as far as 354."""
        assert (await self.say("EHLO peer.example")).startswith("250")
        assert (await self.say(f"MAIL {mail}")).startswith("250")
        assert (await self.say(f"RCPT TO:<{forward_path}>")).startswith("250")
        assert (await self.say("DATA")).startswith("354")

    async def start_tls(self) -> None:
        """Say STARTTLS and begin TLS."""
        assert (await self.say("STARTTLS")).startswith("220")
        await self.shake_hands()

    async def shake_hands(self) -> None:
        """Begin TLS, trusting anybody."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await self.writer.start_tls(context)

    async def end(self) -> bytes:
        """Return everything until the connection ends."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def vanish(self) -> None:
        """Break the connection with a reset, as a crash does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        await self.close()

    async def _line(self) -> bytes:
        try:
            return await self.reader.readline()
        except ConnectionError:
            return b""


@dataclass
class OpenDoor:
    """A door that listens, what is behind it, and ways to knock."""

    door: Door
    receiver: ScriptedReceiver
    observer: RecordingObserver
    gate: Gate
    address: tuple[str, int] | str
    peers: list[Peer] = field(default_factory=list)

    async def dial(self) -> Peer:
        """Connect, and read nothing yet."""
        if isinstance(self.address, str):
            peer = Peer(*await asyncio.open_unix_connection(self.address))
        else:
            peer = Peer(*await asyncio.open_connection(*self.address))
        self.peers.append(peer)
        return peer

    async def greeted(self) -> Peer:
        """Connect and read the greeting."""
        peer = await self.dial()
        assert (await peer.reply()).startswith("220 ")
        return peer

    async def emptied(self) -> None:
        """Wait until nobody is inside."""
        async with asyncio.timeout(WAIT_S):
            await self.door._empty.wait()

    def sweep_after(self, seconds: float) -> None:
        """Let the door look at its deadlines as if so much time had gone by."""
        self.door.sweep(asyncio.get_running_loop().time() + seconds)


@asynccontextmanager
async def open_door(
    settings: SessionSettings | None = None,
    receiver: ScriptedReceiver | None = None,
    listening: socket.socket | None = None,
) -> AsyncIterator[OpenDoor]:
    """Open a door for the length of a test, by default on a loopback port that the kernel chooses."""
    settings = settings or SessionSettings(HOSTNAME)
    receiver = receiver or ScriptedReceiver()
    observer, gate = RecordingObserver(), Gate(settings.limits)
    listening = listening or loopback()
    door = Door(receiver, settings, gate, observer, now)
    address = listening.getsockname()
    await door.start([listening])
    opened = OpenDoor(door, receiver, observer, gate, address if isinstance(address, str) else address[:2])
    try:
        yield opened
    finally:
        receiver.release.set()
        for peer in opened.peers:
            await peer.close()
        await door.drain(WAIT_S)


def loopback(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """Return a bound socket on loopback."""
    listening = socket.socket(family)
    listening.bind(("::1" if family is socket.AF_INET6 else "127.0.0.1", 0))
    return listening


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate made for this test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTNAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.touch(mode=0o600)  # with a key that others may read no daemon starts
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def limited(**limits: float) -> SessionSettings:
    """Return settings with some limits of one's own."""
    return SessionSettings(HOSTNAME, SessionLimits(**limits))  # type: ignore[arg-type]  # each limit has its own type
