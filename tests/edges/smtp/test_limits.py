"""Limits: who is let in, how long a peer may take, how the house is emptied."""

import asyncio
import contextlib
import socket
from dataclasses import replace
from ipaddress import ip_network

import pytest

from bounced.edges.smtp import Gate, SessionLimits, SessionSettings
from bounced.edges.smtp.gate import peer_name
from bounced.edges.smtp.session import Session
from tests.support.door import GOOD, HOSTNAME, WAIT_S, OpenDoor, Peer, ScriptedReceiver, limited, loopback, open_door

STRICT = SessionLimits(connections=100, connections_per_peer=2, trusted_peers=())


def test_peers_are_counted_by_ipv4_address() -> None:
    """One address fills its own places and nobody else's."""
    gate = Gate(STRICT)
    assert [gate.enter("192.0.2.1") for _ in range(3)] == [None, None, "connections_per_peer"]
    assert gate.enter("192.0.2.2") is None
    gate.leave("192.0.2.1")
    assert gate.enter("192.0.2.1") is None


def test_peers_are_counted_by_ipv6_prefix() -> None:
    """A /64 is what one customer gets, so it counts as one peer."""
    gate = Gate(STRICT)
    peers = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:3", "2001:db8:0:1::1"]
    assert [gate.enter(peer) for peer in peers] == [None, None, "connections_per_peer", None]


def test_trusted_peers_are_exempt_from_their_own_limit_only() -> None:
    """Loopback, the networks that are configured, and Unix sockets; the limit in all holds for them too."""
    gate = Gate(replace(STRICT, connections=4, trusted_peers=(ip_network("192.0.2.0/24"),)))
    assert [gate.enter("192.0.2.1") for _ in range(3)] == [None, None, None]
    assert [gate.enter("unix"), gate.enter("unix")] == [None, "connections"]


def test_nothing_is_remembered_of_peers_that_have_gone() -> None:
    """A million peers that came and went cost no memory."""
    gate = Gate(STRICT)
    for peer in ("192.0.2.1", "192.0.2.1", "2001:db8::1"):
        assert gate.enter(peer) is None
    for peer in ("192.0.2.1", "2001:db8::2", "192.0.2.1"):
        gate.leave(peer)
    assert not gate._inside
    assert gate._total == 0


@pytest.mark.parametrize(
    ("peername", "peer"),
    [
        (("192.0.2.1", 25), "192.0.2.1"),
        (("::ffff:192.0.2.1", 25, 0, 0), "192.0.2.1"),
        (("fe80::1%eth0", 25, 0, 2), "fe80::1"),
        ("", "unix"),
        (None, "unix"),
    ],
)
def test_peer_has_one_name(peername: object, peer: str) -> None:
    """Without port and zone, IPv4 in its own form on dual-stack sockets."""
    assert peer_name(peername) == peer


def test_each_worker_has_its_share() -> None:
    """Limits are per daemon: workers share what counts connections, rounded up."""
    share = SessionLimits(connections=101, connections_per_peer=50).share(4)
    assert (share.connections, share.connections_per_peer, share.errors) == (26, 13, 5)


async def test_peer_over_its_limit_hears_421_at_once() -> None:
    """And is let in again when it has hung up."""
    async with open_door(SessionSettings(HOSTNAME, STRICT)) as door:
        first, _second = await door.greeted(), await door.greeted()
        third = await door.dial()
        assert await third.end() == b"421 4.7.0 Too many connections, come again\r\n"
        assert door.observer.refused == ["connections_per_peer"]
        await first.say("QUIT")
        await first.end()
        await asyncio.wait_for(door.observer.left.wait(), WAIT_S)
        await door.greeted()


async def test_early_talker_is_sent_away() -> None:
    """Who talks before the greeting takes no part in a dialogue."""
    listening = loopback()
    listening.listen()
    with socket.create_connection(listening.getsockname()) as early:
        early.sendall(b"EHLO peer.example\r\n")
        async with open_door(listening=listening) as door:
            early.setblocking(False)
            said = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(early, 1000), WAIT_S)
            assert said == b"421 4.7.0 Wait for the greeting\r\n"
            assert door.observer.refused == ["talked_early"]


