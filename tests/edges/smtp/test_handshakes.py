"""TLS handshakes that do not come to an end: what they may take, and that others are served beside them."""

from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from bounced.edges.smtp import Gate, SessionLimits, SessionSettings
from bounced.edges.smtp.gate import GIVES_WAY_S
from tests.support.door import HOSTNAME, OpenDoor, Peer, open_door, self_signed

PLACES = 3
PUT_OFF = "454 4.7.0 Too many TLS handshakes at once, come again"


def _told(given_up: list[str], name: str) -> Callable[[], None]:
    return lambda: given_up.append(name)


def test_the_oldest_handshake_gives_way() -> None:
    """Where all places are taken, a handshake that takes longer than an honest one is broken off for the next."""
    gate, given_up = Gate(SessionLimits(handshakes=2)), list[str]()
    assert gate.begin_handshake("192.0.2.1", 0.0, _told(given_up, "first"))
    assert gate.begin_handshake("192.0.2.2", 1.0, _told(given_up, "second"))
    assert gate.begin_handshake("192.0.2.3", GIVES_WAY_S, _told(given_up, "third"))
    assert given_up == ["first"]
    assert gate.begin_handshake("192.0.2.4", GIVES_WAY_S, _told(given_up, "fourth")) is None
    assert given_up == ["first"]


def test_one_peer_cannot_take_all_handshakes() -> None:
    """Its own number is bounded, and nobody else's gives way to it."""
    gate, given_up = Gate(SessionLimits(handshakes=3, handshakes_per_peer=2, trusted_peers=())), list[str]()
    begun = [gate.begin_handshake("2001:db8::1", at, _told(given_up, "")) for at in range(60)]
    assert [handshake is not None for handshake in begun[:3]] == [True, True, False]
    assert gate.begin_handshake("192.0.2.1", 60.0, _told(given_up, ""))
    assert not given_up
    assert begun[0]
    gate.end_handshake(begun[0])
    assert gate.begin_handshake("2001:db8::2", 61.0, _told(given_up, ""))


def test_nothing_is_remembered_of_handshakes_that_are_over() -> None:
    """Ending one that gave way already takes nobody's place."""
    gate = Gate(SessionLimits(handshakes=1))
    first = gate.begin_handshake("192.0.2.1", 0.0, lambda: None)
    second = gate.begin_handshake("192.0.2.1", 10.0, lambda: None)
    assert first
    assert second
    gate.end_handshake(first)
    assert len(gate._handshakes) == 1
    gate.end_handshake(second)
    assert not gate._handshakes
    assert not gate._handshaking


@pytest.fixture
async def tls_door(tmp_path: Path) -> AsyncIterator[OpenDoor]:
    """Return a door with TLS and few places for handshakes."""
    limits = SessionLimits(handshakes=PLACES)
    async with open_door(SessionSettings(HOSTNAME, limits, tls_context=self_signed(tmp_path))) as door:
        yield door


async def _half_open(door: OpenDoor) -> Peer:
    """Begin TLS and say nothing more."""
    peer = await door.greeted()
    assert (await peer.say("STARTTLS")).startswith("220")
    return peer


async def test_handshakes_that_never_end_keep_nobody_from_tls(tls_door: OpenDoor, monkeypatch) -> None:
    """Three times as many as there are places, and an honest peer goes on encrypted; what is under way is bounded."""
    monkeypatch.setattr("bounced.edges.smtp.gate.GIVES_WAY_S", 0.0)
    for _ in range(3 * PLACES):
        await _half_open(tls_door)
        assert len(tls_door.gate._handshakes) <= PLACES
    honest = await tls_door.greeted()
    await honest.start_tls()
    await honest.begin()
    honest.send(b"x\r\n.\r\n")
    assert await honest.reply() == "250 2.0.0 OK E1"
    assert set(tls_door.observer.refused) == {"handshakes"}


async def test_a_peer_that_finds_no_place_goes_on_in_the_clear(tls_door: OpenDoor, monkeypatch) -> None:
    """Young handshakes are left alone; STARTTLS is put off, which is no error, and the peer may bring its bounce."""
    monkeypatch.setattr("bounced.edges.smtp.gate.GIVES_WAY_S", 3600.0)
    for _ in range(PLACES):
        await _half_open(tls_door)
    peer = await tls_door.greeted()
    for _ in range(6):
        assert await peer.say("STARTTLS") == PUT_OFF
    await peer.begin()
    peer.send(b"x\r\n.\r\n")
    assert await peer.reply() == "250 2.0.0 OK E1"


async def test_places_come_back(tls_door: OpenDoor) -> None:
    """Whether a handshake succeeded, failed, or its peer left."""
    finished, failed, left = [await _half_open(tls_door) for _ in range(PLACES)]
    await finished.shake_hands()
    failed.send("this is no handshake\r\n")
    await failed.end()
    await left.vanish()
    assert (await finished.say("NOOP")).startswith("250")
    await finished.say("QUIT")
    await tls_door.emptied()
    assert not tls_door.gate._handshakes


async def test_a_handshake_has_a_deadline(tls_door: OpenDoor) -> None:
    """15 seconds, after which nothing of it is left."""
    peer = await _half_open(tls_door)
    tls_door.sweep_after(14)
    assert tls_door.door.sessions == 1
    tls_door.sweep_after(16)
    assert await peer.end() == b""
    await tls_door.emptied()
    assert tls_door.observer.inside == 0


@pytest.mark.parametrize("how", ["reset", "closed", "drained"])
async def test_a_peer_that_goes_in_the_middle_of_a_handshake_leaves_its_place(tls_door: OpenDoor, how: str) -> None:
    """The event loop tells nobody of a connection that is lost then: it would have kept its place."""
    peer = await _half_open(tls_door)
    match how:
        case "reset":
            await peer.vanish()
        case "closed":
            await peer.close()
        case "drained":
            assert await tls_door.door.drain(10)
    await tls_door.emptied()
    assert tls_door.observer.inside == 0
    assert not tls_door.gate._inside
    assert not tls_door.observer.failures


def test_networks_that_are_trusted_are_exempt_from_the_share_of_one_peer() -> None:
    """As they are for connections."""
    gate = Gate(SessionLimits(handshakes_per_peer=1, trusted_peers=(ip_network("192.0.2.0/24"),)))
    assert all(gate.begin_handshake("192.0.2.1", 0.0, lambda: None) for _ in range(5))
