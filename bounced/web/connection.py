"""One HTTP connection: uvicorn's, within limits of time, size and number.

How it works.  uvicorn waits for a request for ever, reads header fields without end and takes any number of requests
ahead.  So each request has a deadline from its first octet to its last, its head has a size, and only a few requests
may wait behind one that is being answered.  Where all places are taken, the connection goes that has been idle, has not
finished its request, or does not take its answer, for the longest.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

from httptools import HttpRequestParser
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bounced.web.one_write import OneWrite
from bounced.web.problems import PROBLEM_JSON, Problem

MAX_HEAD_BYTES = 32 * 1024
MAX_REQUESTS_AHEAD = 16
LAST_REQUEST_S = 1.0
"""When we stop: for a request that is under way, or the first of whoever has just come."""
MAX_THROWN_AWAY_BYTES = 16 * 1024 * 1024
"""Of bodies that come after their answer, on one connection."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What the clients of one listener may take."""

    connections: int = 1000
    request_s: float = 30.0
    idle_s: float = 60.0


@dataclass(slots=True)
class Places:
    """The connections of one listener.

    ``waited_for`` are those that owe us a request, or do not take what we send; the first has done so for the longest.

    ``nobody`` is set when the last one has gone.  ``closing`` is true when no request may follow those in hand.
    """

    limits: ConnectionLimits
    closing: bool = False
    taken: set["Connection"] = field(default_factory=set)
    waited_for: dict["Connection", None] = field(default_factory=dict)
    nobody: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        """Have each connection end after the request that is in hand, or under way."""
        self.closing = True
        for connection in tuple(self.taken):
            connection.finish()

    def make_room(self) -> bool:
        """Return whether there is a place, for which one that is waited for may have to go."""
        if len(self.taken) < self.limits.connections:
            return True
        leaving = next(iter(self.waited_for), None)
        if leaving is None:
            return False
        leaving.leave()
        return True

    def take(self, connection: "Connection") -> None:
        """Take a connection in, which owes us a request."""
        self.taken.add(connection)
        self.waited_for[connection] = None
        self.nobody.clear()

    def give_up(self, connection: "Connection") -> None:
        """Let a connection go."""
        self.taken.discard(connection)
        self.waited_for.pop(connection, None)
        if not self.taken:
            self.nobody.set()


