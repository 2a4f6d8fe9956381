"""Other ways in: IPv6, LMTP on a Unix socket, behind a proxy."""

import socket
import struct
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from bounced.core.terms import Origin
from bounced.edges.smtp import SessionLimits, SessionSettings, Speech
from tests.support.door import GOOD, HOSTNAME, OpenDoor, Peer, loopback, open_door

PROXIED = SessionSettings(HOSTNAME, SessionLimits(trusted_peers=()), proxied_from=(ip_network("127.0.0.0/8"),))
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


async def test_ipv6_peer_is_served() -> None:
    """And known by its address."""
    async with open_door(listening=loopback(socket.AF_INET6)) as door:
        assert await _peer_name_after_a_message(door, await door.greeted()) == "::1"


async def test_lmtp_on_a_unix_socket(tmp_path: Path) -> None:
    """For those with an MTA in front: one reply for the one recipient."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "lmtp"))
    settings = SessionSettings(HOSTNAME, replace(SessionLimits(), connections_per_peer=0), Speech.LMTP)
    async with open_door(settings, listening=listening) as door:
        peer = await door.dial()
        assert await peer.reply() == f"220 {HOSTNAME} LMTP"
        peer.send(f"LHLO mta\r\nMAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\nDATA\r\nx\r\n.\r\n")
        heard = [await peer.reply() for _ in range(5)]
        assert heard[-1] == "250 2.0.0 OK E1"
        assert (door.receiver.taken[0].origin, door.receiver.taken[0].peer) == (Origin.LMTP, "unix")


def version_2(command: int, family: int, addresses: bytes) -> bytes:
    """Return a binary PROXY header.  (The PROXY protocol, section 2.2)"""
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family << 4 | 1, len(addresses)) + addresses


V4 = ip_address("203.0.113.9").packed + ip_address("192.0.2.1").packed + struct.pack("!HH", 4711, 25)
V6 = ip_address("2001:db8::9").packed + ip_address("2001:db8::1").packed + struct.pack("!HH", 4711, 25)
MAPPED = ip_address("::ffff:203.0.113.9").packed * 2 + struct.pack("!HH", 4711, 25)


@pytest.mark.parametrize(
    ("header", "peer_name"),
    [
        (b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 25\r\n", "203.0.113.9"),
        (b"PROXY TCP6 2001:db8::9 2001:db8::1 4711 25\r\n", "2001:db8::9"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (version_2(1, 1, V4), "203.0.113.9"),
        (version_2(1, 2, V6), "2001:db8::9"),
        (version_2(1, 2, MAPPED), "203.0.113.9"),
        (version_2(1, 1, V4 + b"\x04\x00\x01x"), "203.0.113.9"),
        (version_2(0, 0, b""), "127.0.0.1"),
    ],
    ids=["v1-ipv4", "v1-ipv6", "v1-unknown", "v2-ipv4", "v2-ipv6", "v2-mapped", "v2-with-vectors", "v2-health-check"],
)
async def test_proxy_names_the_peer(header: bytes, peer_name: str) -> None:
    """Versions 1 and 2, however the header is cut."""
    async with open_door(PROXIED) as door:
        peer = await door.dial()
        for octet in header:
            peer.send(bytes([octet]))
            await peer.writer.drain()
        assert (await peer.reply()).startswith("220 ")
        assert await _peer_name_after_a_message(door, peer) == peer_name


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO mx.isp.example\r\n",
        b"PROXY TCP4 203.0.113.9\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 25 " + b"x" * 200 + b"\r\n",
        b"PROXY TCP4 " + b"x" * 10_000,
        b"PROXY TCP4 \xff \xff 1 1\r\n",
        SIGNATURE + b"\x31\x11\x00\x00",
        version_2(1, 1, V4[:5]),
    ],
    ids=["none", "short", "long", "endless", "octets", "version-3", "truncated"],
)
async def test_bad_proxy_header_is_sent_away(header: bytes) -> None:
    """A listed proxy that sends no header is misconfigured: nobody can be known behind it."""
    async with open_door(PROXIED) as door:
        peer = await door.dial()
        peer.send(header)
        assert await peer.end() in (b"421 4.7.0 Not admitted here\r\n", b"")  # the reset may overtake it
        assert door.observer.refused == ["bad_proxy_header"]


async def test_header_is_believed_from_listed_proxies_only() -> None:
    """On a listener that expects a proxy nobody else is served."""
    async with open_door(replace(PROXIED, proxied_from=(ip_network("192.0.2.0/24"),))) as door:
        peer = await door.dial()
        assert await peer.end() == b"421 4.7.0 Not admitted here\r\n"
        assert door.observer.refused == ["not_a_proxy"]


async def test_limits_count_the_peer_behind_the_proxy() -> None:
    """And not the proxy, behind which everybody comes."""
    async with open_door(replace(PROXIED, limits=SessionLimits(connections_per_peer=1, trusted_peers=()))) as door:
        first, second, third = [await door.dial() for _ in range(3)]
        first.send("PROXY TCP4 203.0.113.9 192.0.2.1 1 25\r\n")
        assert (await first.reply()).startswith("220")
        second.send("PROXY TCP4 203.0.113.9 192.0.2.1 2 25\r\n")
        assert (await second.reply()).startswith("421 4.7.0")
        third.send("PROXY TCP4 203.0.113.10 192.0.2.1 3 25\r\n")
        assert (await third.reply()).startswith("220")


async def test_header_is_no_command_on_other_listeners(door: OpenDoor) -> None:
    """Nobody can claim to be somebody else."""
    peer = await door.greeted()
    assert (await peer.say("PROXY TCP4 203.0.113.9 192.0.2.1 4711 25")).startswith("500 5.5.1")
    assert await _peer_name_after_a_message(door, peer) == "127.0.0.1"


async def _peer_name_after_a_message(door: OpenDoor, peer: Peer) -> str:
    await peer.begin()
    peer.send("x\r\n.\r\n")
    assert (await peer.reply()).startswith("250")
    return door.receiver.taken[-1].peer
