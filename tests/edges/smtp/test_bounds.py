"""What a peer may send of one thing: commands without a message, a line, a message; beyond it nothing is read."""

import asyncio

import pytest

from bounced.edges.smtp import SessionSettings
from tests.support.door import GOOD, HOSTNAME, WAIT_S, OpenDoor, Peer, limited, open_door

SIZE = 10_000
ADVERTISED = SessionSettings(HOSTNAME, max_message_bytes=SIZE)
CUT = b"552 5.3.4 Message far too big, not read to its end\r\n"


async def test_commands_without_a_message_come_to_an_end(door: OpenDoor) -> None:
    """A peer that only says NOOP is sent away after two hundred, and may come again."""
    peer = await door.greeted()
    peer.send("NOOP\r\n" * 600)
    *answered, last = (await peer.end()).split(b"\r\n")[:-1]
    assert answered == [b"250 2.0.0 OK"] * 200
    assert last == b"421 4.7.0 Too many commands without a message, come again"


@pytest.mark.parametrize("verb", ["HELP", "EHLO x", "RSET", "VRFY x", "MAIL FROM:<>\r\nRSET"])
async def test_no_verb_but_content_starts_the_count_again(verb: str) -> None:
    """Greeting anew or opening transactions is no message."""
    async with open_door(limited(commands_without_message=20)) as door:
        peer = await door.greeted()
        peer.send("EHLO x\r\n" + f"{verb}\r\n" * 30)
        assert b"421 4.7.0 Too many commands without a message" in await peer.end()


async def test_a_peer_that_tidies_up_between_its_messages_is_served() -> None:
    """Real MTAs say RSET and NOOP between bounces, hundreds of which come over one connection."""
    async with open_door(limited(commands_without_message=8)) as door:
        peer = await door.greeted()
        peer.send("EHLO x\r\n")
        for number in range(40):
            peer.send(f"NOOP\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\nDATA\r\n{number}\r\n.\r\nRSET\r\n")
        peer.send("QUIT\r\n")
        heard = await peer.end()
        assert heard.endswith(b"250 2.0.0 OK\r\n221 2.0.0 Bye\r\n")
        assert len(door.receiver.taken) == 40


async def test_messages_that_are_put_off_count_as_messages() -> None:
    """While Redis is away, a peer empties its queue as far as it likes; each message hears 451."""
    async with open_door(limited(commands_without_message=6)) as door:
        peer = await door.greeted()
        peer.send("EHLO x\r\n")
        peer.send("MAIL FROM:<>\r\nRCPT TO:<b-frozen@bounce.example>\r\nDATA\r\nx\r\n.\r\nRSET\r\n" * 20 + "QUIT\r\n")
        heard = await peer.end()
        assert heard.count(b"451 4.3.0") == 20
        assert heard.endswith(b"221 2.0.0 Bye\r\n")


async def test_chunks_of_one_message_are_no_commands_without_one() -> None:
    """A large message may come in many chunks."""
    async with open_door(limited(commands_without_message=6)) as door:
        peer = await door.greeted()
        peer.send(
            f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\n" + "BDAT 3\r\nx\r\n" * 50 + "BDAT 0 LAST\r\nQUIT\r\n"
        )
        assert (await peer.end()).endswith(b"250 2.0.0 OK E1\r\n221 2.0.0 Bye\r\n")


async def test_a_line_that_is_too_long_is_refused_and_the_session_goes_on(door: OpenDoor) -> None:
    """Up to twice the limit, whether it comes at once or in pieces."""
    peer = await door.greeted()
    assert await peer.say("NOOP " + "x" * 4_000) == "500 5.5.2 Command line too long"
    for _ in range(40):
        peer.send("x" * 100)
        await peer.writer.drain()
    assert await peer.say("") == "500 5.5.2 Command line too long"
    assert await peer.say("NOOP") == "250 2.0.0 OK"


@pytest.mark.parametrize("line", [b"x" * 5_000, b"x" * 5_000 + b"\r\n", b"\xff" * 1_000_000], ids=len)
async def test_a_line_without_end_is_cut(door: OpenDoor, line: bytes) -> None:
    """Nobody waits for its end."""
    peer = await door.greeted()
    peer.send(line)
    assert await peer.end() == b"421 4.7.0 Command line far too long\r\n"


async def test_content_over_the_advertised_size_is_read_and_refused() -> None:
    """Up to twice the size: an MTA that did not look at SIZE hears why, and the session goes on."""
    async with open_door(ADVERTISED) as door:
        peer = await door.greeted()
        for size in (SIZE + 1, 2 * SIZE - 10):
            await peer.begin()
            peer.send(b"x" * size + b"\r\n.\r\n")
            assert await peer.reply() == "552 5.3.4 Message too big"
        assert await peer.say("NOOP") == "250 2.0.0 OK"


async def test_content_beyond_twice_the_advertised_size_is_cut() -> None:
    """However much the peer would send: it is not read, and what follows is no command."""
    async with open_door(ADVERTISED) as door:
        peer = await door.greeted()
        await peer.begin()
        peer.send(b"x" * (2 * SIZE + 1) + b"\r\n.\r\nNOOP\r\n")
        assert await peer.end() == CUT
        endless = await door.greeted()
        await endless.begin()
        assert (await _pour_until_cut(endless)).startswith(CUT)
        assert not door.receiver.taken


@pytest.mark.parametrize("chunks", [["999999999999 LAST"], ["20001"], ["15000", "5001 LAST"]])
async def test_a_chunk_of_an_absurd_size_is_not_waited_for(chunks: list[str]) -> None:
    """Its size is known before its first octet has come."""
    async with open_door(ADVERTISED) as door:
        peer = await door.greeted()
        await peer.say("EHLO x")
        peer.send(f"MAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\n")
        for chunk in chunks[:-1]:
            peer.send(f"BDAT {chunk}\r\n" + "x" * int(chunk.split()[0]))
        peer.send(f"BDAT {chunks[-1]}\r\n")
        assert (await peer.end()).endswith(CUT)
        assert not door.receiver.taken


async def test_a_chunk_for_nobody_is_bounded_too(door: OpenDoor) -> None:
    """Where no recipient was accepted there is nothing to wait for either."""
    peer = await door.greeted()
    await peer.say("EHLO x")
    peer.send("BDAT 400000000 LAST\r\n")
    assert await peer.end() == CUT


async def _pour_until_cut(peer: Peer) -> bytes:
    """Send content without end until nobody takes it any more, and return the last reply."""
    heard = asyncio.create_task(peer.reader.read())
    async with asyncio.timeout(WAIT_S):
        while not heard.done():
            peer.send(b"x" * 10_000)
            await asyncio.sleep(0)
    return await heard
