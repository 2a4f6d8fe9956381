"""How many connections are open and how many TLS handshakes are under way, by peer and in all; who may enter."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network, ip_address

from bounced.edges.smtp.settings import Network, SessionLimits

UNIX_PEER = "unix"

GIVES_WAY_S = 2.0
"""A TLS handshake older than this is broken off when another peer needs its place.  A normal one takes tenths."""


@dataclass(eq=False, frozen=True, slots=True)
class Handshake:
    """A TLS handshake under way.  ``give_up`` breaks it off."""

    group: str
    begun_at: float
    give_up: Callable[[], None]


class Gate:
    """Counts the peers inside and says who may enter.  One for all listeners of a worker."""

    def __init__(self, limits: SessionLimits) -> None:
        self.limits = limits
        self._inside: Counter[str] = Counter()
        self._total = 0
        self._handshakes: dict[Handshake, None] = {}  # the oldest first
        self._handshaking: Counter[str] = Counter()

    def enter(self, peer: str) -> str | None:
        """Let a peer in, or return the reason why not.  Every entry that succeeds is ended with ``leave``."""
        if self._total >= self.limits.connections:
            return "connections"
        group = _group(peer)
        if self._inside[group] >= self.limits.connections_per_peer and not self._is_trusted(peer):
            return "connections_per_peer"
        self._inside[group] += 1
        self._total += 1
        return None

    def leave(self, peer: str) -> None:
        """Count a peer out that had been let in."""
        group = _group(peer)
        self._total -= 1
        self._inside[group] -= 1
        if not self._inside[group]:
            del self._inside[group]

    def begin_handshake(self, peer: str, now: float, give_up: Callable[[], None]) -> Handshake | None:
        """Let TLS begin, or return None where too many handshakes are under way.  Each is ended with ``end_handshake``.

        Where all places are taken the oldest gives way, so that peers that never finish theirs keep nobody from TLS.
        """
        group = _group(peer)
        if self._handshaking[group] >= self.limits.handshakes_per_peer and not self._is_trusted(peer):
            return None
        if len(self._handshakes) >= self.limits.handshakes:
            oldest = next(iter(self._handshakes))
            if now - oldest.begun_at < GIVES_WAY_S:
                return None
            self.end_handshake(oldest)
            oldest.give_up()
        handshake = Handshake(group, now, give_up)
        self._handshakes[handshake] = None
        self._handshaking[group] += 1
        return handshake

    def end_handshake(self, handshake: Handshake) -> None:
        """Count a handshake out that has ended; one that was broken off for another has been counted out already."""
        if handshake in self._handshakes:
            del self._handshakes[handshake]
            self._handshaking[handshake.group] -= 1
            if not self._handshaking[handshake.group]:
                del self._handshaking[handshake.group]

    def _is_trusted(self, peer: str) -> bool:
        return peer == UNIX_PEER or belongs_to(peer, self.limits.trusted_peers)


def peer_name(peername: object) -> str:
    """Return a socket's peer: an IP address without port and zone, IPv4 in its own form; ``unix`` for other sockets."""
    if not isinstance(peername, tuple):
        return UNIX_PEER
    host = str(peername[0]).partition("%")[0]
    if not host.startswith("::ffff:"):
        return host
    return str(IPv6Address(host).ipv4_mapped or host)


def belongs_to(peer: str, networks: tuple[Network, ...]) -> bool:
    """Return whether a peer's address lies in one of these networks."""
    try:
        address: IPv4Address | IPv6Address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _group(peer: str) -> str:
    """Return what a peer is counted under: its IPv4 address, or its IPv6 /64, which is what one customer gets."""
    if ":" not in peer:
        return peer
    try:
        return str(IPv6Network((peer, 64), strict=False))
    except AddressValueError:
        return peer
