"""Sessions that lose no mail: what aiosmtpd's own would answer wrongly, and what a peer's going away must not do."""

import asyncio
import gc
import weakref
from pathlib import Path

from bounced.core.limits import MIB
from bounced.core.terms import Origin
from bounced.edges.smtp import SessionSettings
from tests.support.door import GOOD, HOSTNAME, WAIT_S, OpenDoor, ScriptedReceiver, open_door, self_signed


async def test_message_arrives_as_it_was_sent(door: OpenDoor) -> None:
    """Dots are unstuffed, line ends and other octets stay, the envelope says who, whence and whereto."""
    peer = await door.greeted()
    await peer.begin(mail="FROM:<mailer-daemon@mx.example.org> SIZE=20 BODY=8BITMIME")
    peer.send(b"Subject: x\r\n\r\n..dot\r\nbare\nlf\rcr\xff\x00\r\n.\r\n")
    assert await peer.reply() == "250 2.0.0 OK E1"
    (envelope,) = door.receiver.taken
    assert envelope.content == b"Subject: x\r\n\r\n.dot\r\nbare\nlf\rcr\xff\x00\r\n"
    assert (envelope.peer, envelope.reverse_path, envelope.forward_path, envelope.origin) == (
        "127.0.0.1",
        "mailer-daemon@mx.example.org",
        GOOD,
        Origin.SMTP,
    )


async def test_a_line_of_any_length_is_taken(door: OpenDoor) -> None:
    """A line over 1000 octets gets 500 from aiosmtpd: real HTML bounces are lost (docs/traps.md, 1)."""
    peer = await door.greeted()
    await peer.begin()
    peer.send(b"x" * 300_000 + b"\r\n.\r\n")
    assert await peer.reply() == "250 2.0.0 OK E1"
    assert door.receiver.taken[0].content == b"x" * 300_000 + b"\r\n"


async def test_only_the_first_part_of_a_big_message_is_kept(door: OpenDoor) -> None:
    """More than 1 MiB is read and dropped, and still 250."""
    peer = await door.greeted()
    await peer.begin()
    for _ in range(30):
        peer.send(b"x" * 99_998 + b"\r\n")
        await peer.writer.drain()
    peer.send(b".\r\n")
    assert await peer.reply() == "250 2.0.0 OK E1"
    assert len(door.receiver.taken[0].content) == MIB


async def test_over_the_advertised_size_is_the_one_permanent_refusal() -> None:
    """552 comes after the final dot, and the session goes on."""
    async with open_door(SessionSettings(HOSTNAME, max_message_bytes=1000)) as door:
        peer = await door.greeted()
        await peer.begin()
        peer.send(b"x" * 1001 + b"\r\n.\r\n")
        assert await peer.reply() == "552 5.3.4 Message too big"
        assert await peer.say("MAIL FROM:<> SIZE=1001") == "552 5.3.4 Message too big"
        assert await peer.say("NOOP") == "250 2.0.0 OK"
        assert not door.receiver.taken


async def test_fault_of_ours_is_451_without_a_word_about_it(door: OpenDoor) -> None:
    """An exception in a handler becomes 500 with its text in aiosmtpd: a lost bounce and a leak (docs/traps.md, 3)."""
    peer = await door.greeted()
    await peer.begin("b-broken@bounce.example")
    peer.send(b"x\r\n.\r\n")
    assert await peer.reply() == "451 4.3.0 Cannot say that this is stored, come again"
    assert [str(error) for error in door.observer.failures] == ["a secret detail"]
    await peer.begin()
    peer.send(b"x\r\n.\r\n")
    assert await peer.reply() == "250 2.0.0 OK E1"


async def test_store_in_doubt_is_451(door: OpenDoor) -> None:
    """Nothing is acknowledged that may not be written, and nothing refused for good."""
    peer = await door.greeted()
    await peer.begin("b-frozen@bounce.example")
    peer.send(b"x\r\n.\r\n")
    assert (await peer.reply()).startswith("451 4.3.0")
    await peer.say("MAIL FROM:<>")
    assert (await peer.say("RCPT TO:<b-down@bounce.example>")).startswith("451 4.3.0")
    assert not door.observer.failures


async def test_store_that_never_answers_is_451_in_time() -> None:
    """The peer hears 451 when the processing deadline has passed."""
    receiver = ScriptedReceiver(held=True)
    async with open_door(receiver=receiver) as door:
        peer = await door.greeted()
        for _ in range(2):
            await peer.begin()
            peer.send(b"x\r\n.\r\n")
            await asyncio.wait_for(receiver.begun.wait(), WAIT_S)
            receiver.begun.clear()
            door.sweep_after(3.9)
            assert door.door.sessions == 1
            door.sweep_after(4.1)
            assert (await peer.reply()).startswith("451 4.3.0")
        assert not door.observer.failures


