"""Crowds at the real daemon's door: idle ones, and ones with the largest messages there can be."""

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bounced.core.limits import MIB
from tests.support.daemon import Daemon, unknown_user
from tests.support.door import Peer

WORKERS = 2
BLOCK = b"x" * 998 + b"\r\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon with two workers."""
    running = Daemon(tmp_path, workers=WORKERS)
    running.start()
    yield running
    running.stop()


def memory_mb(daemon: Daemon, field: str) -> list[float]:
    """Return what the workers use now (``VmRSS``) or used at most (``VmHWM``)."""
    pids = [event["pid"] for event in daemon.events if event["event"] == "worker.started"]
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return [int(re.findall(rf"{field}:\s+(\d+)", status)[0]) / 1000 for status in statuses]


@pytest.mark.parametrize("count", [200, pytest.param(5_000, marks=pytest.mark.soak)])
def test_idle_crowd_leaves_room_for_others(daemon: Daemon, count: int) -> None:
    """A peer with a bounce is served within two seconds, and no worker needs 100 MB."""
    crowd = [_from_another_address(daemon.port, number) for number in range(count)]
    for peer in crowd:
        assert peer.recv(4) == b"220 "
    recipient = "alice@example.org"
    path = daemon.return_path(recipient)
    begun = time.monotonic()
    code, _ = daemon.send(path, unknown_user(recipient, path))
    assert code == 250
    assert time.monotonic() - begun < 2
    assert max(memory_mb(daemon, "VmRSS")) < 100
    for peer in crowd:
        peer.close()


@pytest.mark.parametrize(("count", "size"), [(10, 5 * MIB), pytest.param(100, 49 * MIB, marks=pytest.mark.soak)])
async def test_largest_messages_at_once(daemon: Daemon, count: int, size: int) -> None:
    """All are acknowledged, none costs more than its first part: under 300 MB together."""
    async with asyncio.TaskGroup() as group:
        sent = [group.create_task(_send_much(daemon, f"user{number}@example.org", size)) for number in range(count)]
    assert {task.result()[:3] for task in sent} == {"250"}
    assert sum(memory_mb(daemon, "VmHWM")) < 300


async def _send_much(daemon: Daemon, recipient: str, size: int) -> str:
    path = daemon.return_path(recipient)
    message = unknown_user(recipient, path)
    peer = Peer(*await asyncio.open_connection("127.0.0.1", daemon.port))
    assert (await peer.reply()).startswith("220")
    await peer.begin(path)
    peer.send(message)
    for _ in range((size - len(message)) // len(BLOCK)):
        peer.send(BLOCK)
        await peer.writer.drain()
    peer.send(b"\r\n.\r\n")
    reply = (await asyncio.wait_for(peer.reader.readline(), 120)).decode()
    await peer.close()
    return reply


def _from_another_address(port: int, number: int) -> socket.socket:
    """Connect from a loopback address that no more than a few others come from."""
    peer = socket.socket()
    peer.settimeout(30)
    peer.bind((f"127.1.{number // 200}.{1 + number % 200}", 0))
    peer.connect(("127.0.0.1", port))
    return peer
