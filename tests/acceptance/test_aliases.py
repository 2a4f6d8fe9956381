"""Real MTAs report the members of aliases to the real daemon: an alias lives on when a member is gone."""

import os
import shutil
import smtplib
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from tests.support.daemon import WAIT_S, Daemon
from tests.support.mta import EXIM_ALIASES, SENDMAIL_ALIASES, Mta, running
from tests.support.wire import nobody_here

ALIASES = ("team", "namesake", "nested", "none-left", "with-leaver", "with-program", "moved")
"""Dead are a member elsewhere, a namesake, a member of a member, both, a local one, a program, and a .forward."""
DEAD = "gone@mailbox.example"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare to run an MTA"
)


@pytest.mark.parametrize(
    "quoting", [pytest.param(True, id="quoted"), pytest.param(False, id="not-quoted", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("mta", [EXIM_ALIASES, SENDMAIL_ALIASES], ids=str)
def test_a_dead_member_leaves_its_alias_mailable(
    mta: Mta, daemons: Callable[..., Daemon], tmp_path: Path, quoting: bool
) -> None:
    """Whether the reply quotes the member or not; an address that is no alias's is suppressed at once."""
    if not mta.find():
        pytest.skip(f"{mta} is not here: tests/install-programs")
    daemon = daemons().start()
    recipients = [DEAD, *(f"{name}@office.example" for name in ALIASES)]
    (tmp_path / "mta").mkdir()
    with (
        nobody_here(quoting=quoting) as refuser,
        running(mta, tmp_path / "mta", DAEMON=daemon.port, REFUSER=refuser) as port,
    ):
        with smtplib.SMTP("127.0.0.1", port, "app.sender.example", WAIT_S) as client:
            for recipient in recipients:
                message = f"From: shop@sender.example\r\nTo: {recipient}\r\nSubject: News\r\n\r\nHello.\r\n"
                client.sendmail(daemon.return_path(recipient), recipient, message)
        after = [daemon.wait_for("report.committed")["after"] for _ in recipients]
    assert sorted(after) == ["bouncing"] * len(ALIASES) + ["suppressed"]
    with Redis(unix_socket_path=f"{daemon.folder}/data/server.sock", decode_responses=True) as redis:
        assert redis.smembers("bounced:{main}:suppressed") == {DEAD}
