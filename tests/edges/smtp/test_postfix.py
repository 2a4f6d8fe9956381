"""A real Postfix delivers to the door, in the clear and encrypted; it needs root to be started."""

import asyncio
import os
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bounced.edges.smtp import SessionSettings
from tests.support.door import HOSTNAME, OpenDoor, loopback, open_door, self_signed

MESSAGES = 40
DELIVERY_S = 30.0

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
relayhost = [127.0.0.1]:{relay}
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
maillog_file = {folder}/log
maillog_file_prefixes = /
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not shutil.which("postfix") or os.geteuid() != 0, reason="needs Postfix, and root to start it"),
]


@contextmanager
def postfix(folder: Path, relay: int) -> Iterator[int]:
    """Run a Postfix that sends everything to a port of loopback; give the port that it listens on."""
    with loopback() as free:
        port = free.getsockname()[1]
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)  # its processes run as another user
    (folder / "spool").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "main.cf").write_text(MAIN.format(folder=folder, relay=relay))
    (folder / "master.cf").write_text(MASTER.format(port=port))
    subprocess.run(["postfix", "-c", str(folder), "start"], check=True, capture_output=True)
    try:
        yield port
    finally:
        subprocess.run(["postfix", "-c", str(folder), "stop"], check=True, capture_output=True)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "starttls"])
async def test_postfix_delivers(tmp_path: Path, encrypted: bool) -> None:
    """Many messages, one of them with UTF-8 in its header."""
    settings = SessionSettings(HOSTNAME)
    if encrypted:
        settings = replace(settings, tls_context=self_signed(tmp_path))
    folder = tmp_path / "postfix"
    folder.mkdir()
    async with open_door(settings) as door:
        with postfix(folder, int(door.address[1])) as port:
            await asyncio.to_thread(_hand_over, port)
            await asyncio.wait_for(_all_taken(door), DELIVERY_S)
    assert ("TLS connection established" in (folder / "log").read_text()) is encrypted
    assert {envelope.reverse_path for envelope in door.receiver.taken} == {""}
    assert sorted(envelope.forward_path for envelope in door.receiver.taken) == sorted(
        f"b-User{n}@bounce.example" for n in range(MESSAGES)
    )
    assert any("привет".encode() in envelope.content for envelope in door.receiver.taken)


def _hand_over(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=DELIVERY_S) as client:
        for number in range(MESSAGES):
            options = ["SMTPUTF8"] if number == 0 else []
            subject = "привет" if number == 0 else "returned"
            message = f"From: MAILER-DAEMON@isp.example\r\nSubject: {subject}\r\n\r\n.\r\n"
            client.ehlo_or_helo_if_needed()
            client.mail("", options)
            assert client.rcpt(f"b-User{number}@bounce.example")[0] == 250
            assert client.data(message.encode())[0] == 250


async def _all_taken(door: OpenDoor) -> None:
    while len(door.receiver.taken) < MESSAGES:
        door.receiver.arrival.clear()
        await door.receiver.arrival.wait()
