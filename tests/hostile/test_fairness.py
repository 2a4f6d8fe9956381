"""A crowd that does its worst where no signature is asked for: an honest peer beside it is served in time."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from statistics import median

import pytest

from tests.support.daemon import Daemon, unknown_user
from tests.support.door import Peer
from tests.support.nasty import MARKS, OPENINGS

CROWD = 50
SERVED_WITHIN_S = 2.0
GIVEN_UP_AFTER_S = 4.0
"""One of them may be unlucky, on a machine with other things to do; none hears 451."""
HEADER = b"From: MAILER-DAEMON@x.example\r\nTo: a@b.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
HUGE_DOMAIN = "".join(chr(0x4E00 + number) for number in range(59)) + ".example"
WORST = {
    "every family's mark": HEADER + b"\r\n" + MARKS + OPENINGS + (b"~" * 399 + b"@1.\n") * 40,
    "every recogniser in vain": HEADER + b"\r\n" + MARKS + OPENINGS + b"'-@'-@550 5.1.1 no\n" * 900,
    "HTML of references": HEADER
    + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"
    + (b"--B\r\nContent-Type: text/html\r\n\r\n" + b"&#9;" * 5000 + b"\r\n") * 20,
    "200 recipients beyond ASCII": HEADER
    + b"Content-Type: multipart/report; boundary=B\r\n\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\n"
    + b"".join(f"Final-Recipient: rfc822; u{n}@{HUGE_DOMAIN}\r\nAction: failed\r\n\r\n".encode() for n in range(200)),
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a daemon with two workers."""
    running = Daemon(tmp_path_factory.mktemp("daemon"), workers=2)
    running.start()
    yield running
    running.stop()


async def attacker(port: int, paths: Iterator[str], message: bytes, begun: asyncio.Semaphore) -> None:
    """Send one message after the other on one connection, and begin anew where it ends."""
    content = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n.\r\n"
    while True:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", port))
        try:
            with suppress(OSError):  # among them TimeoutError: whom nobody serves comes again
                await peer.reply()
                await peer.say("EHLO attacker.example")
                while (await peer.say("MAIL FROM:<>")).startswith("250"):
                    await peer.say(f"RCPT TO:<{next(paths)}>")
                    await peer.say("DATA")
                    peer.send(content)
                    begun.release()
                    await peer.reply()
        finally:
            await peer.close()


@asynccontextmanager
async def attacked(port: int, paths: Iterator[str], message: bytes) -> AsyncIterator[None]:
    """Let a crowd of attackers do their worst."""
    begun = asyncio.Semaphore(0)
    attackers = [asyncio.create_task(attacker(port, paths, message, begun)) for _ in range(CROWD)]
    for _ in attackers:
        await begun.acquire()
    yield
    for task in attackers:
        task.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)


async def honest(daemon: Daemon, recipient: str) -> tuple[str, float]:
    """Bring one bounce; return the last reply, and how long it all took in seconds."""
    path = daemon.return_path(recipient)
    begun = time.monotonic()
    peer = Peer(*await asyncio.open_connection("127.0.0.1", daemon.port))
    assert (await peer.reply()).startswith("220")
    await peer.begin(path)
    peer.send(unknown_user(recipient, path) + b"\r\n.\r\n")
    reply = await peer.reply()
    await peer.close()
    return reply, time.monotonic() - begun


@pytest.mark.parametrize("count", [6, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.parametrize("worst", WORST)
@pytest.mark.parametrize("where", ["postmaster@bounce.example.com", "a valid path", "another valid path each time"])
async def test_honest_mail_is_served_beside_a_crowd(daemon: Daemon, where: str, worst: str, count: int) -> None:
    """Fifty connections hold nobody else, whether they write to a role address, to one path or to ever new ones."""
    one = where if "@" in where else daemon.return_path("mallory@example.org")
    new = (daemon.return_path(f"mallory{number}@example.org") for number in itertools.count())
    paths = new if where.startswith("another") else itertools.repeat(one)
    async with attacked(daemon.port, paths, WORST[worst]):
        served = [await honest(daemon, f"user{number}@example.org") for number in range(count)]
    assert {reply[:3] for reply, _ in served} == {"250"}
    assert median(seconds for _, seconds in served) < SERVED_WITHIN_S
    assert max(seconds for _, seconds in served) < GIVEN_UP_AFTER_S