async def test_peer_that_vanishes_after_the_dot_does_not_cancel_the_commit() -> None:
    """A client that disconnects cancels aiosmtpd's running handler, also after the final dot (docs/traps.md, 5)."""
    receiver = ScriptedReceiver(held=True)
    async with open_door(receiver=receiver) as door:
        peer = await door.greeted()
        await peer.begin()
        peer.send(b"x\r\n.\r\n")
        await asyncio.wait_for(receiver.begun.wait(), WAIT_S)
        (session,) = door.door._sessions
        await peer.vanish()
        await asyncio.wait([session._closed], timeout=WAIT_S)  # type: ignore[attr-defined]  # asyncio's
        assert door.door.sessions == 1
        receiver.release.set()
        await door.emptied()
        assert len(receiver.taken) == 1
        assert door.observer.inside == 0


async def test_peer_that_vanishes_before_the_dot_leaves_nothing(door: OpenDoor) -> None:
    """A message without its end is no message."""
    peer = await door.greeted()
    await peer.begin()
    peer.send(b"half a mess")
    await peer.writer.drain()
    await peer.close()
    await door.emptied()
    assert not door.receiver.taken
    assert door.observer.inside == 0


async def test_peer_that_closes_its_side_still_hears_its_replies(door: OpenDoor) -> None:
    """A half-closed connection is answered to the end of what was sent."""
    peer = await door.greeted()
    peer.send(f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\nDATA\r\nx\r\n.\r\n".encode())
    peer.writer.write_eof()
    assert (await peer.end()).endswith(b"250 2.0.0 OK E1\r\n")


async def test_pipelined_replies_come_in_one_write(door: OpenDoor) -> None:
    """Replies to a group are collected and written when the peer has nothing more for us (RFC 2920)."""
    peer = await door.greeted()
    await peer.say("EHLO x")
    peer.send(f"MAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\nDATA\r\n")
    assert (await peer.reader.read(1000)).count(b"\r\n") == 3


async def test_tls_goes_on_with_the_same_session(tmp_path: Path) -> None:
    """After STARTTLS the greeting is forgotten, STARTTLS no longer offered, AUTH never; all else is the same."""
    async with open_door(SessionSettings(HOSTNAME, tls_context=self_signed(tmp_path))) as door:
        peer = await door.greeted()
        assert "STARTTLS" in await peer.say("EHLO x")
        await peer.start_tls()
        assert (await peer.say("MAIL FROM:<>")).startswith("503 5.5.1")
        extensions = await peer.say("EHLO x")
        assert "STARTTLS" not in extensions
        assert "AUTH" not in extensions
        assert (await peer.say("STARTTLS")).startswith("503 5.5.1")
        await peer.begin()
        peer.send(b"x" * 200_000 + b"\r\n.\r\n")
        assert await peer.reply() == "250 2.0.0 OK E1"
        assert (await peer.say("QUIT")).startswith("221")
        assert await peer.end() == b""


async def test_commands_sent_ahead_of_the_handshake_are_forgotten(tmp_path: Path) -> None:
    """What was injected in the clear after STARTTLS must not run inside TLS (RFC 3207 section 6)."""
    async with open_door(SessionSettings(HOSTNAME, tls_context=self_signed(tmp_path))) as door:
        peer = await door.greeted()
        await peer.say("EHLO x")
        peer.send("STARTTLS\r\nNOOP injected\r\n")
        assert (await peer.reply()).startswith("220")
        await peer.shake_hands()
        assert (await peer.say("HELP")).startswith("214")


async def test_failed_handshake_ends_the_session(tmp_path: Path) -> None:
    """Octets that are no TLS end the connection, and nobody stays inside."""
    async with open_door(SessionSettings(HOSTNAME, tls_context=self_signed(tmp_path))) as door:
        peer = await door.greeted()
        assert (await peer.say("STARTTLS")).startswith("220")
        peer.send("this is no handshake\r\n")
        await peer.end()
        await door.emptied()
        assert door.observer.inside == 0
        assert not door.observer.failures


async def test_a_session_that_is_over_is_freed_at_once(door: OpenDoor) -> None:
    """No cycle holds it, so memory does not wait for the collector while peers come and go."""
    quitting, vanishing = await door.greeted(), await door.greeted()
    sessions = [weakref.ref(session) for session in door.door._sessions]
    gc.disable()
    try:
        await quitting.say("QUIT")
        vanishing.writer.transport.abort()
        await door.emptied()
        for _ in range(3):  # what the loop itself still has to do with them
            await asyncio.sleep(0)
        assert [session() for session in sessions] == [None, None]
    finally:
        gc.enable()
