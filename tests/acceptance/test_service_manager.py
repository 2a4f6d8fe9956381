"""The real daemon in the hands of a service manager: sockets handed over, and every fact reported."""

import os
import secrets
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

WAIT_S = 30

HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp"}
os.execv(sys.executable, [sys.executable, "-m", "bounced", "run", "--config", sys.argv[2]])
"""

CONFIGURATION = """
workers = 2
[smtp]
listen = ["192.0.2.1:25"]  # nobody could listen there: the socket handed over replaces it
[redis]
data_dir = "data"
url = "{url}"
prefix = "{prefix}"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""


class Manager:
    """Does what systemd does: owns the socket, starts the daemon, listens to it."""

    def __init__(self, folder: Path, configuration: str) -> None:
        self.config_file = folder / "bounced.toml"
        self.config_file.write_text(configuration)
        (folder / "a.key").touch(mode=0o600)
        (folder / "a.key").write_text(secrets.token_urlsafe(32))
        self.smtp = socket.create_server(("127.0.0.1", 0))
        self.notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notifications.bind(str(folder / "notify"))
        self.notifications.settimeout(WAIT_S)
        self._environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}
        self._log = (folder / "log").open("w")

    def start(self) -> subprocess.Popen[bytes]:
        """Start the daemon and hand it the socket."""
        return subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, str(self.smtp.fileno()), str(self.config_file)],
            env=self._environment,
            pass_fds=[self.smtp.fileno()],
            stderr=self._log,
        )

    def hear(self, fact: bytes) -> bytes:
        """Return the next notification that begins so; heartbeats in between are passed over."""
        while not (heard := self.notifications.recv(200)).startswith(fact):
            assert heard == b"WATCHDOG=1", heard
        return heard

    def close(self) -> None:
        """Let go of everything."""
        self.smtp.close()
        self.notifications.close()
        self._log.close()


@pytest.fixture
def manager(tmp_path: Path, redis_url: str, key_prefix: str) -> Iterator[Manager]:
    """Return a service manager for a daemon with two workers."""
    manager = Manager(tmp_path, CONFIGURATION.format(url=redis_url, prefix=key_prefix))
    yield manager
    manager.close()


def test_a_service_manager_hears_of_start_health_reload_and_stop(manager: Manager) -> None:
    """READY once mail is taken in, WATCHDOG while all is well, RELOADING and READY again, STOPPING; exit status 0."""
    daemon = manager.start()
    manager.hear(b"READY=1")
    host, port = manager.smtp.getsockname()
    with smtplib.SMTP(host, port, timeout=WAIT_S) as client:
        assert client.ehlo()[0] == 250
    manager.hear(b"WATCHDOG=1")
    daemon.send_signal(signal.SIGHUP)
    manager.hear(b"RELOADING=1\nMONOTONIC_USEC=")
    manager.hear(b"READY=1")
    daemon.send_signal(signal.SIGTERM)
    manager.hear(b"STOPPING=1")
    assert daemon.wait(10) == 0


def test_a_connection_made_while_the_daemon_restarts_is_not_refused(manager: Manager) -> None:
    """It waits in the socket, which is the service manager's, until somebody answers."""
    daemon = manager.start()
    manager.hear(b"READY=1")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(WAIT_S) == 0
    with socket.create_connection(manager.smtp.getsockname(), timeout=WAIT_S) as waiting:
        daemon = manager.start()
        assert waiting.recv(100).startswith(b"220 ")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(WAIT_S) == 0
