"""What MTAs ask before they deliver: Postfix's socketmap and policy protocols on one listener.

A request that begins with a digit is a netstring and so a socketmap look-up (socketmap_table(5)); one that begins with
a letter is a policy request (SMTPD_POLICY_README).

A client that goes wrong is told to come again, never to deliver.  A request over a limit is answered with a deferral,
and an MTA whose connection is closed without an answer defers the mail by itself.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import structlog

from bounced.core.mailbox import BadAddress
from bounced.core.terms import Category
from bounced.edges.smtp.gate import peer_name
from bounced.edges.watch.log import Event

LOG = structlog.get_logger()

MAX_REQUEST_BYTES = 16 * 1024
MAX_ATTRIBUTES = 100
MAX_LENGTH_DIGITS = 9
REQUEST_S = 10.0
"""How long a client may take for one request from its first octet, and to take the answer."""

_BROKEN_OFF = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)

ACCESS, TRANSPORT = "access", "transport"
"""The maps there are, `access` or `access/LIST`: for check_recipient_access, and for transport_maps."""


class WhenUnavailable(StrEnum):
    """What an MTA is told while Redis cannot be asked: deliver all the same, or try again later."""

    DELIVER = "deliver"
    DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Why an address must not be mailed now."""

    category: Category | None
    since: str

    def __str__(self) -> str:
        """As an MTA's log and a bounce may show it, without the address."""
        return f"5.7.1 recipient is on the suppression list: {self.category or 'unknown'} since {self.since}"


Ask = Callable[[str], Awaitable[Suppressed | None]]
"""Returns why an address must not be mailed in a list, or None.  Raises BadAddress, Unavailable."""


class Unavailable(Exception):  # noqa: N818 - says what is so
    """Redis cannot be asked now."""


class TooMuch(Exception):  # noqa: N818 - says what is so
    """A request that is larger than any MTA's.  ``answer`` puts its mail off, and is the last one of its connection."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class LookupLimits:
    """What the clients of a look-up server may take.

    ``connections`` counts all of them; one more makes the client go that has been waited for the longest.  ``idle_s``
    is how long one may be silent between its requests: a little more than the 300 s after which Postfix closes.
    ``answer_s`` is how long Redis may take; after that a client is told that it cannot be asked.
    """

    connections: int = 1000
    idle_s: float = 330.0
    answer_s: float = 4.0


DEFAULT_LIMITS = LookupLimits()


class LookupServer:
    """Answers look-ups for the lists in ``lists``; ``default`` is the one that a map without a list means."""

    def __init__(
        self,
        lists: Mapping[str, Ask],
        default: str,
        when_unavailable: WhenUnavailable,
        limits: LookupLimits = DEFAULT_LIMITS,
    ) -> None:
        self._lists = lists
        self._default = default
        self._when_unavailable = when_unavailable
        self._limits = limits
        self._clients: set[asyncio.WriteTransport] = set()
        self._waited_for: dict[asyncio.WriteTransport, None] = {}  # the longest first

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it leaves, is silent for too long, or says what nobody understands."""
        client = writer.transport
        with contextlib.closing(writer), contextlib.suppress(*_BROKEN_OFF):
            self._make_room(client)
            try:
                while client in self._clients and (first := await self._first_octet(client, reader)):
                    writer.write(await self._answer(client, first, reader))
                    async with asyncio.timeout(REQUEST_S):
                        await writer.drain()
            except TooMuch as too_much:
                writer.write(too_much.answer)
            finally:
                self._let_go(client)

    def _make_room(self, client: asyncio.WriteTransport) -> None:
        """Take a client in; where all places are taken, the one that has been waited for the longest goes.

        MTAs connect anew where their connection was closed.  Where every client waits for us, the new one has to come
        again.  Raises ConnectionError.
        """
        if len(self._clients) >= self._limits.connections:
            leaving = next(iter(self._waited_for), None)
            peer = peer_name((leaving or client).get_extra_info("peername"))
            LOG.warning(Event.PEER_REFUSED, peer=peer, reason="connections")
            if leaving is None:
                raise ConnectionError
            self._let_go(leaving)
            leaving.abort()
        self._clients.add(client)

    def _let_go(self, client: asyncio.WriteTransport) -> None:
        self._clients.discard(client)
        self._waited_for.pop(client, None)

    async def _first_octet(self, client: asyncio.WriteTransport, reader: asyncio.StreamReader) -> bytes:
        """Return the first octet of a client's next request, none where it has left.  Raises TimeoutError."""
        self._waited_for[client] = None
        async with asyncio.timeout(self._limits.idle_s):
            return await reader.read(1)

    async def _answer(self, client: asyncio.WriteTransport, first: bytes, reader: asyncio.StreamReader) -> bytes:
        """Read a request, which has to come in time, and answer it."""
        if first.isdigit():
            async with asyncio.timeout(REQUEST_S):
                request = await read_netstring(first, reader)
            self._waited_for.pop(client, None)
            return netstring(await self._look_up(request))
        async with asyncio.timeout(REQUEST_S):
            attributes = await read_attributes(first, reader)
        self._waited_for.pop(client, None)
        return _action(await self._decide(attributes))

    async def _look_up(self, request: str) -> str:
        name, _, key = request.partition(" ")
        map_, _, list_ = name.partition("/")
        ask = self._lists.get(list_ or self._default)
        if ask is None or map_ not in (ACCESS, TRANSPORT):
            return f"PERM no map {name!a}"
        try:
            found = await self._ask(ask, key)
        except Unavailable:
            return "TEMP Redis cannot be asked" if self._when_unavailable is WhenUnavailable.DEFER else "NOTFOUND "
        if found is None:
            return "NOTFOUND "
        return f"OK REJECT {found}" if map_ == ACCESS else f"OK error:{found}"

    async def _decide(self, attributes: Mapping[str, str]) -> str:
        list_ = attributes.get("policy_context") or self._default
        if list_ not in self._lists:
            return f"WARN no suppression list {list_!a}"
        try:
            found = await self._ask(self._lists[list_], attributes.get("recipient", ""))
        except Unavailable:
            defer = self._when_unavailable is WhenUnavailable.DEFER
            return "DEFER_IF_PERMIT 4.3.0 suppression list cannot be asked" if defer else "DUNNO"
        return "DUNNO" if found is None else f"REJECT {found}"

    async def _ask(self, ask: Ask, key: str) -> Suppressed | None:
        """Ask about a whole address; the domains and local parts that Postfix asks about as well are on no list."""
        if "@" not in key.strip("@"):
            return None
        try:
            async with asyncio.timeout(self._limits.answer_s):
                return await ask(key)
        except BadAddress:
            return None
        except TimeoutError as error:
            raise Unavailable("too slow") from error


