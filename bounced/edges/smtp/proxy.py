"""Which peer a proxy speaks for: the PROXY protocol, versions 1 and 2, read by aiosmtpd's parser."""

from aiosmtpd.proxy_protocol import AF, V2_CMD, get_proxy

from bounced.edges.smtp.command_reader import CommandReader
from bounced.edges.smtp.gate import peer_name

_MAX_V1_BYTES = 107


class BadProxyHeader(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """What a listed proxy sent first is no PROXY header."""


class _HeaderReader:
    """A CommandReader as the parser wants to read it: by separator and by count, not as commands."""

    def __init__(self, reader: CommandReader) -> None:
        self._reader = reader

    async def read(self, n: int = _MAX_V1_BYTES) -> bytes:
        return await self._reader.block(n)

    async def readexactly(self, n: int) -> bytes:
        octets = b""
        while len(octets) < n:
            octets += await self.read(n - len(octets))
        return octets

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        octets = await self._reader.block()
        while separator not in octets and len(octets) <= _MAX_V1_BYTES:
            octets += await self._reader.block()
        line, found, rest = octets.partition(separator)
        self._reader.put_back(rest)
        return line + found


async def proxied_peer(reader: CommandReader, proxy: str) -> str:
    """Return the peer's IP address from the header that a proxy sends first; the proxy's own for its health checks.

    Raises BadProxyHeader.
    """
    header = await get_proxy(_HeaderReader(reader))
    if not header.valid:
        raise BadProxyHeader(header.error or "unrecognised")
    if header.command == V2_CMD.LOCAL or header.family not in (AF.INET, AF.INET6):
        return proxy
    return peer_name((header.src_addr, header.src_port))
