"""A real Postfix that keeps TLS sessions takes them up again, although it gets one ticket for each and no more."""

import asyncio
import os
import shutil
import smtplib
from dataclasses import replace
from pathlib import Path

import pytest

from bounced.config.files import tls_context
from bounced.edges.smtp import SessionSettings
from tests.support.door import HOSTNAME, OpenDoor, open_door, self_signed
from tests.support.mta import POSTFIX, running

MESSAGES = 6
DELIVERY_S = 60.0
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


async def test_postfix_takes_its_session_up_again(tmp_path: Path) -> None:
    """Each message comes on a connection of its own, and only the first of them has a whole handshake."""
    templates, home = tmp_path / "templates", tmp_path / "postfix"
    home.mkdir()
    shutil.copytree(POSTFIX.templates / "postfix", templates / "postfix")
    with (templates / "postfix/main.cf").open("a") as file:
        file.write(KEEPS_SESSIONS)
    self_signed(tmp_path)
    context = tls_context(tmp_path / "server.pem", tmp_path / "server.pem")
    async with open_door(SessionSettings(HOSTNAME, tls_context=context)) as door:
        port = door.address[1]
        with running(replace(POSTFIX, templates=templates), home, DAEMON=port, REFUSER=port) as postfix:
            await asyncio.to_thread(_hand_over, postfix)
            async with asyncio.timeout(DELIVERY_S):
                await _all_taken(door)
    statistics = context.session_stats()
    assert (statistics["accept_good"], statistics["hits"]) == (MESSAGES, MESSAGES - 1)


def _hand_over(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=DELIVERY_S) as client:
        for number in range(MESSAGES):
            client.sendmail("", f"b-user{number}@bounce.example", b"Subject: returned\r\n\r\nx\r\n")


async def _all_taken(door: OpenDoor) -> None:
    while len(door.receiver.taken) < MESSAGES:
        door.receiver.arrival.clear()
        await door.receiver.arrival.wait()
