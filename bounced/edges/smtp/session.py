"""One peer's connection: aiosmtpd's SMTP, subclassed once, with the trap that each override closes.

The traps are those of docs/traps.md.
"""

import asyncio
from collections.abc import Awaitable
from types import MappingProxyType
from typing import Final, Protocol, cast

from aiosmtpd.smtp import SMTP

from bounced.core.limits import MAX_COMMAND_BYTES
from bounced.edges.smtp import replies
from bounced.edges.smtp.dialogue import Dialogue, Stage
from bounced.edges.smtp.gate import Gate, Handshake, belongs_to, peer_name
from bounced.edges.smtp.inlet import Inlet
from bounced.edges.smtp.observer import Observer
from bounced.edges.smtp.patience import Patience
from bounced.edges.smtp.proxy import BadProxyHeader, proxied_peer
from bounced.edges.smtp.replies import Refused
from bounced.edges.smtp.settings import SessionSettings, Speech
from bounced.ports import Clock, Receiver, StoreUnavailable

_REFUSALS: Final = MappingProxyType(
    {
        "not_a_proxy": replies.NOT_ADMITTED,
        "bad_proxy_header": replies.NOT_ADMITTED,
        "talked_early": replies.TALKED_EARLY,
        "shutting_down": replies.SHUTTING_DOWN,
    }
)


class _CommandSizes(dict[str, int]):
    """One size for every verb; aiosmtpd's own keeps each verb it ever heard, for all instances.  (docs/traps.md, 7)"""

    def __missing__(self, verb: str) -> int:
        return MAX_COMMAND_BYTES


class House(Protocol):
    """Who keeps the sessions."""

    def join(self, session: "Session") -> None:
        """Keep a session that begins."""

    def leave(self, session: "Session") -> None:
        """Let go of a session that is over, its last commit included."""


