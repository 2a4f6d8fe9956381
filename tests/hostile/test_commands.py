"""Commands that nobody should send: no crash, no word about ourselves, the next peer served as if nothing had been."""

import asyncio
import random
import re

import pytest

from bounced.edges.smtp.session import Session
from tests.support.door import GOOD, GREETING, OpenDoor, limited, open_door

SEEDS = [
    b"EHLO mx.isp.example\r\n",
    b"HELO [192.0.2.1]\r\n",
    b"MAIL FROM:<> SIZE=4000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x\r\n",
    b"MAIL FROM:<@a.example:mailer-daemon@isp.example>\r\n",
    f"RCPT TO:<{GOOD}> NOTIFY=NEVER ORCPT=rfc822;a+2Bb@c.example\r\n".encode(),
    b'RCPT TO:<"a b"@[IPv6:2001:db8::1]>\r\n',
    b"DATA\r\nSubject: x\r\n\r\n.\r\n",
    b"BDAT 5 LAST\r\nx\r\n.\r",
    b"VRFY x\r\nHELP\r\nNOOP x\r\nRSET\r\nQUIT\r\n",
    b"STARTTLS\r\nAUTH PLAIN AGEAYg==\r\n",
]
HEAD = f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\n".encode()
PIECES = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"<",
    b">",
    b"@",
    b'"',
    b"\\",
    b"[",
    b":",
    b" ",
    b"=",
    b".",
    b"\xff",
    b"\xc3\xa9",
    b"A" * 3000,
]
REPLY_LINE = re.compile(rb"[2-5][0-9]{2}(-| |\Z)[ -~]*\Z")
SAYS_TOO_MUCH = re.compile(rb"Traceback|Exception|Error:|python|aiosmtpd|secret", re.IGNORECASE)


def mutated(chance: random.Random) -> bytes:
    """Return a few commands of which some are cut, doubled, stuffed or shuffled."""
    octets = bytearray(b"".join(chance.choices([b"", HEAD], k=1) + chance.choices(SEEDS, k=chance.randint(1, 6))))
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(octets) + 1)
        match chance.randrange(4):
            case 0:
                octets[at:at] = chance.choice(PIECES)
            case 1:
                del octets[at : at + chance.randint(1, 12)]
            case 2:
                octets[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                octets[at:at] = octets[at : at + chance.randint(1, 60)]
    return bytes(octets)


@pytest.mark.parametrize("count", [1_000, pytest.param(50_000, marks=pytest.mark.soak)])
async def test_mutated_commands_do_no_harm(count: int) -> None:
    """Every line that comes back is a reply, none of it ours to keep, and no fault was met."""
    chance = random.Random(count)
    async with open_door(limited(errors=100)) as door:
        for _ in range(count // 50):
            async with asyncio.TaskGroup() as group:
                for _ in range(50):
                    group.create_task(_attack(door, mutated(chance)))
        assert door.observer.failures == []
        peer = await door.greeted()
        await peer.begin()
        peer.send("x\r\n.\r\n")
        assert (await peer.reply()).startswith("250 2.0.0 OK")


async def _attack(door: OpenDoor, octets: bytes) -> None:
    peer = await door.dial()
    assert await peer.reply() == GREETING
    cut = len(octets) // 2
    peer.send(octets[:cut])
    await asyncio.sleep(0)
    peer.send(octets[cut:])
    peer.writer.write_eof()
    heard = await peer.end()
    assert not heard or heard.endswith(b"\r\n")
    for line in heard.split(b"\r\n")[:-1]:
        assert REPLY_LINE.match(line), line
        assert not SAYS_TOO_MUCH.search(line), line
    await peer.close()
    door.peers.remove(peer)


async def test_unknown_verbs_are_not_remembered() -> None:
    """Aiosmtpd keeps each verb that it ever heard, for all sessions together (docs/traps.md, 7)."""
    async with open_door(limited(errors=1000)) as door:
        peer = await door.greeted()
        await peer.say("EHLO x")
        peer.send("".join(f"{'X' * length}\r\n" for length in range(1, 200)))
        assert {await peer.reply() for _ in range(199)} == {"500 5.5.1 Command not recognized"}
        assert not Session.command_size_limits
