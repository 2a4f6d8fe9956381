"""A Redis that lost everything is told by the real daemon, which takes mail all the same until somebody decides."""

import http.client
import socket
import time
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest
from redis import Redis

from tests.support.daemon import WAIT_S, Daemon, unknown_user

HTTP = '[http]\nlisten = "unix:FOLDER/http"\n'


@pytest.fixture
def daemon(daemons: Callable[..., Daemon]) -> Daemon:
    """Return a daemon of two workers that has met its Redis."""
    daemon = daemons(workers=2, further=HTTP).start()
    comes_to(daemon, 200)
    return daemon


def comes_to(daemon: Daemon, status: int) -> str:
    """Return what the readiness says once it has a status: workers tell that they are ready a moment after they are."""
    patience = time.monotonic() + WAIT_S
    while time.monotonic() < patience:
        found, told = readyz(daemon)
        if found == status and "are ready" not in told:
            return told
        time.sleep(0.05)
    raise AssertionError(f"readiness never came to {status}")


def readyz(daemon: Daemon) -> tuple[int, str]:
    """Return what the readiness answers."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(WAIT_S)
    connection.sock.connect(str(daemon.folder / "http"))
    connection.request("GET", "/readyz")
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def bounce(daemon: Daemon, recipient: str) -> int:
    """Send a bounce and return the code of the reply."""
    path = daemon.return_path(recipient)
    return daemon.send(path, unknown_user(recipient, path))[0]


def test_a_flush_while_it_runs_is_told_until_it_is_accepted(daemon: Daemon) -> None:
    """In the log, by readiness, doctor and an alarm; one command ends it, without a restart."""
    with Redis(unix_socket_path=f"{daemon.folder}/data/server.sock", decode_responses=True) as redis:
        redis.flushall()
        assert "not the Redis that kept the list" in daemon.wait_for("store.replaced", list="main")["text"]
        assert "main: this is not the Redis" in comes_to(daemon, 503)
        assert redis.hexists("bounced:{main}:alarms", "redis")
        assert bounce(daemon, "alice@example.org") == 250
        examined = daemon.command("doctor", "--no-dns")
        assert examined.returncode == 1
        assert "bounced accept-redis" in examined.stdout
        assert daemon.command("accept-redis").returncode == 0
        daemon.wait_for("store.recognised", list="main")
        comes_to(daemon, 200)
        assert not redis.exists("bounced:{main}:alarms")
        assert redis.sismember("bounced:{main}:suppressed", "alice@example.org")


def test_data_that_went_while_it_was_stopped_is_told_at_the_start(daemon: Daemon) -> None:
    """The folder of the server was emptied, as by a new disk; what the daemon remembers is in a file of its own."""
    daemon.stop()
    for file in Path(daemon.folder / "data").iterdir():
        if file.name != "identities.json":
            rmtree(file) if file.is_dir() else file.unlink()
    daemon.start()
    assert bounce(daemon, "bob@example.org") == 250
    assert "main: this is not the Redis" in comes_to(daemon, 503)
    daemon.stop()
    assert [event["list"] for event in daemon.events if event["event"] == "store.replaced"] == ["main"]


def test_a_restart_with_its_data_is_no_news(daemon: Daemon) -> None:
    """The same Redis, known by its identity."""
    daemon.stop()
    daemon.start()
    comes_to(daemon, 200)
    assert "store.replaced" not in [event["event"] for event in daemon.events]
