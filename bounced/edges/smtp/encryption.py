"""TLS between a connection and its session: what comes is decrypted, what goes out is encrypted, both in memory.

How it works.  The connection keeps its transport and its protocol.  The protocol hands to ``Encrypted`` what the peer
sent, and ``Encrypted`` hands to the reader what that means.  The session writes to it as to any transport.
The TLS of the event loops would put a second protocol and a second transport in their place, with timers, 256 KB for
each connection and a wait for the peer's goodbye.  That took as much time as half of the cryptography, and told nobody
of a connection that was lost in the middle of a handshake.
A peer is heard as long as it says something.  One that only changes keys is hung up on, and what comes after a goodbye
is not kept.
Each write wakes the kernel, the network and the peer.  So the ticket waits for the next reply, and the last reply goes
out together with our goodbye.
"""

import asyncio
import contextlib
import ssl
from typing import Final

from bounced.edges.smtp.command_reader import CommandReader

_RECORD_BYTES: Final = 2**14  # what one record holds at most  (RFC 8446 section 5.1)
_RECORD_MORE: Final = 22  # what else a record of TLS 1.3 has, its padding left out  (section 5.2)
# What a peer may send without saying anything: changes of keys, which cost us time and answers, and padding.
_SPARE_BYTES: Final = 2 * _RECORD_BYTES


class Encrypted(asyncio.Transport):
    """A connection that speaks TLS from now on, as the server."""

    __slots__ = (
        "_agreed",
        "_handshake",
        "_incoming",
        "_is_corked",
        "_is_deaf",
        "_outgoing",
        "_reader",
        "_spare",
        "_tls",
        "_transport",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        context: ssl.SSLContext,
        reader: CommandReader,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__()
        self._transport = transport
        self._reader = reader
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._handshake: asyncio.Future[bool] = loop.create_future()
        self._agreed = False
        self._is_corked = False
        self._is_deaf = False
        self._spare = _SPARE_BYTES

    async def shake_hands(self) -> bool:
        """Wait for the end of the handshake; return whether it succeeded."""
        return await self._handshake

    # What comes

    def received(self, octets: bytes) -> None:
        """Take octets from the connection, no more at a time than one record has: a change of keys has but 27."""
        for begun in range(0, len(octets), _RECORD_BYTES):
            if not self._is_deaf:
                self._take(octets[begun : begun + _RECORD_BYTES])

    def _take(self, octets: bytes) -> None:
        self._incoming.write(octets)
        try:
            if self._agreed:
                self._spare -= len(octets)
                self._read()
                self._send()  # an answer to a change of keys
            elif not self._handshake.done():  # nobody waits for one that was given up
                self._agree()
                self._read()
        except ssl.SSLWantReadError:
            self._send()
        except ssl.SSLError:
            self._fail()
        if self._spare < 0 and self._tls.version() == "TLSv1.3":
            self._fail()

    def ended(self) -> None:
        """Learn that the peer has closed its side of the connection."""
        if not self._handshake.done():
            self._handshake.set_result(False)

    def _agree(self) -> None:
        self._tls.do_handshake()
        if self._tls.version() != "TLSv1.3":
            self._send()  # the peer waits for it; nobody waits for the ticket of TLS 1.3
        self._agreed = True
        self._handshake.set_result(True)

    def _read(self) -> None:
        while self._incoming.pending:
            octets = self._tls.read(_RECORD_BYTES)
            if not octets:  # the peer's goodbye; what comes after it is not looked at, and not kept
                self._is_deaf = True
                self._reader.feed_eof()
                return
            self._spare = min(_SPARE_BYTES, self._spare + 2 * len(octets) + _RECORD_MORE)
            self._reader.feed_data(octets)

    def _fail(self) -> None:
        """Send the alert that says why, and hang up."""
        self._is_deaf = True
        self._send()
        self._transport.close()
        if not self._handshake.done():
            self._handshake.set_result(False)

    # What goes out

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt octets, and send them unless ``cork`` was called."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._tls.write(left) :]
        except ssl.SSLError:  # the peer has begun to change keys, and not said to which
            self._fail()
        if not self._is_corked:
            self._send()

    def cork(self) -> None:
        """Keep what is written until the end, to send all at once.  Nothing more is heard from the peer."""
        self._is_corked = self._is_deaf = True

    def write_eof(self) -> None:
        """End what goes out."""
        self._say_goodbye()
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """Return whether what goes out can end before what comes in."""
        return self._transport.can_write_eof()

    def close(self) -> None:
        """End the connection when everything is sent, without a wait for the peer's goodbye.

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
        """Return how many octets wait because the peer does not take them."""
        return self._transport.get_write_buffer_size()

    def _say_goodbye(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # it would read the peer's goodbye too, which has not come
            self._tls.unwrap()
        self._send()

    def _send(self) -> None:
        if self._outgoing.pending:
            self._transport.write(self._outgoing.read())
