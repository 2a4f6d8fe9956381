"""Events by HTTP to the real process, committed by the real daemon, beside the bounce by SMTP."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.support.daemon import WAIT_S, Daemon, _Log, unknown_user
from tests.support.hooks import UNKNOWN, by_basic, postmark

FURTHER = """
[web.public]
listen = "unix:FOLDER/public"
hosts = ["mail.example.com"]
[lists.main.hooks.postmark]
secret_files = ["new.secret", "old.secret"]
"""
REPORTED = ("report", "rejected")
OLD, NEW = "the secret that is replaced", "the one that replaces it"


@pytest.fixture(scope="module")
def daemon(lasting_daemons: Callable[..., Daemon]) -> Daemon:
    """Return a running daemon whose list hears Postmark."""
    daemon = lasting_daemons(further=FURTHER)
    for name, secret in (("old", OLD), ("new", NEW)):
        file = daemon.folder / f"{name}.secret"
        file.touch(mode=0o600)
        file.write_text(secret)
    return daemon.start()


class Web:
    """``bounced web --public``."""

    def __init__(self, daemon: Daemon) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bounced", "web", "--public", "--config", str(daemon.config_file)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self._log = _Log(self._process.stderr)
        transport = httpx.HTTPTransport(uds=str(daemon.folder / "public"))
        self._client = httpx.Client(transport=transport, base_url="http://mail.example.com", timeout=WAIT_S)
        self.wait_for("service.started")

    def wait_for(self, event: str) -> None:
        """Read the log until an event comes."""
        assert any(json.loads(line)["event"] == event for line in self._log.lines(WAIT_S))

    def reload(self) -> None:
        """Let it read its files again."""
        self._process.send_signal(signal.SIGHUP)
        self.wait_for("service.reloaded")

    def end(self, number: signal.Signals) -> None:
        """End it."""
        self._process.send_signal(number)
        self._process.wait(WAIT_S)
        self._client.close()

    def post(self, event: Any, secret: str) -> int:
        """Post an event, and return the status of the answer."""
        request = by_basic(json.dumps(event).encode(), secret)
        return self._client.post("/hooks/postmark/main", content=request.body, headers=request.headers).status_code


@contextmanager
def web(daemon: Daemon) -> Iterator[Web]:
    """Give the application, and end it."""
    running = Web(daemon)
    try:
        yield running
    finally:
        running.end(signal.SIGTERM)


def bounced(number: int, address: str, path: str = "") -> Any:
    """Return what Postmark says of a mailbox that does not exist."""
    return postmark("Bounce/HardBounce", address, number, reply=UNKNOWN.format(address=address), path=path)


def reports(daemon: Daemon, address: str, count: int) -> list[dict[str, str]]:
    """Wait until so many events about an address were committed, and return them."""
    found: list[dict[str, str]] = []
    with Redis(unix_socket_path=f"{daemon.folder}/data/server.sock", decode_responses=True) as redis:
        last = "0"
        while len(found) < count:
            ((_, entries),) = redis.xread({"bounced:{main}:events": last}, block=int(WAIT_S * 1000))
            last = entries[-1][0]
            found += [each for _, each in entries if each["address"] == address and each["type"] in REPORTED]
    return found


def test_an_event_and_its_bounce_by_smtp_count_once(daemon: Daemon) -> None:
    """An unknown mailbox is suppressed by the first of them; the other is recorded, and changes nothing."""
    for first, address in (("event", "alice@example.org"), ("bounce", "bob@example.org")):
        path = daemon.return_path(address)
        with web(daemon) as application:
            for what in (first, "event" if first == "bounce" else "bounce"):
                if what == "bounce":
                    assert daemon.send(path, unknown_user(address, path))[0] == 250
                else:
                    assert application.post(bounced(len(address), address, path), NEW) == 200
                reports(daemon, address, 1 if what == first else 2)
        told = reports(daemon, address, 2)
        assert [event["after"] for event in told] == ["suppressed", "suppressed"]
        state = json.loads(daemon.command("lookup", address, "--json").stdout)
        assert (state["state"], state["bounces"]) == ("suppressed", "1")


def test_what_was_answered_200_outlives_the_process(daemon: Daemon) -> None:
    """It is killed at once; the daemon commits the event all the same."""
    running = Web(daemon)
    assert running.post(bounced(100, "carol@example.org"), NEW) == 200
    running.end(signal.SIGKILL)
    assert [event["type"] for event in reports(daemon, "carol@example.org", 1)] == ["rejected"]


def test_a_secret_is_replaced_without_a_restart(daemon: Daemon) -> None:
    """Both are good while the configuration names both; after the reload the old one is not."""
    with web(daemon) as application:
        assert [application.post(bounced(200, "dan@example.org"), secret) for secret in (OLD, NEW)] == [200, 200]
        daemon.write_config(FURTHER.replace(', "old.secret"', ""))
        application.reload()
        assert [application.post(bounced(201, "dan@example.org"), secret) for secret in (OLD, NEW)] == [401, 200]
    daemon.write_config()
