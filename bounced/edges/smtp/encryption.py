"""TLS between a connection and its session: what comes is decrypted, what goes out is encrypted, both in memory.

How it works.  The connection keeps its transport and its protocol.  ``Encrypted`` stands between them: the protocol
hands it what the peer sent, and writes to it as to a transport.  The event loops' own TLS puts a second protocol and
a second transport in their place, with timers, a buffer of 256 KB and a wait for the peer's goodbye; all that cost as
much as the cryptography, and it told nobody of a connection that was lost in the middle of a handshake.

What goes out in one go is one write: the tickets go with the next reply, and our goodbye with the last one.
"""

import asyncio
import contextlib
import ssl
from typing import Final

from bounced.edges.smtp.command_reader import CommandReader

_RECORD_BYTES: Final = 2**14  # what one record holds at most  (RFC 8446 section 5.1)


class Encrypted(asyncio.Transport):
    """A connection that speaks TLS from now on, as the server."""

    __slots__ = ("_agreed", "_handshake", "_incoming", "_is_corked", "_outgoing", "_reader", "_tls", "_transport")

    def __init__(
        self,
        transport: asyncio.Transport,
        context: ssl.SSLContext,
        reader: CommandReader,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._transport = transport
        self._reader = reader
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._handshake: asyncio.Future[None] = loop.create_future()
        self._agreed = False
        self._is_corked = False

    async def shake_hands(self) -> None:
        """Wait until the peer and we have agreed.  Raises OSError, which includes ssl.SSLError."""
        await self._handshake

    # What comes

    def received(self, octets: bytes) -> None:
        """Take octets from the connection."""
        if self._is_corked:
            return
        self._incoming.write(octets)
        try:
            if self._agreed:
                self._read()
                self._send()  # an answer to a change of keys
            elif not self._handshake.done():  # nobody waits for one that was given up
                self._agree()
                self._read()
        except ssl.SSLWantReadError:
            self._send()
        except ssl.SSLError as error:
            self._fail(error)

    def ended(self) -> None:
        """Learn that the peer has closed its side of the connection."""
        if not self._handshake.done():
            self._handshake.set_exception(ConnectionResetError())

    def _agree(self) -> None:
        self._tls.do_handshake()
        if self._tls.version() != "TLSv1.3":
            self._send()  # the peer waits for it; nobody waits for the tickets of TLS 1.3
        self._agreed = True
        self._handshake.set_result(None)

    def _read(self) -> None:
        while self._incoming.pending:
            octets = self._tls.read(_RECORD_BYTES)
            if not octets:
                self._reader.feed_eof()
                return
            self._reader.feed_data(octets)

    def _fail(self, error: ssl.SSLError) -> None:
        """Send the alert that says why, and hang up."""
        self._send()
        self._transport.close()
        if not self._handshake.done():
            self._handshake.set_exception(error)

    # What goes out

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt octets, and send them unless ``cork`` was called."""
        left = memoryview(data)
        while left:
            left = left[self._tls.write(left) :]
        if not self._is_corked:
            self._send()

    def cork(self) -> None:
        """Hear nothing more, and send nothing more before the end; then everything at once."""
        self._is_corked = True

    def write_eof(self) -> None:
        """End what goes out."""
        self._say_goodbye()
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """Return whether the connection has two sides that end one by one."""
        return self._transport.can_write_eof()

    def close(self) -> None:
        """End the connection when everything is sent.  The peer's goodbye is not waited for.

        (RFC 8446 section 6.1)
        """
        if not self._transport.is_closing():
            self._say_goodbye()
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Return whether nothing more can be written."""
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        """Return how many octets the peer has not taken yet."""
        return self._transport.get_write_buffer_size()

    def _say_goodbye(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # it wants to read the peer's goodbye
            self._tls.unwrap()
        self._send()

    def _send(self) -> None:
        if self._outgoing.pending:
            self._transport.write(self._outgoing.read())
