"""One signed request to a receiver, and what came of it: within bounds, whatever the receiver does."""

import asyncio
import os
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import httpcore

from bounced.config.files import read_secret
from bounced.config.hook_checks import read_hook_secret
from bounced.config.hooks import Hook
from bounced.core.contract.state_hash import without_addresses
from bounced.core.contract.times import DAY_S
from bounced.core.escape import escaped
from bounced.core.numbers import whole
from bounced.core.standard_webhooks import signatures
from bounced.core.targets import target
from bounced.deliver.bodies import Message
from bounced.deliver.network import CheckedNetwork, Resolve
from bounced.edges.host_names import resolved
from bounced.edges.version import installed

MAX_ANSWER_BYTES = 64 * 1024
"""Of an answer's body: so much is read to keep the connection, and more closes it."""
MAX_WORDS_CHARS = 200
KEEP_S = 30.0
"""How long an idle connection is kept, and so how long an address is used that the name no longer has."""

USER_AGENT = f"bounced/{installed()}"

_SUCCESSES, _REDIRECTS = 2, 3
_PAUSING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_FAILURES = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    ``status`` is None where there was no answer; ``words`` say what happened; ``pause_s`` is how long the receiver
    wants to be left alone, None where it does not say.
    """

    status: int | None
    words: str
    pause_s: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has the event.  (Standard Webhooks: any 2xx)"""
        return self.status is not None and self.status // 100 == _SUCCESSES

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing more."""
        return self.status == HTTPStatus.GONE


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a hook proves itself with."""

    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    authorization: str = field(default="", repr=False)


def credentials(hook: Hook) -> Credentials:
    """Return what the files of a hook hold.  Raises OSError, ValueError."""
    secrets = tuple(map(read_hook_secret, hook.secret_files or ()))
    if hook.authorization is None or hook.authorization_file is None:
        return Credentials(secrets)
    login = read_secret(hook.authorization_file)
    if hook.authorization == "basic":
        return Credentials(secrets, f"Basic {b64encode(login).decode()}")
    return Credentials(secrets, f"Bearer {login.decode('ascii')}")


class Sender:
    """Posts to the URL of one hook.  No redirect is followed, and no proxy of the environment is asked.

    ``resolve`` returns the addresses of a name.  Raises OSError, ValueError, SSLError where its files cannot be read.
    """

    def __init__(self, hook: Hook, *, resolve: Resolve = resolved) -> None:
        parts = urlsplit(hook.url)
        assert parts.hostname is not None
        self._url = hook.url
        self._request_s = hook.request_s
        self._credentials = credentials(hook)
        tls = parts.scheme == "https"
        self._tls = tls_context(hook.ca_file) if tls else None
        self._network = CheckedNetwork(target(parts.hostname, tls=tls, allow=hook.allow), resolve)
        self._origin = httpcore.URL(hook.url).origin
        self._idle = list[httpcore.AsyncHTTPConnection]()

    async def post(self, message: Message, now: datetime) -> Answer:
        """Send a message and return what came of it, in the time that a request has.

        The status decides, also where the rest of the answer does not come.
        """
        heard, response = bytearray(), None
        fields = self._fields(message, now)
        try:
            async with (
                asyncio.timeout(self._request_s),
                self._connection() as connection,
                connection.stream("POST", self._url, headers=fields, content=message.body) as response,
            ):
                async for part in response.aiter_stream():
                    heard += part
                    if len(heard) > MAX_ANSWER_BYTES:
                        break
        except _FAILURES as error:
            if response is None:
                return Answer(None, _words_of(error, self._request_s))
        assert response is not None
        return _answer(response, bytes(heard), now)

    async def close(self) -> None:
        """Close the connections."""
        while self._idle:
            await self._idle.pop().aclose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
        """Give a connection, and keep it afterwards if it can be used again.

        The library's pool looks at every connection for every request; who asks here says how many there are.
        """
        connection = await self._kept() or httpcore.AsyncHTTPConnection(
            self._origin, ssl_context=self._tls, keepalive_expiry=KEEP_S, network_backend=self._network
        )
        try:
            yield connection
        finally:
            if connection.is_idle() and not connection.has_expired() and not _holds_more(connection):
                self._idle.append(connection)
            else:
                await connection.aclose()

    async def _kept(self) -> httpcore.AsyncHTTPConnection | None:
        """Return a connection that is open still, the one used last."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    def _fields(self, message: Message, now: datetime) -> Sequence[tuple[str, str]]:
        """Return the header fields of a request.  (Standard Webhooks)"""
        at = int(now.timestamp())
        fields = [("Content-Type", "application/json"), ("User-Agent", USER_AGENT)]
        fields += [("webhook-id", message.id), ("webhook-timestamp", str(at))]
        if self._credentials.secrets:
            signed = signatures(self._credentials.secrets, message.id, at, message.body)
            fields.append(("webhook-signature", signed))
        if self._credentials.authorization:
            fields.append(("Authorization", self._credentials.authorization))
        return fields


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return how a receiver's certificate is checked: by the system's authorities, or those of a file.

    Raises OSError, SSLError.
    """
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


def _holds_more(connection: httpcore.AsyncHTTPConnection) -> bool:
    """Whether octets came behind the answer: the next request would take them for its own answer.

    A body behind 204 is such, and so is a second answer.  The library keeps them and does not say so.
    """
    inner = connection._connection  # noqa: SLF001
    return not isinstance(inner, httpcore.AsyncHTTP11Connection) or bool(inner._h11_state.trailing_data[0])  # noqa: SLF001


def _answer(response: httpcore.Response, heard: bytes, now: datetime) -> Answer:
    fields = {name.lower(): value.decode("latin-1") for name, value in response.headers}  # of several the last one
    status = response.status
    reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
    words = f"{status} {reason}".strip()
    if status // 100 == _REDIRECTS:
        words = f"{words}: redirects are not followed"
    elif status // 100 != _SUCCESSES and heard:
        words = f"{words}: {heard[: 4 * MAX_WORDS_CHARS].decode('utf-8', 'replace').strip()}"
    asked = _pause_s(fields.get(b"retry-after", ""), now) if status in _PAUSING else None
    return Answer(status, _harmless(words), asked)


def _pause_s(text: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After asks for, a day at most.  (RFC 9110 section 10.2.3)"""
    seconds: float | None = whole(text.strip())
    if seconds is None:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):  # a year that no clock has
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(0.0, seconds), DAY_S)


def _words_of(error: BaseException, request_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {request_s:g} s"
    innermost = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    while innermost.__cause__ is not None:  # each layer of the library says it in its own way
        innermost = innermost.__cause__
    if type(innermost).__module__ == "builtins" and isinstance(innermost, OSError) and innermost.errno:
        return os.strerror(innermost.errno)
    return _harmless(str(innermost) or str(error) or type(error).__name__)


def _harmless(words: str) -> str:
    """Return what a receiver said as it may be stored and logged: it may quote the address that it was told."""
    return escaped(without_addresses(words), MAX_WORDS_CHARS)
