"""Who asks, and for which host: what a proxy says is believed where it is one of ours.

(RFC 9110 section 7.2 on Host; X-Forwarded-For and X-Forwarded-Proto have no RFC.)
"""

import re
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from bounced.config.fields import Network

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
PROXY_FIELDS = frozenset({b"forwarded", b"x-real-ip"})
IPV6_CHARACTERS = len("2001:0db8:0000:0000")
Header = tuple[bytes, bytes]
_NAMED = re.compile(r"[!-~]{1,254}")


class Peer(NamedTuple):
    """Who asks: an address, empty for a Unix socket without a proxy's word, and the scheme that they use."""

    address: str
    scheme: str


def peer_of(client: str | None, scheme: str, headers: Iterable[Header], proxies: Collection[Network]) -> Peer:
    """Return who asks.  ``client`` is the address of the connection, None for a Unix socket, where a proxy is believed.

    The last address that is no proxy's own is the one that our proxy saw; what stands before it anybody may write.
    """
    if client is not None and not is_believed(client, proxies):
        return Peer(client, scheme)
    named = [part.strip() for value in _values(headers, b"x-forwarded-for") for part in value.split(",")]
    seen = next((found for each in reversed(named) if not _is_proxy(found := _plain(each), proxies)), client or "")
    schemes = [value.strip().lower() for value in _values(headers, b"x-forwarded-proto")]
    return Peer(seen, schemes[-1] if schemes and schemes[-1] in ("http", "https") else scheme)


def is_believed(client: str | None, proxies: Collection[Network]) -> bool:
    """Whether a peer is a proxy of ours.  On a Unix socket, None, whoever may open it is."""
    return client is None or (bool(proxies) and _is_proxy(client, proxies))


def network_of(peer: str) -> str:
    """Return what one subscriber has: an address of IPv4, or the network of IPv6 of which they may take any address."""
    address = _address(peer)
    return address.exploded[:IPV6_CHARACTERS] if isinstance(address, IPv6Address) else peer


def user_of(headers: Iterable[Header], name: bytes) -> str | None:
    """Return whom a proxy names in its field; None where it does not name exactly one."""
    named = [value.strip() for value in _values(headers, name)]
    return named[0] if len(named) == 1 and _NAMED.fullmatch(named[0]) else None


def without_proxy_fields(headers: Iterable[Header]) -> list[Header]:
    """Return the header fields without those of proxies, so that nobody further in believes them."""
    return [each for each in headers if not each[0].startswith(b"x-forwarded-") and each[0] not in PROXY_FIELDS]


def asked_host(headers: Iterable[Header]) -> str | None:
    """Return the host that is asked for, in lower case and without its port; None where it is not named once."""
    hosts = list(_values(headers, b"host"))
    if len(hosts) != 1:
        return None
    name = hosts[0].strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].removesuffix(".")


def _values(headers: Iterable[Header], name: bytes) -> Iterable[str]:
    return (value.decode("latin-1") for field, value in headers if field == name)


def _plain(text: str) -> str:
    """Return an address without brackets and port; empty for what is none."""
    bare = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    for each in (bare, bare.partition(":")[0]):
        if address := _address(each):
            return str(address)
    return ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_proxy(text: str, proxies: Collection[Network]) -> bool:
    address = _address(text)
    return address is not None and any(
        isinstance(network, IPv6Network) == isinstance(address, IPv6Address) and address in network
        for network in proxies
    )
