"""Which addresses of the network a request of ours may go to: public ones, and what the operator names."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOCAL_NAMES = frozenset({"localhost"})

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that is reached
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    map(ip_network, ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "64:ff9b:1::/48", "2001::/23"))
)
"""Of what Python's lists have or lack by version: shared and special ranges, and tunnels to addresses within."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and what the operator has named as reachable.

    ``host`` is a host as the URL has it, without brackets; ``hosts`` and ``networks`` may be reached though they are
    private, or without TLS.
    """

    host: str
    tls: bool
    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def refusal(self, address: str) -> str:
        """Return why this address of the host must not be connected to; empty where it may be."""
        meant = meant_by(address.partition("%")[0])
        if self.host in self.hosts or any(meant in network for network in self.networks):
            return ""
        if meant.is_loopback:
            return "" if is_local(self.host) else "a loopback address, which allow does not name"
        if not is_public(meant):
            return "no public address, and allow does not name it"
        return "" if self.tls else "http to another host, which allow does not name"


def target(host: str, *, tls: bool, allow: Iterable[str | Network] = ()) -> Target:
    """Return the target of a host, where ``allow`` names hosts and networks."""
    named = tuple(allow)
    return Target(
        host.lower(),
        tls,
        frozenset(each.lower() for each in named if isinstance(each, str)),
        tuple(each for each in named if not isinstance(each, str)),
    )


def is_local(host: str) -> bool:
    """Whether a host as it is written is the loopback interface."""
    try:
        return meant_by(host).is_loopback
    except ValueError:
        return host.lower() in LOCAL_NAMES


def is_public(address: Address) -> bool:
    """Whether an address belongs to somebody on the internet."""
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (special or site_local or any(address in network for network in _NOT_PUBLIC))


def meant_by(address: str) -> Address:
    """Return the address that is reached in the end, where IPv6 carries one of IPv4.  Raises ValueError."""
    found = ip_address(address)
    if not isinstance(found, IPv6Address):
        return found
    if found in _NAT64:
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found.ipv4_mapped or found.sixtofour or found