class Connection(HttpToolsProtocol):
    """What uvicorn makes for each connection of a listener."""

    def __init__(
        self, config: Config, server_state: ServerState, places: Places, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(config, server_state, {}, loop)
        self.timeout_keep_alive = places.limits.idle_s  # type: ignore[assignment]  # declared for whole seconds
        self._places = places
        self._deadline: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._outside_bodies = 0
        """Octets since the last of a body: the head, sizes of chunks, trailer fields."""
        self._piece = self._again = b""
        self._answered: RequestResponseCycle | None = None
        self._in_head = True
        self._owed = True
        """Whether a request, or what is left of one, has yet to come."""
        self._refused = False
        self._thrown_away = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a place, or go."""
        super().connection_made(transport)
        if not self._places.make_room():
            transport.abort()
            return
        self._places.take(self)
        self._set_deadline()
        if self._places.closing:
            self.finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place up."""
        self._let_go()
        self._say_it_is_gone()
        super().connection_lost(exc)

    def finish(self) -> None:
        """Close after the request in hand; one that is under way may still come, for a while."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn declares that there always is one
        if self._deadline is not None and (cycle is None or cycle.response_complete):
            self.loop.call_later(LAST_REQUEST_S, self.shutdown)
        else:
            self.shutdown()

    def leave(self) -> None:
        """Close at once, without an answer."""
        self._let_go()
        self._say_it_is_gone()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on in a request, which has to come in time."""
        self._outside_bodies += len(data)
        self._owed = True
        self._again = data
        while self._again and not self.transport.is_closing() and len(self.pipeline) <= MAX_REQUESTS_AHEAD:
            self._piece, self._again = self._again, b""
            super().data_received(self._piece)
        if self.transport.is_closing():
            return
        if self._refused or self._outside_bodies > MAX_HEAD_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head-too-large",
                f"Request line and header fields take more than {MAX_HEAD_BYTES} octets.",
            )
        elif len(self.pipeline) > MAX_REQUESTS_AHEAD:
            self.leave()
        elif self._owed and self._deadline is None:
            self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "no-http", msg)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = self._owed = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field.  A trailer field is none: nobody has checked it, and no proxy has taken it off.

        (RFC 9110 section 6.5.1)
        """
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request on, unless its head is too large."""
        if self._would_change_protocol():
            return
        self._in_head, self._outside_bodies = False, 0
        taken = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if taken > MAX_HEAD_BYTES:
            self._refused = True
        if not self._refused:
            super().on_headers_complete()
            self.cycle.keep_alive = self.cycle.keep_alive and not self._places.closing

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body.  What comes after the answer is thrown away, but not without end.

        Whoever closes with octets unread resets the connection, and many clients then never see the answer.
        """
        self._outside_bodies = 0
        if self._refused:
            return
        super().on_body(body)
        if self.cycle.response_complete:
            self._thrown_away += len(body)
            if self._thrown_away > MAX_THROWN_AWAY_BYTES:
                self.leave()

    def on_message_complete(self) -> None:
        """Stop to wait for this request."""
        if self._would_change_protocol():
            return
        self._in_head, self._owed, self._outside_bodies = True, False, 0
        self._clear_deadline()
        if not self.flow.write_paused:
            self._places.waited_for.pop(self, None)
        if not self._refused:
            super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        if cycle.scope["method"] != "HEAD":  # whose head nothing follows
            cycle.transport = cast("asyncio.Transport", OneWrite(self.transport, self.loop))
        super()._start_asgi_task(cycle, app)

    def _say_it_is_gone(self) -> None:
        """Let nobody write what is being answered; uvicorn tells the newest request alone, of those that wait."""
        if self._answered is not None:
            self._answered.disconnected = True

    def _unsupported_upgrade_warning(self) -> None:
        """Read a request again without its field Upgrade, which a server may ignore.  (RFC 9110 section 7.8)

        The parser takes what follows the head for another protocol, the body too: Java's own client sends such a body.
        """
        stopped = sys.exc_info()[1]
        if not self._would_change_protocol() or stopped is None:
            return
        fields = b"".join(b"%b: %b\r\n" % each for each in self.headers if each[0] != b"upgrade")
        line = b"%b %b HTTP/%b\r\n" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        rest = self._piece[stopped.args[0] :]
        self.parser = HttpRequestParser(self)
        self._in_head, self._outside_bodies = True, 0
        self._again = line + fields + b"\r\n" + rest

    def _would_change_protocol(self) -> bool:
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait_for_taking()
        elif not self.pipeline and self in self._places.taken:
            self._places.waited_for[self] = None

    def pause_writing(self) -> None:
        """Wait for a client that does not take what we send, but not for ever."""
        super().pause_writing()
        self._wait_for_taking()
        if self in self._places.taken:
            self._places.waited_for[self] = None

    def resume_writing(self) -> None:
        """Go on; where the connection is about to close, wait until everything is taken."""
        super().resume_writing()
        if self.transport.is_closing():
            return
        self._stop_taking()
        if self._deadline is None and not self.cycle.response_complete:
            self._places.waited_for.pop(self, None)

    def timeout_keep_alive_handler(self) -> None:
        """Leave whoever is silent, or does not take our answer."""
        self.leave()

    def _refuse(self, status: HTTPStatus, kind: str, detail: str) -> None:
        """Answer and close; without an answer where another one has begun."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn declares that there always is one
        if cycle is not None and not cycle.response_complete:
            self.leave()
            return
        body = Problem(status, kind, detail).body
        fields = [
            *self.server_state.default_headers,
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%s: %s\r\n" % each for each in fields)
        self.transport.write(STATUS_LINE[status.value] + head + b"\r\n" + body)
        self.transport.close()
        self._wait_for_taking()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(self._places.limits.request_s, self._too_slow)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._refuse(
            HTTPStatus.REQUEST_TIMEOUT, "too-slow", f"The request did not come in {self._places.limits.request_s:g} s."
        )
        self.loop.call_later(1.0, self.transport.abort)

    def _wait_for_taking(self) -> None:
        """Leave, unless the client takes in time what is written: a transport that closes waits for ever."""
        self._taking = self._taking or self.loop.call_later(self._places.limits.request_s, self.leave)

    def _stop_taking(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _let_go(self) -> None:
        self._clear_deadline()
        self._stop_taking()
        self._places.give_up(self)


def factory(
    config: Config, state: ServerState, places: Places, loop: asyncio.AbstractEventLoop
) -> Callable[[], asyncio.Protocol]:
    """Return what makes a connection."""

    def make() -> Any:
        return Connection(config, state, places, loop)

    return make
