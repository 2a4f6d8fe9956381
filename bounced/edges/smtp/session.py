"""One peer's connection: who is let in, how long it may take, how replies go out, how it ends.

How it works.  aiosmtpd's loop (``engine.py``) reads a command through the CommandReader, asks the Dialogue who answers
it, and gives what that says to ``push``.  Replies are collected.  When the reader has nothing more from the peer it
calls ``_before_waiting``, which writes them in one go and moves the deadline: so pipelined commands cost one write.
No session has a timer: the door looks at all deadlines twice a second and calls ``expire``.
While the pipeline commits a message (COMMITTING), a lost connection does not end that work: only ``expire``, at the
deadline, or ``cut_off``, at a shutdown, cancels it.  The peer then hears 451 or nothing, and comes again.
A session is over when both the handler task and the connection have ended, in either order: ``_release``.

The traps are those of docs/traps.md.
"""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from bounced.edges.smtp import replies
from bounced.edges.smtp.command_reader import CommandReader
from bounced.edges.smtp.deadline import Deadline
from bounced.edges.smtp.dialogue import Dialogue
from bounced.edges.smtp.engine import Engine
from bounced.edges.smtp.gate import Gate, Handshake, belongs_to, peer_name
from bounced.edges.smtp.observer import Observer
from bounced.edges.smtp.proxy import BadProxyHeader, proxied_peer
from bounced.edges.smtp.replies import Refused
from bounced.edges.smtp.settings import SessionSettings, Speech
from bounced.edges.smtp.transaction import TransactionState
from bounced.ports import Clock, Receiver, StoreUnavailable


class SessionRegistry(Protocol):
    """Who keeps the sessions."""

    def join(self, session: "Session") -> None:
        """Keep a session that begins."""

    def leave(self, session: "Session") -> None:
        """Let go of a session that is over, its last commit included."""


