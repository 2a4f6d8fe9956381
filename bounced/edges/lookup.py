"""What MTAs ask before they deliver: Postfix's socketmap and policy protocols on one listener.

A request that begins with a digit is a netstring and so a socketmap look-up (socketmap_table(5)); one that begins with
a letter is a policy request (SMTPD_POLICY_README).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bounced.core.mailbox import BadAddress
from bounced.core.terms import Category

MAX_REQUEST_BYTES = 16 * 1024
MAX_ATTRIBUTES = 100
TIMEOUT_S = 3.0

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


class LookupServer:
    """Answers look-ups for the lists in ``lists``; ``default`` is the one that a map without a list means."""

    def __init__(self, lists: Mapping[str, Ask], default: str, when_unavailable: WhenUnavailable) -> None:
        self._lists = lists
        self._default = default
        self._when_unavailable = when_unavailable

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it leaves or says what nobody understands."""
        with contextlib.closing(writer), contextlib.suppress(*_BROKEN_OFF):
            while first := await reader.read(1):
                answer = self._socketmap if first.isdigit() else self._policy
                writer.write(await answer(first, reader))
                await writer.drain()

    async def _socketmap(self, first: bytes, reader: asyncio.StreamReader) -> bytes:
        return netstring(await self._look_up(await read_netstring(first, reader)))

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

    async def _policy(self, first: bytes, reader: asyncio.StreamReader) -> bytes:
        attributes = await read_attributes(first, reader)
        list_ = attributes.get("policy_context") or self._default
        if list_ not in self._lists:
            return f"action=WARN no suppression list {list_!a}\n\n".encode()
        try:
            found = await self._ask(self._lists[list_], attributes.get("recipient", ""))
            action = "DUNNO" if found is None else f"REJECT {found}"
        except Unavailable:
            defer = self._when_unavailable is WhenUnavailable.DEFER
            action = "DEFER_IF_PERMIT 4.3.0 suppression list cannot be asked" if defer else "DUNNO"
        return f"action={action}\n\n".encode()

    async def _ask(self, ask: Ask, key: str) -> Suppressed | None:
        """Ask about a whole address; the domains and local parts that Postfix asks about as well are on no list."""
        if "@" not in key.strip("@"):
            return None
        try:
            async with asyncio.timeout(TIMEOUT_S):
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
    """Return the text of a netstring whose first digit was read.  Raises ValueError, IncompleteReadError."""
    length = int(first + (await reader.readuntil(b":"))[:-1])
    if length > MAX_REQUEST_BYTES:
        raise ValueError("a look-up of more than 16 KiB")
    octets = await reader.readexactly(length + 1)
    if octets[-1:] != b",":
        raise ValueError("not a netstring")
    return octets[:-1].decode()


async def read_attributes(first: bytes, reader: asyncio.StreamReader) -> dict[str, str]:
    """Return the attributes of a policy request, which an empty line ends.  Raises ValueError, IncompleteReadError."""
    attributes: dict[str, str] = {}
    line = first + await reader.readuntil(b"\n")
    while line != b"\n":
        name, equals, value = line[:-1].decode("utf-8", "replace").partition("=")
        if not equals or len(attributes) >= MAX_ATTRIBUTES:
            raise ValueError("not a policy request")
        attributes[name] = value
        line = await reader.readuntil(b"\n")
    return attributes
