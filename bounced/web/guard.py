"""What every request passes before a handler sees it, and every answer on its way back.

In this order: who asks, for which host, with how large a body; then the handler; then the fields that protect a
browser, one line in the access log, one count.  An error becomes a problem document here, whoever raised it.
"""

from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from random import getrandbits
from secrets import token_bytes
from time import perf_counter
from types import MappingProxyType
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bounced.edges.watch.log import Event, hashed
from bounced.web.desk import Desk
from bounced.web.health import WATCHED
from bounced.web.peers import Peer, asked_host, is_believed, peer_of, user_of, without_proxy_fields
from bounced.web.problems import Problem, problem_of

LOG = structlog.get_logger()

UNROUTED = "none"
"""The route of a request that found no handler."""

PROTECTING: Mapping[bytes, bytes] = MappingProxyType(
    {
        b"content-security-policy": b"default-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        b"x-content-type-options": b"nosniff",
        b"x-frame-options": b"DENY",
        b"referrer-policy": b"no-referrer",
        b"cross-origin-opener-policy": b"same-origin",
        b"cross-origin-resource-policy": b"same-origin",
        b"cache-control": b"no-store",
    }
)
"""Fields of every answer; a handler may set another value for each."""
_PROTECTING = tuple(PROTECTING.items())
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
_SECRET = token_bytes()
"""For hashes of paths in the log, by which lines of one process can be compared."""


class _Asked:
    """One request on its way: what is known of it, and what was answered so far."""

    def __init__(self, desk: Desk, scope: Scope, receive: Receive, send: Send) -> None:
        self.desk = desk
        self.scope = scope
        self.id = f"{getrandbits(64):016x}"  # no secret: it finds lines in the log
        self.begun = perf_counter()
        self.peer = Peer("", "http")
        self.status = 0
        self.streams = False
        self._receive, self._send = receive, send
        self._left = desk.present.listener.max_body_bytes

    def admit(self) -> None:
        """Check host and length, and take off what only a proxy may say.  Raises Problem."""
        listener, headers = self.desk.present.listener, self.scope["headers"]
        client = self.scope["client"]
        self.peer = peer_of(client[0] if client else None, self.scope["scheme"], headers, listener.proxies)
        host = asked_host(headers)
        if host not in self.desk.present.hosts:
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "wrong-host", "No such host is served here: see Host.")
        length = next((value for name, value in headers if name == b"content-length"), b"0")
        if not length.isdigit() or int(length[:20]) > self._left:
            raise self._too_large()
        user_header = self.desk.present.user_header
        named = user_of(headers, user_header) if user_header and self._is_believed() else None
        self.scope["headers"] = [each for each in without_proxy_fields(headers) if each[0] != user_header]
        self.scope["scheme"] = self.peer.scheme
        self.scope["client"] = (self.peer.address, 0) if self.peer.address else None
        self.scope["state"] = {"request_id": self.id, "proxy_user": named}
        self.scope["app"] = self.desk

    async def receive(self) -> Message:
        """Return the next piece of the body, of which only so many octets are taken.  Raises Problem."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        """Send a piece of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._further(message)]
        elif message.get("more_body"):
            self.streams = True
        await self._send(message)

    async def answer(self, problem: Problem, scope: Scope) -> None:
        """Answer that something is wrong, unless an answer has begun."""
        if self.status:
            raise problem
        await problem.response()(scope, self._receive, self.send)

    def note(self, paths: Mapping[Any, str]) -> None:
        """Log and count the answer; ``paths`` has the route's path of each handler."""
        took_s = perf_counter() - self.begun
        state: MutableMapping[str, Any] = self.scope.get("state", {})
        route = paths.get(self.scope.get("endpoint"), UNROUTED)
        self.desk.metrics.answered(route, self.status, None if self.streams else took_s)
        facts = {name: state[name] for name in ("list", "token", "person", "address") if name in state}
        if route == UNROUTED:
            facts["path"] = hashed(self.scope.get("path", ""), _SECRET)
        is_routine = route in WATCHED and HTTPStatus.OK <= self.status < HTTPStatus.BAD_REQUEST
        write = LOG.debug if is_routine else LOG.info  # a health check asks every few seconds
        write(
            Event.REQUEST_ANSWERED,
            listener=self.desk.name,
            method=self.scope["method"],
            route=route,
            status=self.status,
            took_ms=round(1000 * took_s, 1),
            peer=self.peer.address,
            request=self.id,
            **facts,
        )

    def _further(self, message: Message) -> list[tuple[bytes, bytes]]:
        given = dict(message.get("headers", ()))
        fields = [*_PROTECTING] if given.keys().isdisjoint(PROTECTING) else _without(given)
        if self.peer.scheme == "https":
            fields.append(_STRICT_TRANSPORT)
        fields.append((b"x-request-id", self.id.encode()))
        return fields

    def _is_believed(self) -> bool:
        client = self.scope["client"]
        return is_believed(client[0] if client else None, self.desk.present.listener.proxies)

    def _too_large(self) -> Problem:
        most = self.desk.present.listener.max_body_bytes
        return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", f"A body has at most {most} octets here.")


def _without(given: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [each for each in _PROTECTING if each[0] not in given]


class Guard:
    """The application of one listener, guarded.  ``paths`` has the route's path of each handler."""

    def __init__(self, app: ASGIApp, desk: Desk, paths: Mapping[Any, str]) -> None:
        self._app = app
        self._desk = desk
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = _Asked(self._desk, scope, receive, send)
        try:
            asked.admit()
            await self._app(scope, asked.receive, asked.send)
        except ClientDisconnect:
            pass  # nobody is there to be answered, and it is no fault of ours
        except Exception as error:
            problem = problem_of(error)
            if problem.kind == "internal":
                LOG.exception(Event.REQUEST_FAILED, listener=self._desk.name, request=asked.id)
            await asked.answer(problem, scope)
        finally:
            asked.note(self._paths)
