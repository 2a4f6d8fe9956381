"""aiosmtpd's SMTP as we use it: the one place that knows its private names and asyncio's.

aiosmtpd gives the life of the protocol, the command loop and the dispatch.  Its constructor, its timer and its way to
lose a connection are passed over; each override names its trap.  The traps are numbered as in docs/traps.md.
"""

import asyncio
import ssl
from collections.abc import Awaitable
from typing import Protocol

from aiosmtpd.smtp import SMTP

from bounced.core.limits import MAX_COMMAND_BYTES
from bounced.edges.smtp.command_reader import CommandReader
from bounced.edges.smtp.encryption import Encrypted


class _CommandSizes(dict[str, int]):
    """One size for every verb; aiosmtpd keeps each verb it ever heard, for all instances.  (docs/traps.md, 7)"""

    def __missing__(self, verb: str) -> int:
        return MAX_COMMAND_BYTES


class Verbs(Protocol):
    """All that aiosmtpd's loop asks of its table of verbs."""

    def get(self, verb: str) -> object:
        """Return the coroutine function that answers a verb."""


class Engine(SMTP):
    """The protocol of one connection, before and after STARTTLS."""

    __slots__ = ("_encrypted", "reader")

    # What SMTP.__init__ sets for each connection, though it is the same for all of ours.
    event_handler = None
    enable_SMTPUTF8 = True  # noqa: N815 - aiosmtpd's name
    require_starttls = False
    command_size_limit = MAX_COMMAND_BYTES
    command_size_limits = _CommandSizes()
    session = None
    transport: asyncio.Transport | None = None
    _enforce_call_limit = False
    _handler_coroutine: asyncio.Task[None] | None = None
    _original_transport = None
    _proxy_timeout = None
    _tls_handshake_okay = True
    _tls_protocol = None

    def __init__(
        self, reader: CommandReader, *, hostname: str, protocol: str, verbs: Verbs, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Pass over SMTP.__init__, which inspects itself and its handler for each connection (docs/traps.md, 8)."""
        self.loop = loop
        self.reader = reader
        self._encrypted: Encrypted | None = None
        super(SMTP, self).__init__(reader, self._cb_client_connected, loop)
        self.hostname = hostname
        self.__ident__ = protocol
        self._smtp_methods = verbs  # type: ignore[assignment]

    @property
    def handler(self) -> asyncio.Task[None] | None:
        """The task of aiosmtpd's command loop; None before the connection and after ``drop_references``."""
        return self._handler_coroutine

    def connection_lost(self, _error: Exception | None) -> None:
        """Note the end of the connection; aiosmtpd would cancel a commit that runs.  (docs/traps.md, 5)"""
        super(SMTP, self).connection_lost(None)
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Take what the peer sent."""
        if self._encrypted is None:
            self.reader.feed_data(data)
        else:
            self._encrypted.received(data)

    def eof_received(self) -> bool:
        """Answer what a peer sent before it closed its side; aiosmtpd's cancels the handler (docs/traps.md, 5)."""
        if self._encrypted is not None:
            self._encrypted.ended()
        self.reader.feed_eof()
        return True

    async def encrypt(self, context: ssl.SSLContext) -> bool:
        """Go on over TLS; every octet from now on is part of it.  Return whether the handshake succeeded."""
        assert self.transport is not None
        self._encrypted = Encrypted(self.transport, context, self.reader, self.loop)
        if not await self._encrypted.shake_hands():
            return False
        self.transport = self._encrypted
        return True

    def drained(self) -> Awaitable[None] | None:
        """Return what waits until the peer takes our replies again; None where it takes them."""
        stalled = self.transport is not None and self.transport.get_write_buffer_size() > 0
        return self._writer.drain() if stalled else None

    def drop_references(self) -> None:
        """Leave no cycle: the memory of a session serves the next, instead of waiting for the collector."""
        self._handler_coroutine = None
        self._encrypted = None
        self.reader.end()
        del self._writer
        del self._client_connected_cb  # type: ignore[attr-defined]  # asyncio's, not declared

    async def begin(self) -> None:
        """Say who is let in, before the greeting."""

    async def _handle_client(self) -> None:
        """Greet only whom ``begin`` lets in; aiosmtpd has no limits (docs/traps.md, 6)."""
        await self.begin()
        await super()._handle_client()

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Arm no timer for each command (docs/traps.md, 8): one sweep over all sessions looks at their deadlines."""
