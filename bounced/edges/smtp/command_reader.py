"""Octets on their way in: checked command lines, and blocks of content."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import SupportsIndex, cast

from bounced.core.limits import MAX_COMMAND_BYTES, MAX_LINE_BYTES
from bounced.edges.smtp import replies
from bounced.edges.smtp.replies import Refused

# The transport is paused beyond this, so a peer that sends ahead costs so much and no more.
MAX_WAITING_BYTES = 64 * 1024
# Commands sent ahead are answered in turns of so many, so that no peer holds the loop.
COMMANDS_A_TURN = 100
# RFC 5321 section 2.3.8: a line ends with CRLF, and neither CR nor LF may stand alone; section 4.1.1: a command is
#   verb [ SP argument ] CRLF
# in printable ASCII, or UTF-8 with SMTPUTF8 (RFC 6531).  So no control character is part of one.
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

BeforeWaiting = Callable[[bool], Awaitable[None] | None]


class CommandReader(asyncio.StreamReader):
    """The reader that aiosmtpd's command loop is given.

    ``before_waiting`` is called with "in the middle of a command?" whenever the peer has nothing more for us:
    the moment to write collected replies and to set a deadline.  All methods that read raise ConnectionResetError
    when nothing more will come.
    """

    __slots__ = (
        "_arrival",
        "_before_waiting",
        "_ended",
        "_ignores_the_rest",
        "_octets",
        "_reader_loop",
        "_source",
        "_source_paused",
        "_turns_left",
    )

    def __init__(self, before_waiting: BeforeWaiting, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._before_waiting = before_waiting
        self._reader_loop = loop
        self._source: asyncio.Transport | None = None
        self._source_paused = False
        self._octets = bytearray()
        self._ended = False
        self._ignores_the_rest = False
        self._arrival: asyncio.Future[None] | None = None
        self._turns_left = COMMANDS_A_TURN

    async def readuntil(self, _separator: object = None) -> bytes:
        """Return one command line.  Raises Refused for one that is none.

        aiosmtpd's loop ends a command at a bare LF, and lets other control characters through.
        (docs/traps.md, 4 and 10)
        """
        self._turns_left -= 1
        if not self._turns_left:
            self._turns_left = COMMANDS_A_TURN
            await asyncio.sleep(0)
        while (end := self._octets.find(b"\n")) < 0:
            if len(self._octets) > MAX_LINE_BYTES:
                raise Refused(replies.LINE_WITHOUT_END)
            await self._more(mid_command=bool(self._octets))
        line = self._take(end + 1)
        if len(line) > MAX_LINE_BYTES:
            raise Refused(replies.LINE_WITHOUT_END)
        if not line.endswith(b"\r\n"):
            self._skip_rest_of_line()
            raise Refused(replies.BAD_LINE)
        if len(line) > MAX_COMMAND_BYTES:
            raise Refused(replies.LINE_TOO_LONG)
        if _CONTROL.search(line, 0, len(line) - 2) or not line[:-2].partition(b" ")[0].isalpha():
            raise Refused(replies.BAD_LINE)
        return line

    async def block(self, limit: int = MAX_WAITING_BYTES) -> bytes:
        """Return what octets have come, at least one and at most ``limit``."""
        while not self._octets:
            await self._more(mid_command=False)
        return self._take(limit)

    def put_back(self, octets: bytes) -> None:
        """Take back what was read of a block and not used."""
        self._octets[:0] = octets

    def discard(self) -> None:
        """Forget what was sent ahead: commands injected before TLS must not run after it.  (RFC 3207 section 6)"""
        self._octets.clear()
        self._resume()

    def ignore_the_rest(self) -> None:
        """Forget what was sent ahead, and from now on everything up to the end."""
        self._ignores_the_rest = True
        self.discard()

    @property
    def has_octets(self) -> bool:
        """Whether the peer sent something that nobody read yet."""
        return bool(self._octets)

    def set_transport(self, transport: asyncio.BaseTransport) -> None:
        """Read from this transport from now on."""
        self._source = cast("asyncio.Transport", transport)

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Take octets from the transport."""
        if self._ignores_the_rest:
            return
        self._octets += cast("bytes", data)
        if len(self._octets) > MAX_WAITING_BYTES and self._source and not self._source.is_closing():
            self._source.pause_reading()
            self._source_paused = True
        self._wake()

    def feed_eof(self) -> None:
        """Learn that nothing more will come."""
        self._ended = True
        self._wake()

    def end(self) -> None:
        """Let go of the session, which is over."""
        del self._before_waiting

    async def _more(self, *, mid_command: bool) -> None:
        """Wait for octets beyond those that are there."""
        waiting = self._before_waiting(mid_command)
        if waiting is not None:
            await waiting
        if self._ended:
            raise ConnectionResetError
        self._resume()
        self._arrival = self._reader_loop.create_future()
        try:
            await self._arrival
        finally:
            self._arrival = None
        self._turns_left = COMMANDS_A_TURN

    def _take(self, limit: int) -> bytes:
        octets = bytes(self._octets[:limit])
        del self._octets[:limit]
        return octets

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _resume(self) -> None:
        if self._source_paused and self._source and not self._source.is_closing():
            self._source.resume_reading()
        self._source_paused = False

    def _skip_rest_of_line(self) -> None:
        """Drop what came with a bare LF up to its CRLF: part of the line that is refused, no command of its own."""
        end = self._octets.find(b"\r\n")
        del self._octets[: len(self._octets) if end < 0 else end + 2]
