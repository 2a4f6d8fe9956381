"""Real MTAs bounce to the real daemon: what they send is taken, understood and acted on."""

import os
import shutil
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from tests.support.daemon import WAIT_S, Daemon
from tests.support.door import self_signed
from tests.support.mta import EXIM, HARAKA, MTAS, POSTFIX, Mta, running
from tests.support.wire import Wire, nobody_here, wire_to

MESSAGES = 12
TLS = '[smtp]\ntls_certificate = "server.pem"\ntls_key = "server.pem"\n'
UTF8_RECIPIENT = "почта@mailbox.example"

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare to run an MTA"),
]


@pytest.fixture(params=MTAS, ids=str)
def mta(request: pytest.FixtureRequest) -> Mta:
    """Return each MTA in turn."""
    chosen: Mta = request.param
    if not chosen.find():
        pytest.skip(f"{chosen} is not here: tests/install-programs")
    return chosen


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "starttls"])
def test_what_an_mta_bounces_is_on_the_list(
    mta: Mta, daemons: Callable[..., Daemon], tmp_path: Path, encrypted: bool
) -> None:
    """Twelve unknown users, every second return path in mixed case, are suppressed when the last 250 is said."""
    daemon = _started(daemons, tmp_path, encrypted=encrypted)
    recipients = [f"user{n}@mailbox.example" for n in range(MESSAGES)]
    with _bouncing(mta, daemon, tmp_path) as (port, wire):
        with smtplib.SMTP("127.0.0.1", port, "app.sender.example", WAIT_S) as client:
            for number, recipient in enumerate(recipients):
                path = daemon.return_path(recipient)
                _hand_over(client, path.title() if number % 2 else path, recipient)
        for _ in recipients:
            assert daemon.wait_for("report.committed")["category"] == "mailbox_unknown"
        assert _suppressed(daemon) == set(recipients)
    assert {session.encrypted for session in wire.sessions} == {encrypted}
    assert (len(wire.sessions) < MESSAGES) is mta.reuses_connections


@pytest.mark.parametrize("mta", [POSTFIX, EXIM, HARAKA], ids=str, indirect=True)
def test_the_bounce_of_a_utf8_recipient_comes_home(mta: Mta, daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    """A token stands for it; Postfix says SMTPUTF8, Exim and Haraka send UTF-8 unannounced."""
    daemon = _started(daemons, tmp_path)
    path = daemon.command("return-path", "encode", UTF8_RECIPIENT).stdout.strip()
    with _bouncing(mta, daemon, tmp_path) as (port, wire):
        with smtplib.SMTP("127.0.0.1", port, "app.sender.example", WAIT_S) as client:
            _hand_over(client, path, UTF8_RECIPIENT, ["SMTPUTF8"])
        assert daemon.wait_for("report.committed")["category"] == "mailbox_unknown"
        assert _suppressed(daemon) == {UTF8_RECIPIENT}
    assert (b" SMTPUTF8\r\n" in wire.sessions[0].said) is (mta is POSTFIX)


def _started(daemons: Callable[..., Daemon], folder: Path, *, encrypted: bool = False) -> Daemon:
    daemon = daemons()
    if encrypted:
        self_signed(folder)
        daemon.config_file.write_text(daemon.config_file.read_text().replace("[smtp]\n", TLS))
    return daemon.start()


@contextmanager
def _bouncing(mta: Mta, daemon: Daemon, folder: Path) -> Iterator[tuple[int, Wire]]:
    """Run an MTA whose mail is refused and whose bounces go to the daemon; give its port and what it says there."""
    home = folder / mta.name
    home.mkdir()
    with (
        nobody_here() as refuser,
        wire_to(daemon.port) as wire,
        running(mta, home, DAEMON=wire.port, REFUSER=refuser) as port,
    ):
        yield port, wire


def _hand_over(client: smtplib.SMTP, reverse_path: str, recipient: str, options: list[str] | None = None) -> None:
    message = f"From: shop@sender.example\r\nTo: {recipient}\r\nSubject: News\r\n\r\nHello.\r\n"
    client.sendmail(reverse_path, recipient, message.encode(), options or [])


def _suppressed(daemon: Daemon) -> set[str]:
    with Redis(unix_socket_path=f"{daemon.folder}/data/server.sock", decode_responses=True) as redis:
        return set(redis.smembers("bounced:{main}:suppressed"))
