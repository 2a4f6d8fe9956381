"""Connections of redis-py with an address that was looked up before; they are known by the name of the host.

redis-py would leave the look-up to the event loop, which cannot end before all name servers have answered.
"""

from collections.abc import Mapping
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection


class ByAddress(Connection):
    """``address`` is where to connect to; TLS asks for the name."""

    def __init__(self, *, address: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._address = address

    def _connection_arguments(self) -> Mapping[str, Any]:
        arguments = {**super()._connection_arguments(), "host": self._address}
        return arguments | {"server_hostname": self.host} if "ssl" in arguments else arguments


class TlsByAddress(ByAddress, SSLConnection):
    """The same with TLS."""


def by_address(kind: type[AbstractConnection]) -> type[ByAddress]:
    """Return the kind of connection that is told an address as well."""
    return TlsByAddress if issubclass(kind, SSLConnection) else ByAddress
