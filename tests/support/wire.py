"""Two servers of a test's own: one that knows no user, and one that passes on and remembers what was said."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

REPLIES = {
    "EHLO": "250-mx.mailbox.example\r\n250-8BITMIME\r\n250 SMTPUTF8",
    "RCPT": "550 5.1.1 no such user here",
    "DATA": "503 5.5.1 no recipient",
    "QUIT": "221 2.0.0 bye",
}
TLS_HANDSHAKE = b"\x16\x03"
BLOCK = 65536


class _NobodyHere(socketserver.StreamRequestHandler):
    """A server with a mail domain and no users."""

    def handle(self) -> None:
        """Refuse every recipient."""
        self._say("220 mx.mailbox.example ESMTP")
        for line in self.rfile:
            verb = line[:4].decode("ascii", "replace").upper()
            self._say(self.refusal(line) if verb == "RCPT" else REPLIES.get(verb, "250 2.0.0 fine"))
            if verb == "QUIT":
                return

    def refusal(self, line: bytes) -> str:
        """Return the reply to a RCPT command."""
        return REPLIES["RCPT"]

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


class _QuotingNobodyHere(_NobodyHere):
    """One that quotes whom it refuses, as Postfix does."""

    def refusal(self, line: bytes) -> str:
        """Return the reply to a RCPT command."""
        recipient = line.decode().partition("<")[2].partition(">")[0]
        return f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"


@dataclass(slots=True)
class Session:
    """What a client said on one connection: everything, as octets."""

    said: bytes = b""

    @property
    def encrypted(self) -> bool:
        """Whether a TLS handshake followed STARTTLS."""
        _, found, after = self.said.partition(b"STARTTLS\r\n")
        return bool(found) and after.startswith(TLS_HANDSHAKE)


@dataclass
class Wire:
    """A port that leads to another, and the sessions that went over it."""

    port: int = 0
    sessions: list[Session] = field(default_factory=list)


class _Relay(socketserver.BaseRequestHandler):
    """One connection passed on."""

    wire: Wire
    target: int

    def handle(self) -> None:
        """Pass on in both directions until both are silent."""
        session = Session()
        self.wire.sessions.append(session)
        with socket.create_connection(("127.0.0.1", self.target)) as far:
            back = threading.Thread(target=_pump, args=(far, self.request, Session()))
            back.start()
            _pump(self.request, far, session)
            back.join()


def _pump(source: socket.socket, target: socket.socket, session: Session) -> None:
    try:
        while octets := source.recv(BLOCK):
            session.said += octets
            target.sendall(octets)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one end has gone; so does the other


@contextmanager
def nobody_here(*, quoting: bool = False) -> Iterator[int]:
    """Run a server that refuses every recipient with 5.1.1, and quotes it where asked to; give its port."""
    with _serving(_QuotingNobodyHere if quoting else _NobodyHere) as port:
        yield port


@contextmanager
def wire_to(target: int) -> Iterator[Wire]:
    """Listen in on what goes to a port."""
    wire = Wire()
    with _serving(type("Relay", (_Relay,), {"wire": wire, "target": target})) as wire.port:
        yield wire


@contextmanager
def _serving(handler: Any) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