class Session(Engine):
    """An SMTP or LMTP session, the same before and after STARTTLS.  What the verbs do is the Dialogue's."""

    __slots__ = (
        "_deadline",
        "_dialogue",
        "_entered",
        "_errors",
        "_gate",
        "_handshake",
        "_hung_up",
        "_leaving",
        "_observer",
        "_registry",
        "_replies",
        "_settings",
        "over_tls",
        "peer",
    )

    def __init__(
        self,
        *,
        receiver: Receiver,
        settings: SessionSettings,
        gate: Gate,
        observer: Observer,
        registry: SessionRegistry,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._dialogue = Dialogue(self, receiver, settings, observer, clock)
        super().__init__(
            CommandReader(self._before_waiting, loop),
            hostname=settings.hostname,
            protocol="LMTP" if settings.speech is Speech.LMTP else "ESMTP",
            verbs=self._dialogue,
            loop=loop,
        )
        self.peer = ""
        self.over_tls = False
        self._settings = settings
        self._gate = gate
        self._observer = observer
        self._registry = registry
        self._entered = False
        self._handshake: Handshake | None = None
        self._replies: list[str] = []
        self._errors = 0
        self._deadline = Deadline(settings.limits, loop.time())
        self._leaving = False
        self._hung_up = False

    # The life of a connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, and be known to the door from now on."""
        self._registry.join(self)
        super().connection_made(transport)
        assert self.handler is not None
        self.handler.add_done_callback(self._handler_ended)

    def connection_lost(self, error: Exception | None) -> None:
        """Let a commit that runs come to its end; cancel whatever else the handler does (docs/traps.md, 5)."""
        super().connection_lost(error)
        if self.handler is None:  # over already, since a handshake failed
            return
        if self.handler.done():
            self._release()
        elif self._dialogue.state is not TransactionState.COMMITTING:
            self.handler.cancel()

    def eof_received(self) -> bool:
        """Keep our side open as long as there may be something to answer."""
        return super().eof_received() and not self._hung_up

    async def start_tls(self) -> None:
        """Encrypt the connection.  aiosmtpd's has no time limit and goes on with commands sent ahead of the handshake.

        A handshake that fails is the end of the session.  Raises Refused, ConnectionResetError.
        """
        context, now = self._settings.tls_context, self.loop.time()
        assert context is not None
        self._handshake = self._gate.begin_handshake(self.peer, now, self._give_way)
        if self._handshake is None:
            raise Refused(replies.TLS_NOT_NOW)
        await self.push(replies.START_TLS)
        self._flush()
        self.reader.discard()
        self._deadline.for_handshake(now)
        try:
            self.over_tls = await self.encrypt(context)
        finally:
            self._gate.end_handshake(self._handshake)
            self._handshake = None
        if not self.over_tls:
            raise ConnectionResetError

    def dismiss(self) -> None:
        """Say goodbye as soon as no transaction is open."""
        self._leaving = True
        if self._hung_up and self.transport is not None:
            self.transport.close()
        elif self._entered and self._dialogue.state is TransactionState.IDLE:
            self._hang_up(replies.SHUTTING_DOWN)

    def expire(self, now: float) -> None:
        """End what has taken too long.

        Work of ours is cancelled.  A slow peer hears 421.  One that has heard a last reply is cut off.
        """
        if not self._deadline.has_passed(now):
            return
        if self._dialogue.state.is_ours and self.handler is not None:
            self._dialogue.transactions.overdue = True
            self.handler.cancel()
        elif self._hung_up and self.transport is not None:
            self.transport.abort()
        else:
            self._hang_up(replies.TOO_SLOW)

    def cut_off(self) -> None:
        """End at once, whatever runs: the outcome of a commit is unknown then, and the peer comes again."""
        if self._hung_up and self.transport is not None:
            self.transport.abort()
        self._hang_up(replies.SHUTTING_DOWN)
        if self.handler is not None:
            self.handler.cancel()

    def break_off(self) -> None:
        """End at once and without a word."""
        if self.transport is not None:
            self.transport.abort()
        if self.handler is not None:
            self.handler.cancel()

    def _give_way(self) -> None:
        self._observer.connection_refused(self.peer, "handshakes")
        self._give_up_handshake()

    def _give_up_handshake(self) -> None:
        """Break a TLS handshake off without a reply: in the middle of it the peer would not understand one."""
        if self.handler is not None:
            self.handler.cancel()

    def _handler_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and not isinstance(error, ConnectionError):
            self._observer.failed(self.peer, error)
        if self.transport is None:
            self._release()
        else:
            self._hung_up = True
            self._deadline.for_last_reply(self.loop.time())
            self.transport.close()

    def _release(self) -> None:
        """Release the session exactly once, after both the handler and the connection have ended."""
        if self.handler is None:
            return
        self._registry.leave(self)
        if self._entered:
            self._entered = False
            self._gate.leave(self.peer)
            self._observer.session_closed(self.peer)
        self._dialogue.end()
        self.drop_references()

    # Who is let in

    async def begin(self) -> None:
        """Let in whom the limits let in, and send the others away (docs/traps.md, 6)."""
        assert self.transport is not None
        self.peer = peer_name(self.transport.get_extra_info("peername"))
        reason = await self._reason_to_refuse()
        if reason is not None:
            self._observer.connection_refused(self.peer, reason)
            self._hang_up(replies.not_let_in(reason))

    async def _reason_to_refuse(self) -> str | None:
        if self._settings.proxied_from:
            if not belongs_to(self.peer, self._settings.proxied_from):
                return "not_a_proxy"
            try:
                self.peer = await proxied_peer(self.reader, self.peer)
            except BadProxyHeader:
                return "bad_proxy_header"
        reason = self._gate.enter(self.peer)
        if reason is not None:
            return reason
        self._entered = True
        self._observer.session_opened(self.peer)
        await asyncio.sleep(0)  # what came before the greeting is here after one turn of the loop
        if self.reader.has_octets:
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
        """Count errors anew: a peer that delivers a message is not probing for addresses."""
        self._errors = 0

    def content_begins(self) -> None:
        """Start the clock for the content of a message."""
        self._deadline.for_content(self.loop.time())

    def work_begins(self) -> None:
        """Start the clock for the pipeline."""
        self._deadline.for_pipeline(self.loop.time())

    def _before_waiting(self, mid_command: bool) -> Awaitable[None] | None:  # noqa: FBT001 - the reader's callback
        self._flush()
        if self._hung_up:
            return None
        if self._dialogue.state is not TransactionState.CONTENT:
            if self._leaving and self._dialogue.state is TransactionState.IDLE:
                self._hang_up(replies.SHUTTING_DOWN)
                return None
            self._deadline.for_command(self.loop.time(), begun=mid_command)
        return self.drained()

    def _flush(self) -> None:
        if not self._replies:
            return
        collected, self._replies = self._replies, []
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(("\r\n".join(collected) + "\r\n").encode())

    def _hang_up(self, reply: str) -> None:
        """Write the collected replies and a last one, and ignore whatever the peer still sends.

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
        if self._encrypted is not None:
            self._encrypted.cork()
        self._flush()
        self.reader.ignore_the_rest()
        self._deadline.for_last_reply(self.loop.time())
        lingers = self._entered and not self._leaving and reply != replies.GOODBYE
        if lingers and self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
            self.reader.feed_eof()