async def test_too_many_commands_end_the_session() -> None:
    """The peer hears 421 and may come again."""
    async with open_door(limited(commands=2)) as door:
        peer = await door.greeted()
        peer.send("NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n")
        assert (await peer.end()).splitlines()[-1] == b"421 4.7.0 Too many commands in one session, come again"


async def test_idle_peer_is_sent_away(door: OpenDoor) -> None:
    """30 seconds without a command."""
    peer = await door.greeted()
    door.sweep_after(29)
    assert await peer.say("NOOP") == "250 2.0.0 OK"
    door.sweep_after(31)
    assert await peer.end() == b"421 4.7.0 Too slow, come again\r\n"


async def test_deadlines_are_looked_at_as_long_as_anybody_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door where nobody is inside wakes up for nothing, and looks again when somebody comes."""
    monkeypatch.setattr("bounced.edges.smtp.door.SWEEP_EVERY_S", 0.001)
    async with open_door(limited(idle_s=0.05)) as door:
        for _ in range(2):
            peer = await door.greeted()
            assert await peer.end() == b"421 4.7.0 Too slow, come again\r\n"
            async with asyncio.timeout(WAIT_S):
                while door.door._sweeper is not None:  # noqa: ASYNC110 - a timer of the loop
                    await asyncio.sleep(0.001)
            assert not door.door.sessions


async def test_command_that_trickles_in_is_cut_off() -> None:
    """Octets do not start the clock of a command again."""
    async with open_door(limited(idle_s=1, command_s=60)) as door:
        peer = await door.greeted()
        (session,) = door.door._sessions
        await _heard(door, peer, "NOO")
        door.sweep_after(59)
        deadline = session._deadline._at
        await _heard(door, peer, "P")
        assert bytes(session.reader._octets) == b"NOOP"
        assert session._deadline._at == deadline
        door.sweep_after(61)
        assert await peer.end() == b"421 4.7.0 Too slow, come again\r\n"


async def test_content_that_trickles_in_is_cut_off(door: OpenDoor) -> None:
    """A message has 120 seconds, however its octets come."""
    peer = await door.greeted()
    await peer.begin()
    await _heard(door, peer, "one line\r\n")
    door.sweep_after(119)
    door.sweep_after(121)
    assert await peer.end() == b"421 4.7.0 Too slow, come again\r\n"
    assert not door.receiver.taken


async def test_session_has_its_end(door: OpenDoor) -> None:
    """300 seconds, whatever is said."""
    peer = await door.greeted()
    (session,) = door.door._sessions
    session._deadline._ends_at -= 300
    assert await peer.say("NOOP") == "250 2.0.0 OK"
    door.sweep_after(0)
    assert await peer.end() == b"421 4.7.0 Too slow, come again\r\n"


async def test_no_limit_of_the_peer_cuts_a_commit() -> None:
    """The session's end has come, and the peer still hears how its message fared."""
    receiver = ScriptedReceiver(held=True)
    async with open_door(receiver=receiver) as door:
        peer = await door.greeted()
        await peer.begin()
        peer.send("x\r\n.\r\n")
        (session,) = door.door._sessions
        session._deadline._ends_at -= 300
        await asyncio.wait_for(receiver.begun.wait(), WAIT_S)
        door.sweep_after(3)
        receiver.release.set()
        assert await peer.reply() == "250 2.0.0 OK E1"


async def test_peer_that_takes_no_reply_is_broken_with(door: OpenDoor) -> None:
    """Who was sent away and does not take even that is cut off by the next look."""
    peer = await door.greeted()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a client's transport reads too
    (session,) = door.door._sessions
    assert session.transport is not None
    session.transport.set_write_buffer_limits(0)
    session.transport.write(b"250-x\r\n" * 2_000_000)
    door.sweep_after(31)
    assert door.door.sessions == 1
    door.sweep_after(60)
    await door.emptied()


