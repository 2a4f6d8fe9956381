"""A real Dovecot keeps bounces that fetchmail and mbsync bring to bounced, as config/examples/mailbox shows."""

import imaplib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import redis

from bounced.demo.scenes import Scene
from tests.support.daemon import WAIT_S, Daemon
from tests.support.mta import DOVECOT, running
from tests.support.ports import free_port
from tests.support.programs import in_private_root, private_root
from tests.support.redis_server import redis_server

EXAMPLES = Path(__file__).parents[2] / "config" / "examples" / "mailbox"
BOUNCED = f"{sys.executable} -m bounced"
ALICE, BOB = "alice@example.org", "bob@example.org"
MAILBOX, PASSWORD = "bounces@example.com", "example-password"
TAKEN_ALL, TAKEN_SOME, UNREACHABLE = 0, 1, 3
STRANGERS_MAIL = b"From: shop@elsewhere.example\r\nTo: bounces@example.com\r\nSubject: Offer\r\n\r\nBuy!\r\n"

pytestmark = [
    pytest.mark.skipif(private_root("imap") is None, reason="Dovecot is not here: tests/install-programs"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot starts as root only"),
]


@dataclass(frozen=True)
class Mailbox:
    """A mailbox at Dovecot, and a folder with the examples, filled in."""

    port: int
    folder: Path
    daemon: Daemon
    redis: redis.Redis

    def store(self, *messages: bytes) -> None:
        """Let messages come into the mailbox."""
        with self._open() as box:
            for message in messages:
                assert box.append("INBOX", "", "", message)[0] == "OK"

    def count(self) -> int:
        """Return how many messages are in the mailbox."""
        with self._open() as box:
            return int(box.select("INBOX", readonly=True)[1][0] or b"0")

    @contextmanager
    def _open(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port, WAIT_S) as box:
            box.login(MAILBOX, PASSWORD)
            yield box

    def fetchmail(self) -> str:
        """Run fetchmail once with the example; return what it says."""
        file = self._filled_in("fetchmailrc")
        return self._run("fetchmail", "--fetchmailrc", str(file), "--pidfile", str(self.folder / "pid")).stdout

    def take_in(self) -> int:
        """Run the example's script for mbsync once; return its exit code."""
        self._filled_in("mbsyncrc")
        return self._run("sh", str(self._filled_in("take-in"))).returncode

    def copies(self) -> int:
        """Return how many copies of messages mbsync keeps."""
        return sum(1 for name in ("new", "cur") for _ in (self.folder / "INBOX" / name).iterdir())

    def _filled_in(self, name: str) -> Path:
        text = (EXAMPLES / name).read_text()
        for shown, real in {
            "imap.example.com": "127.0.0.1",
            "service 993": f"service {self.port}",
            "Port 993": f"Port {self.port}",
            "ssl sslcertck": 'sslproto ""',
            "SSLType IMAPS": "SSLType None",
            'password "..."': f'password "{PASSWORD}"',
            '"cat /etc/bounced/mailbox-password"': f'"echo {PASSWORD}"',
            "/opt/bounced/bin/bounced": BOUNCED,
            "/var/lib/bounced-mailbox": str(self.folder),
            "/etc/bounced": str(self.folder),
        }.items():
            text = text.replace(shown, real)
        file = self.folder / name
        file.write_text(text)
        file.chmod(0o600)
        return file

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            in_private_root("imap", *command),
            env={**os.environ, "HOME": str(self.folder), "BOUNCED_CONFIG": str(self.daemon.config_file)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * WAIT_S,
            check=False,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Give the port of a Redis."""
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def mailbox(tmp_path: Path, server: int) -> Iterator[Mailbox]:
    """Return an empty mailbox whose bounces go to an empty Redis."""
    home, folder = tmp_path / "mta", tmp_path / "brought"
    home.mkdir()
    folder.mkdir()
    with redis.Redis(port=server, decode_responses=True) as client, running(DOVECOT, home) as port:
        client.flushall()
        yield Mailbox(port, folder, Daemon(tmp_path, url=f"redis://127.0.0.1:{server}/0"), client)


def bounce(mailbox: Mailbox, address: str, days_ago: int = 0) -> bytes:
    """Return a bounce as a provider stores it in the mailbox, to which the whole bounce domain is delivered."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    path = mailbox.daemon.return_path(address, days_ago=days_ago)
    trace = f"Received: from mx.example.net by mail; {at:%a, %d %b %Y %H:%M:%S} +0000"
    head = f"Return-Path: <>\r\nDelivered-To: {MAILBOX}\r\nX-Original-To: {path}\r\n{trace}\r\n"
    return head.encode() + Scene("unknown_user", address).content(path, at)


def suppressed(mailbox: Mailbox) -> set[str]:
    """Return the suppression list."""
    return cast("set[str]", mailbox.redis.smembers("bounced:{main}:suppressed"))


@contextmanager
def redis_away(mailbox: Mailbox) -> Iterator[None]:
    """Let the configuration name a Redis that is not there."""
    file = mailbox.daemon.config_file
    text = file.read_text()
    file.write_text(re.sub(r"redis://127.0.0.1:\d+", f"redis://127.0.0.1:{free_port()}", text))
    yield
    file.write_text(text)


def test_fetchmail_deletes_what_bounced_has_taken_in(mailbox):
    """One process for each message, by its exit code; what is nobody's bounce stays in the mailbox."""
    mailbox.store(bounce(mailbox, ALICE), STRANGERS_MAIL, bounce(mailbox, BOB))
    said = mailbox.fetchmail()
    assert (mailbox.count(), suppressed(mailbox)) == (1, {ALICE, BOB}), said


def test_fetchmail_leaves_everything_in_the_mailbox_while_redis_is_away(mailbox):
    """And brings it when Redis is back."""
    mailbox.store(bounce(mailbox, ALICE))
    with redis_away(mailbox):
        said = mailbox.fetchmail()
        assert (mailbox.count(), "status 75" in said) == (1, True), said
    said = mailbox.fetchmail()
    assert (mailbox.count(), suppressed(mailbox)) == (0, {ALICE}), said


def test_fetchmail_hands_on_the_time_at_which_a_bounce_came(mailbox):
    """A bounce that lay in the mailbox for 40 days counts at the time at which it came; its path was good then."""
    mailbox.store(bounce(mailbox, ALICE, days_ago=40))
    said = mailbox.fetchmail()
    assert (mailbox.count(), suppressed(mailbox)) == (0, {ALICE}), said
    (event,) = json.loads(mailbox.daemon.command("lookup", ALICE, "--json").stdout)["history"]
    assert event["at"].startswith(f"{datetime.now(UTC) - timedelta(days=40):%Y-%m-%d}")


def test_fetchmail_leaves_a_message_where_bounced_cannot_even_start(mailbox):
    """A configuration that cannot be read deletes nothing."""
    mailbox.store(bounce(mailbox, ALICE))
    mailbox.daemon.config_file.write_text("no configuration")
    said = mailbox.fetchmail()
    assert mailbox.count() == 1, said


def test_a_plus_address_is_found_by_a_pattern(mailbox):
    """Delivered-To has it, and a trusted pattern says whose bounce it is."""
    file = mailbox.daemon.config_file
    unsigned = 'domains = ["example.com"]\npatterns = ["bounces+{local}={domain}"]\ntrust_unsigned = true'
    file.write_text(file.read_text().replace('domains = ["bounce.example.com"]', unsigned))
    path = "bounces+alice=example.org@example.com"
    mailbox.store(f"Delivered-To: {path}\r\n".encode() + Scene("unknown_user", ALICE).content(path))
    said = mailbox.fetchmail()
    assert (mailbox.count(), suppressed(mailbox)) == (0, {ALICE}), said


def test_mbsync_copies_and_what_was_taken_in_is_deleted_in_the_mailbox(mailbox):
    """In the run after: the first deletes the copy, the second the message.  What is nobody's bounce stays in both."""
    mailbox.store(bounce(mailbox, ALICE), STRANGERS_MAIL, bounce(mailbox, BOB))
    assert mailbox.take_in() == TAKEN_SOME
    assert (mailbox.copies(), mailbox.count(), suppressed(mailbox)) == (1, 3, {ALICE, BOB})
    assert mailbox.take_in() == TAKEN_SOME
    assert (mailbox.copies(), mailbox.count()) == (1, 1)


def test_mbsync_deletes_nothing_while_redis_is_away(mailbox):
    """Neither a copy nor a message, however often it runs."""
    mailbox.store(bounce(mailbox, ALICE))
    with redis_away(mailbox):
        for _ in range(2):
            assert mailbox.take_in() == UNREACHABLE
            assert (mailbox.copies(), mailbox.count()) == (1, 1)
    assert mailbox.take_in() == TAKEN_ALL
    assert (mailbox.copies(), suppressed(mailbox)) == (0, {ALICE})


def test_a_lost_folder_of_copies_deletes_nothing_in_the_mailbox(mailbox):
    """Everything is copied again, because the state of mbsync is lost with the copies."""
    mailbox.store(STRANGERS_MAIL)
    assert mailbox.take_in() == TAKEN_SOME
    shutil.rmtree(mailbox.folder / "INBOX")
    assert mailbox.take_in() == TAKEN_SOME
    assert (mailbox.copies(), mailbox.count()) == (1, 1)


def test_a_full_disk_deletes_nothing_in_the_mailbox(mailbox):
    """What cannot be copied whole is not taken in, and stays."""
    mailbox.store(bounce(mailbox, ALICE) + (b"x" * 70 + b"\r\n") * 5_000)
    disk = mailbox.folder / "INBOX"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)], check=True)
    try:
        for _ in range(2):
            mailbox.take_in()
            assert (mailbox.count(), suppressed(mailbox)) == (1, set())
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert mailbox.take_in() == TAKEN_ALL
    assert suppressed(mailbox) == {ALICE}
