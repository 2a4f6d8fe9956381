"""No input holds the event loop: others are served while one peer does its worst."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bounced.core.limits import MIB
from tests.support.door import GOOD, limited, open_door

MAX_HELD_S = 0.05
HEAD = f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{GOOD}>\r\n".encode()


@asynccontextmanager
async def loop_is_held_at_most(seconds: float) -> AsyncIterator[None]:
    """Fail where this thread works longer than so many seconds between two turns of the loop."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()  # what other processes take from us is not counted
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    watching = asyncio.create_task(watch())
    yield
    watching.cancel()
    assert longest < seconds


@pytest.mark.parametrize(
    "attack",
    [
        b"NOOP\r\n" * 40_000,
        b"XYZZY\r\n" * 30_000,
        b"A" * 1_000_000 + b"\r\n",
        b"\n" * 300_000,
        b"\r\n" * 150_000,
        b"MAIL FROM:<" + b"@" * 2000 + b">\r\n" + b"RCPT TO:<" + b'"\\' * 900 + b">\r\n",
        HEAD + b"DATA\r\n" + b"\r\n.." * 500_000 + b"\r\n.\r\n",
        HEAD + b"DATA\r\n" + b"\r" * 2_000_000 + b"\r\n.\r\n",
        HEAD + b"DATA\r\n" + b"\r\n.\r" * 500_000 + b"\r\n.\r\n",
        HEAD + b"BDAT 1\r\nx" * 30_000,
        HEAD + b"BDAT 1\r\nx" * 300 + b"BDAT 3000000 LAST\r\n" + b"x" * 3_000_000,
    ],
    ids=[
        "commands",
        "errors",
        "long-line",
        "line-feeds",
        "empty-lines",
        "paths",
        "dots",
        "carriage-returns",
        "almost-ends",
        "chunks",
        "big-chunk",
    ],
)
async def test_loop_goes_on(attack: bytes) -> None:
    """50 ms is the most that anybody has to wait for somebody else's octets."""
    async with open_door(limited(errors=10**6, commands=10**6)) as door:
        peer = await door.greeted()
        reading = asyncio.create_task(peer.end())
        async with loop_is_held_at_most(MAX_HELD_S):
            for begin in range(0, len(attack), MIB // 4):
                peer.send(attack[begin : begin + MIB // 4])
                await peer.writer.drain()
            peer.send(b"QUIT\r\n")
            peer.writer.write_eof()
            await reading
        assert door.observer.failures == []