async def test_drain_lets_an_open_transaction_finish() -> None:
    """Idle peers hear 421 at once, others after their message; nobody is let in."""
    receiver = ScriptedReceiver(held=True)
    async with open_door(receiver=receiver) as door:
        idle, busy = await door.greeted(), await door.greeted()
        await busy.begin()
        draining = asyncio.create_task(door.door.drain(WAIT_S))
        assert await idle.end() == b"421 4.3.2 Shutting down, come again\r\n"
        busy.send("x\r\n.\r\n")
        await asyncio.wait_for(receiver.begun.wait(), WAIT_S)
        receiver.release.set()
        assert await busy.end() == b"250 2.0.0 OK E1\r\n421 4.3.2 Shutting down, come again\r\n"
        assert await draining
        with pytest.raises(ConnectionRefusedError):
            await door.dial()


async def test_drain_cuts_off_what_does_not_finish_in_time() -> None:
    """Nobody told that peer 250, so it comes again."""
    async with open_door(receiver=ScriptedReceiver(held=True)) as door:
        waiting, committing = await door.greeted(), await door.greeted()
        await waiting.begin()
        await committing.begin()
        committing.send("x\r\n.\r\n")
        await asyncio.wait_for(door.receiver.begun.wait(), WAIT_S)
        assert not await door.door.drain(0.01)
        assert door.door.sessions == 0
        assert await waiting.end() == b"421 4.3.2 Shutting down, come again\r\n"
        assert await committing.end() == b"421 4.3.2 Shutting down, come again\r\n"


async def test_new_settings_hold_for_sessions_that_begin(door: OpenDoor) -> None:
    """A reload drops no connection, and changes none that is open."""
    old = await door.greeted()
    door.door.use(SessionSettings("mx2.bounce.example"))
    new = await door.greeted()
    assert await old.say("HELO x") == f"250 {HOSTNAME}"
    assert await new.say("HELO x") == "250 mx2.bounce.example"


async def test_commands_sent_ahead_do_not_hold_the_loop() -> None:
    """Others get their turn between a hundred commands."""
    async with open_door(limited(commands_without_message=10_000)) as door:
        flood, other = await door.greeted(), await door.greeted()
        flood.send("NOOP\r\n" * 9_000)
        await other.begin(GOOD)
        heard = await flood.reader.readexactly(len("250 2.0.0 OK\r\n") * 9_000)
        assert heard == b"250 2.0.0 OK\r\n" * 9_000


async def _heard(door: OpenDoor, peer: Peer, octets: str) -> None:
    """Send octets and wait until the door has them: what another peer says later is answered."""
    peer.send(octets)
    await peer.writer.drain()
    other = await door.greeted()
    await other.say("NOOP")
    await other.say("QUIT")


async def test_each_chunk_has_the_time_of_a_message(door: OpenDoor) -> None:
    """The wait for the command before it does not count."""
    peer = await door.greeted()
    peer.send(f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\nBDAT 3\r\nx\r\n")
    assert [(await peer.reply())[:3] for _ in range(4)] == ["250"] * 4
    await _heard(door, peer, "BDAT 9 LAST\r\nx\r\n")
    door.sweep_after(100)
    peer.send("y\r\nz\r\n")
    assert await peer.reply() == "250 2.0.0 OK E1"


async def test_a_fault_in_one_session_keeps_no_other_from_its_end(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one in which it happens is ended at once."""
    faulty = await door.greeted()
    (session,) = door.door._sessions
    other, expire = await door.greeted(), Session.expire

    def fail_in_one(each: Session, now: float) -> None:
        if each is session:
            raise ZeroDivisionError
        expire(each, now)

    monkeypatch.setattr(Session, "expire", fail_in_one)
    door.sweep_after(31)
    assert (await other.reply()).startswith("421 4.7.0 ")
    with contextlib.suppress(ConnectionResetError):
        assert await faulty.reader.read() == b""
    assert [type(failure) for failure in door.observer.failures] == [ZeroDivisionError]
    monkeypatch.undo()
