"""The real daemon and messages that cannot be read: acknowledged, counted once, told."""

from pathlib import Path

from tests.support.daemon import Daemon
from tests.test_unread import DIGITS, TOO_MUCH


def test_what_cannot_be_read_is_acknowledged(tmp_path: Path) -> None:
    """With 250, so that no peer brings it for days; the log has the digest, and a resend changes nothing."""
    daemon = Daemon(tmp_path)
    daemon.start()
    try:
        path = daemon.return_path("alice@example.org")
        assert daemon.send(daemon.return_path("bob@example.org"), DIGITS)[0] == 250
        assert daemon.send(path, TOO_MUCH)[0] == 250
        digest = daemon.wait_for("message.unread")["digest"]
        assert len(digest) == 64
        assert daemon.wait_for("report.committed", rule="unread")["category"] == "undetermined"
        assert daemon.send(path, TOO_MUCH)[0] == 250
        assert daemon.wait_for("message.unread")["digest"] == digest
        daemon.wait_for("report.duplicated")
        assert daemon.command("lookup", "alice@example.org").returncode == 0
    finally:
        daemon.stop()