def netstring(text: str) -> bytes:
    """Return a netstring: length in octets, colon, text, comma."""
    octets = text.encode()
    return b"%d:%b," % (len(octets), octets)


async def read_netstring(first: bytes, reader: asyncio.StreamReader) -> str:
    """Return the text of a netstring whose first digit was read.  Raises ValueError, IncompleteReadError, TooMuch."""
    digits = first
    while (octet := await reader.readexactly(1)) != b":":
        digits += octet
        if not octet.isdigit():
            raise ValueError("not a netstring")
        if len(digits) > MAX_LENGTH_DIGITS:
            raise TooMuch(netstring("TEMP request too long"))
    if int(digits) > MAX_REQUEST_BYTES:
        raise TooMuch(netstring("TEMP request too long"))
    octets = await reader.readexactly(int(digits) + 1)
    if octets[-1:] != b",":
        raise ValueError("not a netstring")
    return octets[:-1].decode()


async def read_attributes(first: bytes, reader: asyncio.StreamReader) -> dict[str, str]:
    """Return the attributes of a policy request, which an empty line ends.

    Raises ValueError, IncompleteReadError, LimitOverrunError, and TooMuch for more lines or octets than any MTA sends.
    """
    attributes: dict[str, str] = {}
    lines, octets = 0, 0
    line = first + await reader.readuntil(b"\n")
    while line != b"\n":
        lines, octets = lines + 1, octets + len(line)
        name, equals, value = line[:-1].decode("utf-8", "replace").partition("=")
        if not equals:
            raise ValueError("not a policy request")
        if lines > MAX_ATTRIBUTES or octets > MAX_REQUEST_BYTES:
            raise TooMuch(_action("DEFER_IF_PERMIT 4.3.0 request too long"))
        attributes[name] = value
        line = await reader.readuntil(b"\n")
    return attributes


def _action(action: str) -> bytes:
    """Return the answer to a policy request."""
    return f"action={action}\n\n".encode()