class Session(SMTP):
    """An SMTP or LMTP session, the same before and after STARTTLS.

    aiosmtpd gives the protocol's life and the command loop; each method of its own that stands here again says
    for which trap.  What the verbs do is the Dialogue's.
    """

    __slots__ = (
        "_dialogue",
        "_entered",
        "_errors",
        "_gate",
        "_handshake",
        "_house",
        "_hung_up",
        "_leaving",
        "_observer",
        "_patience",
        "_replies",
        "_settings",
        "inlet",
        "over_tls",
        "peer",
    )

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
        self,
        *,
        receiver: Receiver,
        settings: SessionSettings,
        gate: Gate,
        observer: Observer,
        house: House,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Pass over SMTP.__init__, which inspects itself and its handler for each connection (docs/traps.md, 8)."""
        self.loop = loop
        self.inlet = Inlet(self._before_waiting, loop)
        super(SMTP, self).__init__(self.inlet, self._cb_client_connected, loop)
        self.hostname = settings.hostname
        self.__ident__ = "LMTP" if settings.speech is Speech.LMTP else "ESMTP"
        self.peer = ""
        self.over_tls = False
        self._settings = settings
        self._gate = gate
        self._observer = observer
        self._house = house
        self._dialogue = Dialogue(self, receiver, settings, observer, clock)
        self._smtp_methods = self._dialogue  # type: ignore[assignment]  # its get() is all that the loop asks for
        self._entered = False
        self._handshake: Handshake | None = None
        self._replies: list[str] = []
        self._errors = 0
        self._patience = Patience(settings.limits, loop.time())
        self._leaving = False
        self._hung_up = False

    # The life of a connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the house."""
        self._house.join(self)
        super().connection_made(transport)
        assert self._handler_coroutine is not None
        self._handler_coroutine.add_done_callback(self._handler_ended)

    def connection_lost(self, _error: Exception | None) -> None:
        """Let a commit that runs come to its end; aiosmtpd's cancels it after the final dot (docs/traps.md, 5)."""
        super(SMTP, self).connection_lost(None)  # how a peer went is nobody's concern
        self.transport = None
        if self._handler_coroutine is None:  # over already, since a handshake failed
            return
        if self._handler_coroutine.done():
            self._left()
        elif self._dialogue.stage is not Stage.COMMITTING:
            self._handler_coroutine.cancel()

    def eof_received(self) -> bool:
        """Answer what a peer sent before it closed its side; aiosmtpd's cancels the handler (docs/traps.md, 5)."""
        self.inlet.feed_eof()
        return not self.over_tls and not self._hung_up

    async def start_tls(self) -> None:
        """Encrypt the connection.  aiosmtpd's has no time limit and goes on with commands sent ahead of the handshake.

        A handshake that fails is the end of the session.  asyncio tells that to nobody where the peer vanishes or we
        break off, so the connection is let go of here.  Raises Refused, ConnectionResetError.
        """
        context, now = self._settings.tls_context, self.loop.time()
        assert context is not None
        self._handshake = self._gate.begin_handshake(self.peer, now, self._give_way)
        if self._handshake is None:
            raise Refused(replies.TLS_NOT_NOW)
        await self.push(replies.START_TLS)
        self._flush()
        self.inlet.discard()
        self._patience.with_handshake(now)
        try:
            await self._writer.start_tls(context, ssl_handshake_timeout=self._settings.limits.handshake_s)
        except (OSError, asyncio.CancelledError) as error:  # OSError includes ssl.SSLError
            if self.transport is not None:
                self.transport.abort()
                self.transport = None
            if isinstance(error, OSError):
                raise ConnectionResetError from None
            raise
        finally:
            self._gate.end_handshake(self._handshake)
            self._handshake = None
        self.transport = cast("asyncio.Transport", self._writer.transport)
        self.inlet.set_transport(self.transport)
        self.over_tls = True

    def dismiss(self) -> None:
        """Say goodbye as soon as no transaction is open."""
        self._leaving = True
        if self._hung_up and self.transport is not None:
            self.transport.close()
        elif self._entered and self._dialogue.stage is Stage.IDLE:
            self._hang_up(replies.SHUTTING_DOWN)

    def expire(self, now: float) -> None:
        """Say goodbye to a peer that was too slow, break with one that does not even take that, or give up a commit."""
        if not self._patience.has_ended(now):
            return
        if self._dialogue.stage.is_ours and self._handler_coroutine is not None:
            self._dialogue.overdue = True
            self._handler_coroutine.cancel()
        elif self._hung_up and self.transport is not None:
            self.transport.abort()
        else:
            self._hang_up(replies.TOO_SLOW)

    def cut_off(self) -> None:
        """End at once, whatever runs: the outcome of a commit is unknown then, and the peer comes again."""
        if self._hung_up and self.transport is not None:
            self.transport.abort()
        self._hang_up(replies.SHUTTING_DOWN)
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    def _give_way(self) -> None:
        self._observer.connection_refused(self.peer, "handshakes")
        self._give_up_handshake()

    def _give_up_handshake(self) -> None:
        """Break a TLS handshake off without a word: nothing that we say would be understood."""
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    def _handler_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and not isinstance(error, ConnectionError):
            self._observer.failed(self.peer, error)
        if self.transport is None:
            self._left()
        else:
            self._hung_up = True
            self._patience.with_farewell(self.loop.time())
            self.transport.close()

    def _left(self) -> None:
        """Be gone, once: both the handler and the connection are over, whichever told us last."""
        if self._handler_coroutine is None:
            return
        self._house.leave(self)
        if self._entered:
            self._entered = False
            self._gate.leave(self.peer)
            self._observer.session_closed(self.peer)
        self._come_apart()

    def _come_apart(self) -> None:
        """Leave no cycle: the memory of a session serves the next, instead of waiting for the collector."""
        self._handler_coroutine = None
        self._dialogue.end()
        self.inlet.end()
        del self._writer
        del self._client_connected_cb  # type: ignore[attr-defined]  # asyncio's, not declared

    # Who is let in

    async def _handle_client(self) -> None:
        """Greet only whom the limits let in; aiosmtpd has none (docs/traps.md, 6)."""
        assert self.transport is not None
        self.peer = peer_name(self.transport.get_extra_info("peername"))
        reason = await self._reason_to_refuse()
        if reason is not None:
            self._observer.connection_refused(self.peer, reason)
            self._hang_up(_REFUSALS.get(reason, replies.TOO_MANY_CONNECTIONS))
        await super()._handle_client()

    async def _reason_to_refuse(self) -> str | None:
        if self._settings.proxied_from:
            if not belongs_to(self.peer, self._settings.proxied_from):
                return "not_a_proxy"
            try:
                self.peer = await proxied_peer(self.inlet, self.peer)
            except BadProxyHeader:
                return "bad_proxy_header"
        reason = self._gate.enter(self.peer)
        if reason is not None:
            return reason
        self._entered = True
        self._observer.session_opened(self.peer)
        await asyncio.sleep(0)  # what came before the greeting is here after one turn of the loop
        if self.inlet.has_octets:
            return "talked_early"
        return "shutting_down" if self._leaving else None

    # Replies and time

    async def push(self, status: str | bytes) -> None:
        """Collect replies until the peer has nothing more for us; count errors.  (docs/traps.md, 6 and 8)"""
        reply = status if isinstance(status, str) else status.decode()
        if reply.startswith("5") and reply != replies.RECIPIENT_FIRST:  # a group's DATA after its RCPT was refused
            self._errors += 1
            if self._errors >= self._settings.limits.errors:
                reply = replies.TOO_MANY_ERRORS
        if replies.ends_session(reply):
            self._hang_up(reply)
        elif not self._hung_up:
            self._replies.append(reply)
            self._observer.replied(int(reply[:3]))

    async def handle_exception(self, error: Exception) -> str:
        """Answer 451 for any fault of ours; aiosmtpd's answers 500 with the exception's text (docs/traps.md, 3)."""
        if isinstance(error, Refused):
            return error.reply
        if not isinstance(error, StoreUnavailable | TimeoutError):
            self._observer.failed(self.peer, error)
        return replies.TRY_AGAIN

    def message_taken(self) -> None:
        """Forgive a peer its errors: an address that delivers is no probe."""
        self._errors = 0

    def content_begins(self) -> None:
        """Start the clock for the content of a message."""
        self._patience.with_content(self.loop.time())

    def work_begins(self) -> None:
        """Start the clock for the pipeline."""
        self._patience.with_us(self.loop.time())

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Arm no timer for each command (docs/traps.md, 8): one sweep over all sessions looks at their deadlines."""

    def _before_waiting(self, mid_command: bool) -> Awaitable[None] | None:  # noqa: FBT001 - Inlet's callback
        self._flush()
        if self._hung_up:
            return None
        if self._dialogue.stage is not Stage.CONTENT:
            if self._leaving and self._dialogue.stage is Stage.IDLE:
                self._hang_up(replies.SHUTTING_DOWN)
                return None
            self._patience.with_command(self.loop.time(), begun=mid_command)
        stalled = self.transport is not None and self.transport.get_write_buffer_size() > 0
        return self._writer.drain() if stalled else None

    def _flush(self) -> None:
        if self._replies and self.transport is not None and not self.transport.is_closing():
            self.transport.write(("\r\n".join(self._replies) + "\r\n").encode())
        self._replies.clear()

    def _hang_up(self, reply: str) -> None:
        """Write what was collected and a last reply, and heed nothing more.

        Where the peer may be sending, only our side is closed: a socket closed over unread octets is reset, and
        the reset overtakes the reply.  The sweep ends what the peer does not end.
        """
        if self._hung_up or self.transport is None:
            return
        if self._handshake is not None:
            self._give_up_handshake()
            return
        self._hung_up = True
        self._observer.replied(int(reply[:3]))
        self._replies.append(reply)
        self._flush()
        self.inlet.go_deaf()
        self._patience.with_farewell(self.loop.time())
        lingers = self._entered and not self._leaving and reply != replies.GOODBYE
        if lingers and self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
            self.inlet.feed_eof()
