"""Whom a proxy speaks for: the PROXY protocol, versions 1 and 2, read by aiosmtpd's parser."""

from aiosmtpd.proxy_protocol import AF, V2_CMD, get_proxy

from bounced.edges.smtp.gate import peer_name
from bounced.edges.smtp.inlet import Inlet

_MAX_V1_BYTES = 107


class BadProxyHeader(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """What a listed proxy sent first is no PROXY header."""


class _HeaderReader:
    """An Inlet as the parser wants to read it: by separator and by count, not as commands."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet

    async def read(self, n: int = _MAX_V1_BYTES) -> bytes:
        return await self._inlet.block(n)

    async def readexactly(self, n: int) -> bytes:
        octets = b""
        while len(octets) < n:
            octets += await self.read(n - len(octets))
        return octets

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        octets = await self._inlet.block()
        while separator not in octets and len(octets) <= _MAX_V1_BYTES:
            octets += await self._inlet.block()
        line, found, rest = octets.partition(separator)
        self._inlet.put_back(rest)
        return line + found


async def proxied_peer(inlet: Inlet, proxy: str) -> str:
    """Return the peer's IP address from the header that a proxy sends first; the proxy's own for its health checks.

    Raises BadProxyHeader.
    """
    header = await get_proxy(_HeaderReader(inlet))
    if not header.valid:
        raise BadProxyHeader(header.error or "unrecognised")
    if header.command == V2_CMD.LOCAL or header.family not in (AF.INET, AF.INET6):
        return proxy
    return peer_name((header.src_addr, header.src_port))
