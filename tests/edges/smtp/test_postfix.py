"""A real Postfix delivers to the door, in the clear and encrypted, and takes up TLS sessions by their one ticket."""

import asyncio
import os
import shutil
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bounced.config.files import tls_context
from bounced.edges.smtp import SessionSettings
from tests.support.door import HOSTNAME, OpenDoor, open_door, self_signed
from tests.support.mta import POSTFIX, running

MANY, FEW = 40, 6
DELIVERY_S = 60.0
MANY_CONNECTIONS = """
smtp_destination_concurrency_limit = 20
"""
KEEPS_SESSIONS = """
smtp_tls_session_cache_database = btree:/var/mta/data/sessions
smtp_tls_connection_reuse = no
smtp_connection_cache_destinations =
smtp_connection_cache_on_demand = no
"""

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("unshare") or not POSTFIX.find(),
        reason="needs Postfix (tests/install-programs), root and unshare",
    ),
]


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "starttls"])
async def test_postfix_delivers(tmp_path: Path, encrypted: bool) -> None:
    """Many messages, one of them with UTF-8 in its header."""
    context = _context(tmp_path)
    async with open_door(SessionSettings(HOSTNAME, tls_context=context if encrypted else None)) as door:
        with _postfix(tmp_path, int(door.address[1]), MANY_CONNECTIONS) as port:
            await asyncio.to_thread(_hand_over, port, MANY)
            await _taken(door, MANY)
    assert (context.session_stats()["accept_good"] > 0) is encrypted
    assert {envelope.reverse_path for envelope in door.receiver.taken} == {""}
    assert sorted(envelope.forward_path for envelope in door.receiver.taken) == sorted(
        f"b-User{n}@bounce.example" for n in range(MANY)
    )
    assert any("привет".encode() in envelope.content for envelope in door.receiver.taken)


async def test_postfix_takes_its_session_up_again(tmp_path: Path) -> None:
    """Each message comes on a connection of its own, and only the first of them has a whole handshake."""
    context = _context(tmp_path)
    async with open_door(SessionSettings(HOSTNAME, tls_context=context)) as door:
        with _postfix(tmp_path, int(door.address[1]), KEEPS_SESSIONS) as port:
            await asyncio.to_thread(_hand_over, port, FEW)
            await _taken(door, FEW)
    statistics = context.session_stats()
    assert (statistics["accept_good"], statistics["hits"]) == (FEW, FEW - 1)


def _context(folder: Path) -> ssl.SSLContext:
    self_signed(folder)
    return tls_context(folder / "server.pem", folder / "server.pem")


@contextmanager
def _postfix(folder: Path, relay: int, settings: str) -> Iterator[int]:
    """Run a Postfix that sends everything to a port of loopback, with further settings; give its port."""
    templates, home = folder / "templates", folder / "postfix"
    home.mkdir()
    shutil.copytree(POSTFIX.templates / "postfix", templates / "postfix")
    with (templates / "postfix/main.cf").open("a") as file:
        file.write(settings)
    with running(replace(POSTFIX, templates=templates), home, DAEMON=relay, REFUSER=relay) as port:
        yield port


def _hand_over(port: int, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=DELIVERY_S) as client:
        for number in range(count):
            subject, options = ("привет", ["SMTPUTF8"]) if number == 0 else ("returned", [])
            message = f"From: MAILER-DAEMON@isp.example\r\nSubject: {subject}\r\n\r\n.\r\n"
            client.ehlo_or_helo_if_needed()
            client.mail("", options)
            assert client.rcpt(f"b-User{number}@bounce.example")[0] == 250
            assert client.data(message.encode())[0] == 250


async def _taken(door: OpenDoor, count: int) -> None:
    async with asyncio.timeout(DELIVERY_S):
        while len(door.receiver.taken) < count:
            door.receiver.arrival.clear()
            await door.receiver.arrival.wait()
