"""What a listener is told: names, sizes, limits, TLS."""

import ssl
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import ceil

from bounced.core.limits import MAX_MESSAGE_BYTES

Network = IPv4Network | IPv6Network
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Speech(StrEnum):
    """What is spoken at a listener."""

    SMTP = "smtp"
    LMTP = "lmtp"


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one daemon lets its peers do.  Times are in seconds.

    ``connections_per_peer`` counts an IPv4 address or an IPv6 /64; ``trusted_peers`` are exempt from this one limit.
    ``errors`` counts refused commands; a message that is committed clears the count, so that a provider's shared
    address which delivers good and bad paths over one connection is not taken for a probe.
    ``commands_without_message`` counts commands since the session began or since it last brought content.
    ``handshakes`` and ``handshakes_per_peer`` count TLS handshakes under way, each of which costs 50 KB.
    ``idle_s`` is the wait for a command, ``command_s`` the time to finish one, ``handshake_s`` the time for a TLS
    handshake, ``data_s`` the time to finish a message, ``session_s`` all together; none of them cuts a commit that
    runs.
    ``processing_s`` is how long the pipeline may take before the peer hears 451; the deadlines are looked at
    twice a second.  (docs/contract.md, section 6)
    """

    connections: int = 10_000
    connections_per_peer: int = 50
    trusted_peers: tuple[Network, ...] = LOOPBACK
    handshakes: int = 500
    handshakes_per_peer: int = 20
    commands: int = 10_000
    commands_without_message: int = 200
    errors: int = 5
    idle_s: float = 30.0
    command_s: float = 60.0
    handshake_s: float = 15.0
    data_s: float = 120.0
    session_s: float = 300.0
    processing_s: float = 4.0

    def share(self, workers: int) -> "SessionLimits":
        """Return one worker's share of the limits that count connections and handshakes."""
        return replace(
            self,
            connections=ceil(self.connections / workers),
            connections_per_peer=ceil(self.connections_per_peer / workers),
            handshakes=ceil(self.handshakes / workers),
            handshakes_per_peer=ceil(self.handshakes_per_peer / workers),
        )


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How the sessions of one listener behave.

    ``hostname`` is the name in the greeting.  A message of more than ``max_message_bytes`` is
    refused.  ``proxied_from`` makes it a listener behind a PROXY protocol (v1 or v2) that
    only these networks may connect to; empty: no PROXY header is read.
    """

    hostname: str
    limits: SessionLimits = field(default_factory=SessionLimits)
    speech: Speech = Speech.SMTP
    tls_context: ssl.SSLContext | None = None
    max_message_bytes: int = MAX_MESSAGE_BYTES
    proxied_from: tuple[Network, ...] = ()
